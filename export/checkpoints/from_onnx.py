"""Reader of released model files: the network of a `lesion.onnx`, to continue its training without the checkpoint.

The exporter folds each batch normalisation into the convolution before it, which leaves the convolution's weights and a
bias. The normalisation is restored first as one that only adds the bias; `restore_batch_norm_statistics` then sets the mean
and variance of real images, with which the network has the same outputs and can be trained.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from export.data.labels import LabelledImage
from export.data.transforms import STORED_SIDE, load_squares, resize
from export.errors import CheckpointError
from export.graph.quantize import QUANTISED_SUFFIX, dequantise
from export.graph.weight_storage import FLOAT16_SUFFIX, NETWORK_PREFIX
from export.nn.ensemble import Ensemble
from export.nn.imagenet import create_spec
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise
from export.nn.typed_heads import TypedHeads
from export.nn.white_balance import parse_illuminant

STATISTICS_IMAGES = 512
"""Number of training images, spread over all, from which the statistics of batch normalisations are restored."""

_KEPT = ("recipe", "recipes", "weights", "biases", "heads", "images", "data_sha256")
"""Keys of the metadata's `training` that are the record of a checkpoint."""


def read_model_file(path: Path, size: int | None = None) -> tuple[LesionNet | Ensemble | TypedHeads, dict[str, Any]]:
    """Read the network and the record of its training from a model file of `python -m export train`.

    Args:
        path: for example `models/lesion.onnx`.
        size: side of the input in pixels; None to use the file's.

    Raises:
        CheckpointError: it is another kind of file.
        FileNotFoundError: the file does not exist.
    """
    try:
        model = onnx.load(path)
        card = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
        training = card["training"]
        recipes = training["recipes"] if "recipes" in training else [training["recipe"]]
        archs = card["architecture"].split(" + ")
        members = [_untrained_network(card, arch, recipe, size) for arch, recipe in zip(archs, recipes, strict=True)]
    except FileNotFoundError:
        raise
    except Exception as error:
        # Invalid protobuf and foreign metadata raise different exceptions.
        raise CheckpointError(f"It is not a model file of `python -m export train` ({error}).") from error
    base = members[0] if len(members) == 1 else Ensemble(members)
    network = TypedHeads(base) if "heads" in training else base
    tensors, prefix = _network_tensors(model), "network.base." if "heads" in training else "network."
    try:
        for place, member in enumerate(members):
            _load_body(member.body, tensors, f"{prefix}members.{place}." if len(members) > 1 else prefix)
        if isinstance(network, TypedHeads):
            _load_typed_heads(network, tensors)
        else:
            biases = training["biases"] if "recipes" in training else [card["bias"]]
            _load_heads(members, tensors, biases)
    except KeyError as error:
        raise CheckpointError(f"The model file has no tensor {error}: another exporter wrote it.") from error
    known = {key: training[key] for key in _KEPT if key in training}
    return network.eval(), {**known, "released": card["version"]}


def _untrained_network(card: Mapping[str, Any], arch: str, recipe: Mapping[str, Any], size: int | None) -> LesionNet:
    """Return a network of the file's architecture with random weights."""
    classes = {entry["code"]: bool(entry["malignant"]) for entry in card["classes"]}
    norm = recipe.get("colour_constancy")
    constancy = float(norm) if norm not in (None, "None") else None
    spec = create_spec(arch, size or card["input_size"], classes, constancy)
    return LesionNet(replace(spec, illuminant=parse_illuminant(recipe.get("light"))))


def _trailing_number(name: str) -> int:
    """Return the number at the end of a name of the exporter, which counts along the network; 0 without one."""
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else 0


def _network_tensors(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """Return the weights of the network, float32, by their names in the exporter's graph."""
    stored = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    tensors = {}
    for name, values in stored.items():
        if not name.startswith(NETWORK_PREFIX):
            continue
        own = name.removeprefix(NETWORK_PREFIX)
        if np.issubdtype(values.dtype, np.floating):
            tensors[own.removesuffix(FLOAT16_SUFFIX)] = torch.from_numpy(values).float()
        elif own.endswith(QUANTISED_SUFFIX):
            tensors[own.removesuffix(QUANTISED_SUFFIX)] = torch.from_numpy(dequantise(values, stored, name))
    return tensors


@torch.no_grad()
def _load_body(body: nn.Module, tensors: Mapping[str, torch.Tensor], prefix: str) -> None:
    convolution = ""
    for name, module in body.named_modules():
        if isinstance(module, nn.Conv2d):
            convolution = f"{prefix}body.{name}.weight"
            module.weight.copy_(tensors[convolution])
        elif isinstance(module, nn.BatchNorm2d):
            # The convolution's weights contain the scale already.
            module.weight.fill_(1)
            module.bias.copy_(tensors[f"{convolution}_bias"])
            module.running_mean = torch.zeros_like(module.bias)
            module.running_var = torch.full_like(module.bias, 1 - module.eps)


@torch.no_grad()
def _load_heads(members: Sequence[LesionNet], tensors: Mapping[str, torch.Tensor], biases: Sequence[float]) -> None:
    heads = _malignant_heads(tensors, {(1, member.malignant.in_features, 1, 1) for member in members}, len(members))
    for place, (member, head, bias) in enumerate(zip(members, heads, biases, strict=True)):
        own = f"network.members.{place}." if len(members) > 1 else "network."
        member.malignant.weight.copy_(head[:, :, 0, 0])
        member.malignant.bias.fill_(float(bias))
        member.diagnosis.weight.copy_(tensors[f"{own}diagnosis.weight"])
        member.diagnosis.bias.copy_(tensors[f"{own}diagnosis.bias"])


@torch.no_grad()
def _load_typed_heads(network: TypedHeads, tensors: Mapping[str, torch.Tensor]) -> None:
    [head] = _malignant_heads(tensors, {(*network.malignant.weight.shape, 1, 1)}, 1)
    network.malignant.weight.copy_(head[:, :, 0, 0])
    network.malignant.bias.copy_(tensors["network.malignant.bias"])
    network.diagnosis.weight.copy_(tensors["network.diagnosis.weight"])
    network.diagnosis.bias.copy_(tensors["network.diagnosis.bias"])
    network.set_heads_of_base()


def _malignant_heads(tensors: Mapping[str, torch.Tensor], shapes: set[tuple[int, ...]], count: int) -> list[torch.Tensor]:
    """Return the heads of networks in order, found by their shape, because the exporter gives them other names.

    Raises:
        CheckpointError: the file has another number of such tensors.
    """
    heads = sorted((name for name, values in tensors.items() if values.shape in shapes), key=_trailing_number)
    if len(heads) != count:
        raise CheckpointError(f"The model file has {len(heads)} tensors that could be the malignant head of a network.")
    return [tensors[name] for name in heads]


def prepare_for_training(network: LesionNet, rows: Sequence[LabelledImage]) -> None:
    """Restore the batch normalisations of a network of `read_model_file`, so that it can be trained.

    Args:
        network: changed in place.
        rows: training images; `STATISTICS_IMAGES` of them, spread over all, are used.
    """
    squares = load_squares(rows[:: max(1, len(rows) // STATISTICS_IMAGES)], STORED_SIDE)
    normalise = Normalise(network.spec)
    batches = (normalise(resize(chunk.float(), network.spec.size)) for chunk in squares.split(64))
    restore_batch_norm_statistics(network, (images.contiguous(memory_format=torch.channels_last) for images in batches))


@torch.inference_mode()
def restore_batch_norm_statistics(network: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Set every batch normalisation's statistics to those of its inputs, and its affine part so that its outputs stay.

    Args:
        network: put into evaluation mode and changed in place.
        batches: normalised images (N, 3, S, S), several batches.
    """
    network.eval()
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {layer: torch.zeros(2, layer.num_features, dtype=torch.float64) for layer in layers}
    counts = dict.fromkeys(layers, 0)

    def note(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        values = inputs[0].double()
        sums[layer] += torch.stack((values.sum((0, 2, 3)), values.square().sum((0, 2, 3))))
        counts[layer] += values.numel() // values.shape[1]

    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    for images in batches:
        network(images)
    for handle in handles:
        handle.remove()
    for layer in layers:
        assert layer.running_mean is not None and layer.running_var is not None
        mean = sums[layer][0] / counts[layer]
        variance = sums[layer][1] / counts[layer] - mean.square()
        # y = weight (x - mean) / sqrt(variance + eps) + bias, before and after.
        slope = layer.weight.double() / (layer.running_var.double() + layer.eps).sqrt()
        offset = layer.bias.double() - slope * layer.running_mean.double()
        layer.weight.copy_(slope * (variance + layer.eps).sqrt())
        layer.bias.copy_(offset + slope * mean)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
