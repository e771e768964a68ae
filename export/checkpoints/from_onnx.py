"""A released model file -> the network it was made of, so that training can go on without the checkpoint.

The exporter folds each batch normalisation into the convolution before it. What is left are the convolution's weights and
a bias; the normalisation comes back first as one that only adds the bias, and `restore_batch_norm_statistics` then gives it the mean
and the variance of real images, at which the network answers the same and can learn again.
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
from export.nn.white_balance import parse_illuminant

STATISTICS_IMAGES = 512
"""Training images, spread over all, that give a released model back what its batch normalisations had measured."""


def read_model_file(path: Path, size: int | None = None) -> tuple[LesionNet | Ensemble, dict[str, Any]]:
    """Read `models/lesion.onnx` of `python -m export train`: its network, or networks, and what is known of the training.

    Raises:
        CheckpointError: it is not such a file.
        FileNotFoundError: there is none.
    """
    try:
        model = onnx.load(path)
        card = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
        training = card["training"]
        recipes = training["recipes"] if "recipes" in training else [training["recipe"]]
        biases = training["biases"] if "recipes" in training else [card["bias"]]
        archs = card["architecture"].split(" + ")
        members = [_empty(card, arch, recipe, size) for arch, recipe in zip(archs, recipes, strict=True)]
    except FileNotFoundError:
        raise
    except Exception as error:
        # A protobuf, metadata of somebody else: each fails in its own way.
        raise CheckpointError(f"It is not a model file of `python -m export train` ({error}).") from error
    tensors, shapes = _tensors(model), {(1, member.malignant.in_features, 1, 1) for member in members}
    heads = sorted((name for name, values in tensors.items() if values.shape in shapes), key=_place)
    if len(heads) != len(members):
        raise CheckpointError(f"The model file has {len(heads)} tensors that could be the malignant head of a network.")
    for place, (member, head, bias) in enumerate(zip(members, heads, biases, strict=True)):
        own = f"network.members.{place}." if len(members) > 1 else "network."
        _fill(member, {name.removeprefix(own): value for name, value in tensors.items()}, tensors[head], float(bias))
    known = {key: training[key] for key in ("recipe", "recipes", "biases", "images", "data_sha256") if key in training}
    network = members[0] if len(members) == 1 else Ensemble(members)
    return network.eval(), {**known, "released": card["version"]}


def _empty(card: Mapping[str, Any], arch: str, recipe: Mapping[str, Any], size: int | None) -> LesionNet:
    """A network as the file describes it, with random numbers."""
    classes = {entry["code"]: bool(entry["malignant"]) for entry in card["classes"]}
    norm = recipe.get("colour_constancy")
    constancy = float(norm) if norm not in (None, "None") else None
    spec = create_spec(arch, size or card["input_size"], classes, constancy)
    return LesionNet(replace(spec, illuminant=parse_illuminant(recipe.get("light"))))


def _place(name: str) -> int:
    """The number at the end of a name that the exporter made up, which counts along the network; 0 without one."""
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else 0


def _tensors(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """The numbers of the network by their names in the exporter's graph, as float32."""
    stored = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    found = {}
    for name, values in stored.items():
        if not name.startswith(NETWORK_PREFIX):
            continue
        own = name.removeprefix(NETWORK_PREFIX)
        if np.issubdtype(values.dtype, np.floating):
            found[own.removesuffix(FLOAT16_SUFFIX)] = torch.from_numpy(values).float()
        elif own.endswith(QUANTISED_SUFFIX):
            found[own.removesuffix(QUANTISED_SUFFIX)] = torch.from_numpy(dequantise(values, stored, name))
    return found


@torch.no_grad()
def _fill(network: LesionNet, tensors: Mapping[str, torch.Tensor], head: torch.Tensor, bias: float) -> None:
    convolution = ""
    try:
        for name, module in network.body.named_modules():
            if isinstance(module, nn.Conv2d):
                convolution = f"body.{name}.weight"
                module.weight.copy_(tensors[convolution])
            elif isinstance(module, nn.BatchNorm2d):
                # As the weights are the product of both, this one does nothing but add.
                module.weight.fill_(1)
                module.bias.copy_(tensors[f"{convolution}_bias"])
                module.running_mean = torch.zeros_like(module.bias)
                module.running_var = torch.full_like(module.bias, 1 - module.eps)
        network.malignant.weight.copy_(head[:, :, 0, 0])
        network.malignant.bias.fill_(bias)
        network.diagnosis.weight.copy_(tensors["diagnosis.weight"])
        network.diagnosis.bias.copy_(tensors["diagnosis.bias"])
    except KeyError as error:
        raise CheckpointError(f"The model file has no tensor {error}: another exporter wrote it.") from error


def prepare_for_training(network: LesionNet, rows: Sequence[LabelledImage]) -> None:
    """Make a network of `read_model_file` ready for training, with training images spread over all of `rows`, as served."""
    squares = load_squares(rows[:: max(1, len(rows) // STATISTICS_IMAGES)], STORED_SIDE)
    normalise = Normalise(network.spec)
    batches = (normalise(resize(chunk.float(), network.spec.size)) for chunk in squares.split(64))
    restore_batch_norm_statistics(network, (images.contiguous(memory_format=torch.channels_last) for images in batches))


@torch.inference_mode()
def restore_batch_norm_statistics(network: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Give every batch normalisation the mean and variance of what reaches it, and leave what it gives as it is.

    Args:
        network: any; put into evaluation mode.
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
