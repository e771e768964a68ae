"""Integers for a network's weights that make up for each other's rounding, instead of the nearest ones.

Frantar et al. 2023 ("GPTQ", arXiv 2210.17323, algorithm 1): the weights of an output channel are rounded one after another,
and what each loses is made up for by those that are still to come, so that the sum over the inputs as real images have them
changes least. The inputs count by their second moments, from the network in float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from lesion.imaging.decode import Pixels
from lesion.inference.model import create_session
from onnx import helper, numpy_helper

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int8]

DAMPING = 0.01
"""Of the mean second moment, added to all: as in the paper."""


@dataclass(frozen=True)
class Convolution:
    """Weights that are rounded: where their inputs are, and how the kernel meets them.

    Attributes:
        source: the tensor (N, C, H, W) that goes in.
        weight: the name of the weights (O, C / groups, h, w).
        groups, kernel, stride, dilation, pads: as ONNX has them; pads are top, left, bottom, right.
    """

    source: str
    weight: str
    groups: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]

    @classmethod
    def of(cls, node: onnx.NodeProto, kernel: tuple[int, int]) -> "Convolution":
        """Read a node `Conv`.

        Raises:
            ValueError: its pads are not written down.
        """
        given: Mapping[str, Any] = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if given.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise ValueError(f"{node.name}: auto_pad is not read; PyTorch's exporter writes pads.")
        stride, dilation = (tuple(given.get(name, (1, 1))) for name in ("strides", "dilations"))
        pads = tuple(given.get("pads", (0, 0, 0, 0)))
        return cls(node.input[0], node.input[1], given.get("group", 1), kernel, stride, dilation, pads)

    def seen(self, inputs: torch.Tensor) -> torch.Tensor:
        """What the weights are multiplied with: (N, C, H, W) -> (groups, positions, inputs of one output)."""
        top, left, bottom, right = self.pads
        padded = torch.nn.functional.pad(inputs, (left, right, top, bottom))
        columns = torch.nn.functional.unfold(padded, self.kernel, self.dilation, stride=self.stride)
        grouped = columns.reshape(len(inputs), self.groups, -1, columns.shape[-1])
        return grouped.permute(1, 0, 3, 2).flatten(1, 2)


def input_second_moments(
    model: onnx.ModelProto, convolutions: Sequence[Convolution], pictures: Sequence[Pixels]
) -> dict[str, torch.Tensor]:
    """Name of the weights -> sum over pictures and positions of products of inputs, float32 (groups, I, I)."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    sources = sorted({convolution.source for convolution in convolutions})
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sources)
    network = create_session(watched.SerializeToString())
    moments: dict[str, torch.Tensor] = {}
    for picture in pictures:
        found = network.run(sources, {"image": picture[np.newaxis], "views": np.array(1, np.int64)})
        values = {name: torch.from_numpy(value) for name, value in zip(sources, found, strict=True)}
        for convolution in convolutions:
            seen = convolution.seen(values[convolution.source])
            moments[convolution.weight] = moments.get(convolution.weight, 0.0) + seen.mT @ seen
    return moments


def gptq_round(weights: Floats, steps: Floats, moments: Floats, largest: int) -> Integers:
    """Integers (O, I) for the weights (O, I) of outputs that share their inputs.

    Args:
        steps: (O,), what one step of each output's integers stands for.
        moments: (I, I), second moments of the inputs.
        largest: the integers are from -largest to largest.
    """
    # The inputs that matter most come first, while there are many others to make up for them.
    order = np.argsort(-np.diag(moments), kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(len(order)) * max(DAMPING * np.diag(moments).mean(), 1e-12)
    factor = np.linalg.cholesky(np.linalg.inv(damped)).T
    rest = weights[:, order] / steps[:, np.newaxis]
    for place in range(len(order)):
        integers = np.clip(np.rint(rest[:, place]), -largest, largest)
        lost = (rest[:, place] - integers) / factor[place, place]
        rest[:, place] = integers
        rest[:, place + 1 :] -= np.outer(lost, factor[place, place + 1 :])
    found = np.empty(weights.shape, np.int8)
    found[:, order] = rest
    return found


def apply_gptq(
    model: onnx.ModelProto, integers: onnx.ModelProto, pictures: Sequence[Pixels], stored: str, largest: int
) -> None:
    """Replace the nearest integers in `integers`, in place, keeping their scales.

    Args:
        model: the same network in float32.
        pictures: training images, which say what the inputs are.
        stored: how the names of integers end, after those of the weights.
        largest: integer.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in model.graph.initializer}
    tensors = {tensor.name: tensor for tensor in integers.graph.initializer}
    convolutions = [
        Convolution.of(node, weights[node.input[1]].shape[2:])
        for node in model.graph.node
        if node.op_type == "Conv" and f"{node.input[1]}{stored}" in tensors
    ]
    moments = input_second_moments(model, convolutions, pictures)
    for convolution in convolutions:
        name = convolution.weight
        weight, steps = weights[name], numpy_helper.to_array(tensors[f"{name}_scale"]).astype(np.float64)
        parts = zip(
            weight.reshape(convolution.groups, -1, weight[0].size),
            steps.reshape(convolution.groups, -1),
            moments[name].double().numpy(),
            strict=True,
        )
        found = np.concatenate([gptq_round(*part, largest) for part in parts])
        tensors[f"{name}{stored}"].CopyFrom(numpy_helper.from_array(found.reshape(weight.shape), f"{name}{stored}"))
