"""Weight rounding with error compensation (GPTQ) for the int8 convolutions of a model file.

Frantar et al. 2023, "GPTQ", arXiv 2210.17323, algorithm 1. The weights of an output channel are rounded one after another;
the rounding error of each is compensated by the weights that are not rounded yet, so that the outputs for real images change
least. The Hessian of the paper is, up to a factor of 2, the second moment of the layer's inputs, measured here on the
float32 network.

No library replaces this module: published GPTQ implementations support linear layers of language models only, not grouped
convolutions in an ONNX file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from lesion.imaging.decode import Pixels
from lesion.inference.model import create_session
from onnx import helper, numpy_helper

from export.arrays import Array
from export.graph.deadline import Deadline

Integers = npt.NDArray[np.int8]

DAMPING = 0.01
"""Share of the mean second moment that is added to the diagonal, as in the paper."""


@dataclass(frozen=True)
class Convolution:
    """A convolution whose weights are rounded.

    Attributes:
        source: name of the input tensor (N, C, H, W).
        weight: name of the weights (O, C / groups, h, w).
        groups, kernel, stride, dilation, pads: as in ONNX; pads are top, left, bottom, right in pixels.
    """

    source: str
    weight: str
    groups: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]

    @classmethod
    def from_node(cls, node: onnx.NodeProto, kernel: tuple[int, int]) -> "Convolution":
        """Parse a node `Conv`.

        Args:
            node: the node.
            kernel: height and width of its weights.

        Raises:
            ValueError: the node has automatic padding instead of explicit pads.
        """
        attributes: Mapping[str, Any] = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise ValueError(f"{node.name}: auto_pad is not read; PyTorch's exporter writes pads.")
        stride, dilation = (tuple(attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
        pads = tuple(attributes.get("pads", (0, 0, 0, 0)))
        return cls(node.input[0], node.input[1], attributes.get("group", 1), kernel, stride, dilation, pads)

    def unfold(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the input patches: (N, C, H, W) -> (groups, N * positions, C / groups * h * w)."""
        top, left, bottom, right = self.pads
        padded = torch.nn.functional.pad(inputs, (left, right, top, bottom))
        columns = torch.nn.functional.unfold(padded, self.kernel, self.dilation, stride=self.stride)
        grouped = columns.reshape(len(inputs), self.groups, -1, columns.shape[-1])
        return grouped.permute(1, 0, 3, 2).flatten(1, 2)


def input_second_moments(
    model: onnx.ModelProto, convolutions: Sequence[Convolution], images: Iterable[Pixels]
) -> dict[str, torch.Tensor]:
    """Return X^T X of the input patches X of every convolution, summed over images and positions.

    Args:
        model: model file with a float32 network.
        convolutions: the layers.
        images: uint8 (H, W, 3) each.

    Returns:
        Name of the weights -> float32 (groups, I, I) with I = C / groups * h * w.
    """
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    sources = sorted({convolution.source for convolution in convolutions})
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sources)
    session = create_session(observed.SerializeToString())
    moments: dict[str, torch.Tensor] = {}
    for image in images:
        activations = session.run(sources, {"image": image[np.newaxis], "views": np.array(1, np.int64)})
        tensors = {name: torch.from_numpy(value) for name, value in zip(sources, activations, strict=True)}
        for convolution in convolutions:
            patches = convolution.unfold(tensors[convolution.source])
            moments[convolution.weight] = moments.get(convolution.weight, 0.0) + patches.mT @ patches
    return moments


def gptq_round(weights: Array, scales: Array, moments: Array, largest: int) -> Integers:
    """Return integers (O, I) for the weights (O, I) of output channels that have the same inputs.

    Args:
        weights: float64 (O, I).
        scales: float64 (O,), the weight that one integer step of each output channel represents.
        moments: float64 (I, I), second moments of the inputs.
        largest: the integers are clipped to -largest..largest.
    """
    # Inputs with the largest second moment come first, while most weights can still compensate their rounding error.
    order = np.argsort(-np.diag(moments), kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(len(order)) * max(DAMPING * np.diag(moments).mean(), 1e-12)
    factor = np.linalg.cholesky(np.linalg.inv(damped)).T
    remaining = weights[:, order] / scales[:, np.newaxis]
    for column in range(len(order)):
        integers = np.clip(np.rint(remaining[:, column]), -largest, largest)
        error = (remaining[:, column] - integers) / factor[column, column]
        remaining[:, column] = integers
        remaining[:, column + 1 :] -= np.outer(error, factor[column, column + 1 :])
    result = np.empty(weights.shape, np.int8)
    result[:, order] = remaining
    return result


def apply_gptq(
    model: onnx.ModelProto,
    quantised: onnx.ModelProto,
    images: Sequence[Pixels],
    suffix: str,
    largest: int,
    deadline: Deadline | None = None,
) -> None:
    """Replace the rounded-to-nearest weights of `quantised` by GPTQ-rounded ones, in place; the scales stay.

    Args:
        model: the same model file with a float32 network.
        quantised: the model file with int8 weights.
        images: uint8 (H, W, 3) each, from the training data.
        suffix: of the names of the int8 weights, after the names of the float32 weights.
        largest: absolute value of the integers.
        deadline: until which it has to be finished; None for no limit.

    Raises:
        QuantisationError: the time is over.
    """
    deadline = deadline or Deadline()
    weights = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in model.graph.initializer}
    tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
    convolutions = [
        Convolution.from_node(node, weights[node.input[1]].shape[2:])
        for node in model.graph.node
        if node.op_type == "Conv" and f"{node.input[1]}{suffix}" in tensors
    ]
    moments = input_second_moments(model, convolutions, deadline.check(images, "int8: inputs of the layers"))
    for convolution in deadline.check(convolutions, "int8: rounding of the layers"):
        name = convolution.weight
        weight, scales = weights[name], numpy_helper.to_array(tensors[f"{name}_scale"]).astype(np.float64)
        groups = zip(
            weight.reshape(convolution.groups, -1, weight[0].size),
            scales.reshape(convolution.groups, -1),
            moments[name].double().numpy(),
            strict=True,
        )
        integers = np.concatenate([gptq_round(*group, largest) for group in groups])
        tensors[f"{name}{suffix}"].CopyFrom(numpy_helper.from_array(integers.reshape(weight.shape), f"{name}{suffix}"))
