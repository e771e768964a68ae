"""Depthwise convolutions whose gradients are not the bottleneck of training on a CPU.

oneDNN has no fast bfloat16 kernel for two of their gradients: with respect to the input where the stride is 2, and to the
weights of a 5 x 5 kernel. Both are many times faster in float32, casts included (`python -m export.nn.depthwise` measures
it), and more exact. An EfficientNet-Lite2 trains about 1.5 times as fast for it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Pair = tuple[int, int]


class _Depthwise(torch.autograd.Function):
    """Convolution of (N, C, H, W) with one kernel a channel, (C, 1, K, K), without a bias."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, stride: Pair, padding: Pair) -> torch.Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(images, weight, None, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        images, weight = ctx.saved_tensors
        [gradient] = gradients

        def one(dtype: torch.dtype, *, of_images: bool) -> torch.Tensor:
            found = torch.ops.aten.convolution_backward(
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
            tensor: torch.Tensor = found[0 if of_images else 1]
            return tensor.to(images.dtype)

        for_images = one(torch.float32 if ctx.stride[0] > 1 else images.dtype, of_images=True)
        for_weight = one(torch.float32 if weight.shape[-1] > 3 else images.dtype, of_images=False)
        return for_images, for_weight, None, None


class FastDepthwiseGradients(TorchFunctionMode):
    """While it is active, depthwise convolutions under bfloat16 autocast take the faster gradients."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and torch.is_autocast_enabled("cpu"):
            images, weight, bias, stride, padding, dilation, groups = args
            if groups == images.shape[1] == weight.shape[0] > 1 and bias is None and tuple(dilation) == (1, 1):
                dtype = torch.get_autocast_dtype("cpu")
                return _Depthwise.apply(images.to(dtype), weight.to(dtype), tuple(stride), tuple(padding))
        return func(*args, **(kwargs or {}))
