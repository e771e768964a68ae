"""The network's convolutions in integers: a quarter of the bytes, and half of the time.

Static quantisation after Jacob et al. (2018): weights symmetric, with a scale for every output channel; activations with one
scale and zero point for each tensor, from the least and the largest value that images of `train` give it. A clipped
activation (ReLU6) has the range of the clip, which is why the clips are quantised with the convolutions before them: with
ranges from before the clip, the same network loses 0.07 AUC (models/experiments.md).

Activations have eight bits, weights seven: two products of at most 255 and 64 fit the 16 bits in which processors without
AVX-512 VNNI add them up, so that every processor gives the same sums, and none has to slow down for it. Rounded together
(`export.graph.gptq`) seven bits keep the answers better than eight that are each the nearest.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from lesion.imaging.decode import Pixels
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from export.data.labels import LabelledImage
from export.data.transforms import read_pixels
from export.graph.gptq import apply_gptq
from export.graph.weight_storage import NETWORK_PREFIX, replace_network

Floats = npt.NDArray[np.float32]

CALIBRATION_IMAGES = 200
FLOAT_LAYERS = 3
"""Convolutions, counted from the pixels, that stay in float32: a third of the rounding comes from there, and no time is
gained on three channels (models/experiments.md)."""

MAX_WEIGHT = 64
"""Of the weights' integers: 2 * 255 * 64 is below 2**15."""

QUANTISED_SUFFIX = "_quantized"
"""How the names of weights and biases that are stored as integers end."""

_ACTIVATIONS = ("Clip", "Relu")


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime.quantization has no types
    def __init__(self, pictures: Sequence[Pixels]) -> None:
        views = np.array(1, np.int64)
        self._feeds: Iterator[dict[str, npt.NDArray[Any]]] = (
            {"image": picture[np.newaxis], "views": views} for picture in pictures
        )

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """The next picture's inputs."""
        return next(self._feeds, None)


def calibration_images(rows: Sequence[LabelledImage], size: int) -> list[Pixels]:
    """`CALIBRATION_IMAGES` of the images, spread over all, decoded as for a network of that input size."""
    spread_out = np.linspace(0, len(rows) - 1, min(CALIBRATION_IMAGES, len(rows))).astype(int)
    return [read_pixels(rows[index].path, at_least=2 * size) for index in spread_out]


def quantise_network(model: onnx.ModelProto, pictures: Sequence[Pixels]) -> onnx.ModelProto:
    """A copy of a model file in float32 whose network has its convolutions in int8.

    What ends in the evidence map and in the diagnoses stays in float32, so that the evidence still adds up to the logit.

    Args:
        model: as `export.graph.assemble` gives it.
        pictures: training images, whose ranges the activations get.
    """
    with tempfile.TemporaryDirectory() as folder:
        full, small = (Path(folder) / f"{name}.onnx" for name in ("full", "small"))
        onnx.save(model, full)
        quantize_static(
            full,
            small,
            _Reader(pictures),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=_chosen(model),
            op_types_to_quantize=["Conv", *_ACTIVATIONS],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        integers = onnx.load(small)
        apply_gptq(model, integers, pictures, QUANTISED_SUFFIX, MAX_WEIGHT)
        # Only the network is taken over: the tool adds notes of its own, and sorts nodes without looking into branches.
        return replace_network(model, integers)


def dequantise(values: npt.NDArray[np.int8 | np.int32], stored: Mapping[str, npt.NDArray[Any]], name: str) -> Floats:
    """The float32 numbers (C, ...) for which the integers `values` of that name stand.

    Args:
        stored: all tensors of the file, the scales among them; the zero points are 0.
    """
    # The tool names the scales of weights by the weights, those of biases by the integers.
    scale = stored.get(f"{name}_scale", stored.get(f"{name.removesuffix(QUANTISED_SUFFIX)}_scale"))
    assert scale is not None
    return np.asarray(values.astype(np.float32) * scale.reshape(-1, *[1] * (values.ndim - 1)), np.float32)


def _chosen(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes to quantise."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    depth: dict[str, int] = {}
    found = []
    for node in model.graph.node:
        behind = max((depth.get(name, 0) for name in node.input), default=0)
        depth |= dict.fromkeys(node.output, behind + (node.op_type == "Conv"))
        if not node.name.startswith(NETWORK_PREFIX):
            continue
        # A convolution to one channel is the evidence.
        if node.op_type in _ACTIVATIONS or (
            node.op_type == "Conv" and behind >= FLOAT_LAYERS and shapes.get(node.input[1], (0,))[0] > 1
        ):
            found.append(node.name)
    return found
