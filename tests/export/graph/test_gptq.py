"""GPTQ rounding changes outputs less than rounding to nearest and respects its limits."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from export.arrays import Array
from export.graph.gptq import Convolution, Integers, gptq_round

LARGEST = 7


def layer(rng: np.random.Generator, outputs: int = 12, inputs: int = 24) -> tuple[Array, Array, Array]:
    """Return weights (O, I), scales (O,) and correlated inputs (positions, I)."""
    weights = rng.normal(size=(outputs, inputs))
    samples = np.abs(rng.normal(size=(500, 4)) @ rng.normal(size=(4, inputs)) + 0.3 * rng.normal(size=(500, inputs)))
    return weights, np.abs(weights).max(1) / LARGEST, samples


def output_error(weights: Array, integers: Array | Integers, scales: Array, inputs: Array) -> float:
    """Return the mean squared change of the outputs."""
    return float(np.mean((inputs @ (weights - integers * scales[:, np.newaxis]).T) ** 2))


@pytest.mark.parametrize("seed", range(5))
def test_gptq_round_changes_outputs_less_than_nearest(seed: int) -> None:
    weights, scales, inputs = layer(np.random.default_rng(seed))
    nearest = np.rint(weights / scales[:, np.newaxis])
    gptq = gptq_round(weights, scales, inputs.T @ inputs, LARGEST)
    assert output_error(weights, gptq, scales, inputs) < 0.5 * output_error(weights, nearest, scales, inputs)


def test_gptq_round_is_nearest_for_uncorrelated_inputs() -> None:
    weights, scales, _ = layer(np.random.default_rng(0))
    assert np.array_equal(gptq_round(weights, scales, np.eye(24), LARGEST), np.rint(weights / scales[:, np.newaxis]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 127), st.sampled_from((0.0, 1e-9, 1.0, 1e9)))
def test_gptq_round_respects_the_limit(seed: int, largest: int, scale: float) -> None:
    weights, _, inputs = layer(np.random.default_rng(seed), 3, 8)
    inputs[:, 0] = 0  # its row and column of the second moments are zero
    rounded = gptq_round(weights, np.abs(weights).max(1) / largest, scale * inputs.T @ inputs, largest)
    assert rounded.dtype == np.int8 and np.abs(rounded.astype(int)).max() <= largest


@pytest.mark.parametrize(
    ("groups", "kernel", "stride", "dilation", "pads"),
    [
        (1, 1, 1, 1, (0, 0, 0, 0)),
        (6, 3, 1, 1, (1, 1, 1, 1)),
        (6, 5, 2, 1, (1, 2, 2, 3)),
        (2, 3, 2, 1, (0, 0, 1, 1)),
        (1, 3, 1, 2, (2, 2, 2, 2)),
    ],
)
def test_convolution_unfold_reproduces_conv2d(
    groups: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int, int, int]
) -> None:
    torch.manual_seed(0)
    inputs, weight = torch.randn(2, 6, 9, 11), torch.randn(12, 6 // groups, kernel, kernel)
    steps: dict[str, Any] = {"strides": [stride, stride], "dilations": [dilation, dilation], "pads": list(pads)}
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=groups, **steps)
    patches = Convolution.from_node(node, (kernel, kernel)).unfold(inputs)
    outputs = torch.einsum("gpi,goi->gop", patches, weight.reshape(groups, 12 // groups, -1)).flatten(0, 1)
    top, left, bottom, right = pads
    padded = torch.nn.functional.pad(inputs, (left, right, top, bottom))
    expected = torch.nn.functional.conv2d(padded, weight, stride=stride, dilation=dilation, groups=groups)
    torch.testing.assert_close(outputs, expected.transpose(0, 1).flatten(1), rtol=1e-4, atol=1e-4)


def test_convolution_rejects_automatic_padding() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER")
    with pytest.raises(ValueError, match="auto_pad"):
        Convolution.from_node(node, (3, 3))
