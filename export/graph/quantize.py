"""Static int8 quantisation of the network's convolutions: a quarter of the file size and half of the inference time.

Scheme of Jacob et al. (2018): weights symmetric with one scale for each output channel; activations with one scale and zero
point for each tensor, from their minimum and maximum over images of `train`. Clips (ReLU6) are quantised together with the
convolutions before them, so that an activation has the range of the clip; with ranges from before the clip, the same network
loses 0.07 AUC (models/experiments.md).

Activations have eight bits, weights seven: the sum of two products of at most 255 and 64 fits the 16 bits in which CPUs
without AVX-512 VNNI accumulate, so that every CPU computes the same sums at full speed. With GPTQ rounding
(`export.graph.gptq`), seven bits change the outputs less than eight bits rounded to nearest.
"""

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from lesion.imaging.decode import Pixels
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from export.arrays import Floats
from export.data.labels import LabelledImage
from export.data.pixels import read_pixels
from export.errors import QuantisationError
from export.graph.deadline import Deadline
from export.graph.gptq import apply_gptq
from export.graph.weight_storage import NETWORK_PREFIX, replace_network

CALIBRATION_IMAGES = 200
FLOAT_LAYERS = 3
"""Number of convolutions, counted from the input, that stay in float32: they cause a third of the rounding error, and int8
saves no time on three channels (models/experiments.md)."""

MAX_WEIGHT = 64
"""Largest absolute int8 weight: 2 * 255 * 64 is below 2**15."""

QUANTISED_SUFFIX = "_quantized"
"""Suffix that ONNX Runtime gives to the names of quantised weights and biases."""

_ACTIVATIONS = ("Clip", "Relu")


class _ImageReader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime.quantization has no types
    def __init__(self, images: Iterable[Pixels]) -> None:
        self._feeds: Iterator[dict[str, npt.NDArray[Any]]] = ({"image": image[np.newaxis]} for image in images)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the inputs of the next image, or None after the last one."""
        return next(self._feeds, None)


def calibration_images(rows: Sequence[LabelledImage], size: int) -> list[Pixels]:
    """Return `CALIBRATION_IMAGES` evenly spaced images, uint8 (H, W, 3) each.

    Args:
        rows: images of `train`.
        size: side of the network's input in pixels.
    """
    indices = np.linspace(0, len(rows) - 1, min(CALIBRATION_IMAGES, len(rows))).astype(int)
    return [read_pixels(rows[index].path, at_least=2 * size) for index in indices]


def quantise_network(model: onnx.ModelProto, images: Sequence[Pixels], *, seconds: float = math.inf) -> onnx.ModelProto:
    """Return a copy of a model file whose network has its convolutions in int8.

    The layers of the evidence map and of the diagnoses stay in float32, so that the evidence still adds up to the logit.

    Args:
        model: model file with a float32 network, from `export.graph.assemble`.
        images: uint8 (H, W, 3) each, from `train`; they determine the activations' ranges and the rounding of the weights.
        seconds: that it may take; measured between images and layers.

    Raises:
        QuantisationError: the network has no convolutions to store in int8, ONNX Runtime cannot, or the time is over.
    """
    deadline = Deadline(seconds)
    nodes = _nodes_to_quantise(model)
    if not any(node.op_type == "Conv" and node.name in set(nodes) for node in model.graph.node):
        raise QuantisationError("it has no convolutions beyond the first ones, which alone are stored in int8")
    try:
        return _quantise(model, images, nodes, deadline)
    except QuantisationError:
        raise
    except Exception as error:
        # The tool and the runtime fail in many ways with operators that they do not support.
        raise QuantisationError(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error


def _quantise(model: onnx.ModelProto, images: Sequence[Pixels], nodes: Sequence[str], deadline: Deadline) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        source, target = (Path(folder) / f"{name}.onnx" for name in ("source", "target"))
        onnx.save(_for_tool(model), source)
        quantize_static(
            source,
            target,
            _ImageReader(deadline.check(images, "int8: ranges of the activations")),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=nodes,
            op_types_to_quantize=["Conv", *_ACTIVATIONS],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantised = onnx.load(target)
        apply_gptq(model, quantised, images, QUANTISED_SUFFIX, MAX_WEIGHT, deadline)
        # Only the network is copied: the tool adds metadata, and sorts nodes without regard to the subgraphs of `If`.
        return replace_network(model, quantised)


def _for_tool(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy that ONNX Runtime's tool has no warnings about.

    The optional inputs (`views`, `image_type`) become constants with their default values: the tool opens its sessions
    itself, and each warns of an initializer that is the default of an input. The copy is marked as preprocessed, which the
    tool only advises to do: the network's nodes have to keep their names.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    defaults = {tensor.name for tensor in model.graph.initializer}
    del result.graph.input[:]
    result.graph.input.extend(value for value in model.graph.input if value.name not in defaults)
    add_pre_process_metadata(result)
    return result


def dequantise(values: npt.NDArray[np.int8 | np.int32], stored: Mapping[str, npt.NDArray[Any]], name: str) -> Floats:
    """Return the float32 values (C, ...) of a quantised weight or bias.

    Args:
        values: int8 or int32 (C, ...), zero point 0.
        stored: all tensors of the file by name, the scales (C,) among them.
        name: of the quantised tensor.
    """
    # The tool names the scale of a weight after the float32 weight, that of a bias after the quantised bias.
    scale = stored.get(f"{name}_scale", stored.get(f"{name.removesuffix(QUANTISED_SUFFIX)}_scale"))
    assert scale is not None
    return np.asarray(values.astype(np.float32) * scale.reshape(-1, *[1] * (values.ndim - 1)), np.float32)


def _nodes_to_quantise(model: onnx.ModelProto) -> list[str]:
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    # Number of convolutions between the input and each tensor.
    depth: dict[str, int] = {}
    names = []
    for node in model.graph.node:
        convolutions = max((depth.get(name, 0) for name in node.input), default=0)
        depth |= dict.fromkeys(node.output, convolutions + (node.op_type == "Conv"))
        if not node.name.startswith(NETWORK_PREFIX):
            continue
        # A convolution to one channel computes the evidence; with a head for each image type, the one to this output.
        if node.op_type in _ACTIVATIONS or (
            node.op_type == "Conv"
            and convolutions >= FLOAT_LAYERS
            and shapes.get(node.input[1], (0,))[0] > 1
            and "cells_by_type" not in node.output
        ):
            names.append(node.name)
    return names
