"""Weights rounded together: nearer to what the network gave than the nearest integers, and within their limits."""

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
    """Weights (O, I), the steps of their integers (O,), and inputs (positions, I) that go together, as channels do."""
    weights = rng.normal(size=(outputs, inputs))
    seen = np.abs(rng.normal(size=(500, 4)) @ rng.normal(size=(4, inputs)) + 0.3 * rng.normal(size=(500, inputs)))
    return weights, np.abs(weights).max(1) / LARGEST, seen


def wrong(weights: Array, integers: Array | Integers, steps: Array, seen: Array) -> float:
    """Mean squared change of the outputs."""
    return float(np.mean((seen @ (weights - integers * steps[:, np.newaxis]).T) ** 2))


@pytest.mark.parametrize("seed", range(5))
def test_outputs_change_less_than_with_the_nearest_integers(seed: int) -> None:
    weights, steps, seen = layer(np.random.default_rng(seed))
    nearest = np.rint(weights / steps[:, np.newaxis])
    together = gptq_round(weights, steps, seen.T @ seen, LARGEST)
    assert wrong(weights, together, steps, seen) < 0.5 * wrong(weights, nearest, steps, seen)


def test_inputs_that_have_nothing_in_common_get_the_nearest_integers() -> None:
    weights, steps, _ = layer(np.random.default_rng(0))
    assert np.array_equal(gptq_round(weights, steps, np.eye(24), LARGEST), np.rint(weights / steps[:, np.newaxis]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 127), st.sampled_from((0.0, 1e-9, 1.0, 1e9)))
def test_integers_stay_within_their_limits(seed: int, largest: int, scale: float) -> None:
    weights, _, seen = layer(np.random.default_rng(seed), 3, 8)
    seen[:, 0] = 0  # an input that is never there
    rounded = gptq_round(weights, np.abs(weights).max(1) / largest, scale * seen.T @ seen, largest)
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
def test_what_the_weights_are_multiplied_with_gives_the_convolution(
    groups: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int, int, int]
) -> None:
    torch.manual_seed(0)
    inputs, weight = torch.randn(2, 6, 9, 11), torch.randn(12, 6 // groups, kernel, kernel)
    steps: dict[str, Any] = {"strides": [stride, stride], "dilations": [dilation, dilation], "pads": list(pads)}
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=groups, **steps)
    seen = Convolution.from_node(node, (kernel, kernel)).unfold(inputs)
    outputs = torch.einsum("gpi,goi->gop", seen, weight.reshape(groups, 12 // groups, -1)).flatten(0, 1)
    top, left, bottom, right = pads
    padded = torch.nn.functional.pad(inputs, (left, right, top, bottom))
    expected = torch.nn.functional.conv2d(padded, weight, stride=stride, dilation=dilation, groups=groups)
    torch.testing.assert_close(outputs, expected.transpose(0, 1).flatten(1), rtol=1e-4, atol=1e-4)


def test_pads_that_are_not_written_down_are_not_guessed() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER")
    with pytest.raises(ValueError, match="auto_pad"):
        Convolution.from_node(node, (3, 3))
