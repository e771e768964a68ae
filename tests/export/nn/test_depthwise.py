"""Faster gradients of depthwise convolutions: they equal float32's, and no other convolution uses them."""

import pytest
import torch
from torch import nn

from export.nn.depthwise import FastDepthwiseGradients


def gradients(layer: nn.Conv2d, images: torch.Tensor, *, fast: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    given = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        if fast:
            with FastDepthwiseGradients():
                outputs = layer(given)
        else:
            outputs = layer(given)
    weights = torch.linspace(-1, 1, outputs.numel()).view(outputs.shape)
    layer.zero_grad()
    (outputs.float() * weights).sum().backward()
    assert layer.weight.grad is not None and given.grad is not None
    return outputs.detach(), given.grad, layer.weight.grad


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_fast_gradients_equal_those_of_float32(kernel: int, stride: int) -> None:
    torch.manual_seed(1)
    layer = nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8, bias=False)
    images = torch.randn(2, 8, 14, 14)
    output, for_images, for_weight = gradients(layer, images, fast=True)
    assert "_DepthwiseConvolution" in type(_traced(layer, images).grad_fn).__name__
    assert torch.equal(output, gradients(layer, images, fast=False)[0])
    exact = images.clone().requires_grad_()
    layer.zero_grad()
    (layer(exact) * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum().backward()
    assert layer.weight.grad is not None and exact.grad is not None
    for actual, expected in ((for_images, exact.grad), (for_weight, layer.weight.grad)):
        assert torch.nn.functional.cosine_similarity(actual.flatten(), expected.flatten(), 0) > 0.999
        assert actual.norm().item() == pytest.approx(expected.norm().item(), rel=0.02)


def _traced(layer: nn.Conv2d, images: torch.Tensor) -> torch.Tensor:
    with FastDepthwiseGradients(), torch.autocast("cpu", torch.bfloat16):
        outputs: torch.Tensor = layer(images)
    return outputs


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 16, 3, bias=False),
        nn.Conv2d(8, 8, 3, groups=4, bias=False),
        nn.Conv2d(8, 8, 3, groups=8, bias=True),
        nn.Conv2d(8, 8, 3, groups=8, dilation=2, bias=False),
    ],
)
def test_other_convolutions_keep_their_gradients(layer: nn.Conv2d) -> None:
    assert "_DepthwiseConvolution" not in type(_traced(layer, torch.randn(1, 8, 9, 9)).grad_fn).__name__


def test_without_autocast_gradients_stay() -> None:
    layer = nn.Conv2d(8, 8, 3, groups=8, bias=False)
    with FastDepthwiseGradients():
        assert "_DepthwiseConvolution" not in type(layer(torch.randn(1, 8, 9, 9)).grad_fn).__name__
