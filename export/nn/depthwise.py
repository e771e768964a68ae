"""Faster gradients of depthwise convolutions for training on a CPU.

oneDNN has no fast bfloat16 kernel for two of their gradients: with respect to the input where the stride is 2, and to the
weights of a 5 x 5 kernel. Both are many times faster in float32, casts included, and more exact: an EfficientNet-Lite2
trains about 1.5 times as fast (models/experiments.md).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Pair = tuple[int, int]


class _DepthwiseConvolution(torch.autograd.Function):
    """Convolution of images (N, C, H, W) with one kernel for each channel, (C, 1, K, K), without a bias."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, stride: Pair, padding: Pair) -> torch.Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(images, weight, None, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        images, weight = ctx.saved_tensors
        [gradient] = gradients

        def gradient_in(dtype: torch.dtype, *, of_images: bool) -> torch.Tensor:
            gradients_of_both = torch.ops.aten.convolution_backward(
                *(tensor.to(dtype) for tensor in (gradient, images, weight)),
                None,
                ctx.stride,
                ctx.padding,
                [1, 1],
                False,
                [0, 0],
                weight.shape[0],
                [of_images, not of_images, False],
            )
            tensor: torch.Tensor = gradients_of_both[0 if of_images else 1]
            return tensor.to(images.dtype)

        for_images = gradient_in(torch.float32 if ctx.stride[0] > 1 else images.dtype, of_images=True)
        for_weight = gradient_in(torch.float32 if weight.shape[-1] > 3 else images.dtype, of_images=False)
        return for_images, for_weight, None, None


class FastDepthwiseGradients(TorchFunctionMode):
    """Context in which depthwise convolutions under bfloat16 autocast use the faster gradients."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Replace `torch.conv2d` where it is depthwise, and call every other function unchanged."""
        if func is torch.conv2d and not kwargs and torch.is_autocast_enabled("cpu"):
            images, weight, bias, stride, padding, dilation, groups = args
            if groups == images.shape[1] == weight.shape[0] > 1 and bias is None and tuple(dilation) == (1, 1):
                dtype = torch.get_autocast_dtype("cpu")
                return _DepthwiseConvolution.apply(images.to(dtype), weight.to(dtype), tuple(stride), tuple(padding))
        return func(*args, **(kwargs or {}))
