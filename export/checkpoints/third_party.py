"""Networks of third-party checkpoints: built from a fastai learner, or from a state dict of timm or torchvision."""

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import nn

from export.checkpoints.class_names import class_codes, malignant_flags
from export.checkpoints.fastai import FastaiLearner, build_body_and_head
from export.checkpoints.find_network import find_network
from export.checkpoints.options import ReaderOptions
from export.checkpoints.parts import split_into_parts
from export.checkpoints.statedict import StateDict
from export.errors import CheckpointError, ClassesError
from export.nn.heads import Head
from export.nn.network import Network, Spec
from export.nn.third_party import ThirdPartyNetwork, require_same_logits

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEFAULT_SIZE = 224
"""Side of the input in pixels where neither options, file nor architecture state one."""


def normalisation_name(mean: Sequence[float], std: Sequence[float]) -> str:
    """Return in words which normalisation of the input's channels (0..1) these are."""
    known: dict[tuple[tuple[float, ...], ...], str] = {
        (IMAGENET_MEAN, IMAGENET_STD): "ImageNet normalisation",
        ((0.5,) * 3, (0.5,) * 3): "normalisation to -1..1",
        ((0.0,) * 3, (1.0,) * 3): "no normalisation",
    }
    rounded = tuple(tuple(round(channel, 3) for channel in channels) for channels in (mean, std))
    return known.get(rounded, f"normalisation with mean {rounded[0]} and standard deviation {rounded[1]}")


def network_from_learner(learner: FastaiLearner, options: ReaderOptions) -> Network:
    """Build the network of a fastai learner.

    Args:
        learner: what its file contains.
        options: take precedence over the file.

    Raises:
        ArchitectureError, ClassesError, HeadError: see `build_body_and_head`, `class_codes`, `malignant_flags`.
    """
    arch, body, pools, layers = build_body_and_head(learner.model, options.arch)
    names = options.classes or learner.classes
    if not names:
        raise ClassesError("The learner has no list of classes (v1: data.classes, v2: dls.vocab). Give them with --classes.")
    codes = class_codes(names)
    size, malignant = options.size or learner.size or DEFAULT_SIZE, malignant_flags(codes, options.malignant)
    spec = Spec(arch, size, codes, malignant, learner.mean, learner.std)
    return ThirdPartyNetwork(spec, body, Head(pools, layers, spec.malignant))


def network_from_state_dict(state: StateDict, options: ReaderOptions) -> tuple[Network, list[str]]:
    """Build the network of a state dict and check that it has the logits of the original.

    Returns:
        the network, and what was set aside or assumed, in sentences.

    Args:
        state: tensors, and what the file states about the network.
        options: take precedence over the file.

    Raises:
        CheckpointError: the tensors are those of no known architecture, or the classes are unclear.
    """
    hints = state.hints
    found = find_network(state, options.arch, str(hints.get("arch", "")))
    arch, network = found.arch, found.network
    names = options.classes or hints.get("classes", ())
    if not names:
        raise ClassesError("A state dict does not say what its outputs mean. Name the classes, in order, with --classes.")
    codes = class_codes(names)
    malignant = malignant_flags(codes, options.malignant or hints.get("malignant", ()))
    configuration = timm.get_pretrained_cfg(arch, allow_unregistered=True)
    size = options.size or _size_hint(hints) or (configuration.input_size[-1] if configuration else DEFAULT_SIZE)
    mean = found.mean or hints.get("mean") or tuple(configuration.mean if configuration else IMAGENET_MEAN)
    std = found.std or hints.get("std") or tuple(configuration.std if configuration else IMAGENET_STD)
    spec = Spec(arch, size, codes, malignant, _three(mean), _three(std))

    parts = split_into_parts(arch, network, size)
    if not len(parts.layers):
        raise CheckpointError(
            f"It is a {arch} without a classifier. Train one on it (`train --start` takes such a file), and convert that."
        )
    two_outputs = _add_benign_output(parts.layers, malignant)
    head = Head(("mean",), nn.Sequential(*parts.layers, two_outputs), malignant)
    result = ThirdPartyNetwork(spec, parts.body, head, explains=parts.explains)
    require_same_logits(result, nn.Sequential(network, two_outputs))
    silent = [] if parts.explains else ["Its answers have no evidence map: it classifies by a token without a place."]
    return result, [*found.notes, *silent]


def _three(channels: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = channels
    return red, green, blue


def _size_hint(hints: Mapping[str, Any]) -> int | None:
    if "size" not in hints:
        return None
    height, width = hints["size"]
    if height != width:
        raise CheckpointError(
            f"It says that it was trained on images of {height} x {width} pixels; only squares are read. Give the side of "
            "the squares that it is to see with --size."
        )
    return int(height)


def _add_benign_output(layers: nn.Sequential, malignant: Sequence[bool]) -> nn.Module:
    """Return a layer that adds a benign logit of zero to a network with one output and two classes; else an identity."""
    if not isinstance(layers[-1], nn.Linear) or layers[-1].out_features != 1 or len(malignant) != 2:
        return nn.Identity()
    two_outputs = nn.Linear(1, 2, bias=False)
    two_outputs.weight.data = torch.tensor([[float(own)] for own in malignant])
    return two_outputs
