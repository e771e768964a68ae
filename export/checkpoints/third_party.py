"""Networks of third-party checkpoints: built from a fastai learner, or from a state dict of timm or torchvision."""

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import nn

from export.checkpoints.architectures import (
    Tensors,
    build_by_name,
    build_by_shape,
    is_known_architecture,
    split_body_and_head,
)
from export.checkpoints.class_names import class_codes, malignant_flags
from export.checkpoints.fastai import FastaiLearner, build_body_and_head
from export.checkpoints.options import ReaderOptions
from export.checkpoints.statedict import StateDict
from export.errors import CheckpointError, ClassesError
from export.nn.heads import Head
from export.nn.network import Network, Spec
from export.nn.third_party import ThirdPartyNetwork, require_same_logits

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEFAULT_SIZE = 224
"""Side of the input in pixels where neither options, file nor architecture state one."""


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


def network_from_state_dict(state: StateDict, options: ReaderOptions) -> Network:
    """Build the network of a state dict and check that it has the logits of the original.

    Args:
        state: tensors, and what the file states about the network.
        options: take precedence over the file.

    Raises:
        CheckpointError: the tensors are those of no known architecture, or the classes are unclear.
    """
    if any(name.startswith("0.") for name in state.tensors) and any(name.startswith("1.") for name in state.tensors):
        raise CheckpointError("These are weights without their layers (fastai's learn.save). Use learn.export instead.")
    hints = state.hints
    arch, network = _build_network(state.tensors, options.arch, str(hints.get("arch", "")))
    names = options.classes or hints.get("classes", ())
    if not names:
        raise ClassesError("A state dict does not say what its outputs mean. Name the classes, in order, with --classes.")
    codes = class_codes(names)
    malignant = malignant_flags(codes, options.malignant or hints.get("malignant", ()))
    configuration = timm.get_pretrained_cfg(arch, allow_unregistered=True)
    size = options.size or _size_hint(hints) or (configuration.input_size[-1] if configuration else DEFAULT_SIZE)
    mean = hints.get("mean") or tuple(configuration.mean if configuration else IMAGENET_MEAN)
    std = hints.get("std") or tuple(configuration.std if configuration else IMAGENET_STD)
    spec = Spec(arch, size, codes, malignant, mean, std)

    body, layers = split_body_and_head(arch, network, size)
    two_outputs = _add_benign_output(layers, malignant)
    result = ThirdPartyNetwork(spec, body, Head(("mean",), nn.Sequential(*layers, two_outputs), malignant))
    require_same_logits(result, nn.Sequential(network, two_outputs))
    return result


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


def _build_network(tensors: Tensors, options: str, hint: str) -> tuple[str, nn.Module]:
    """Return the architecture's name and the whole network."""
    classes = _output_count(tensors)
    # A known name takes precedence over the shapes: a ResNet with another pooling has the same ones.
    name = options or (hint if is_known_architecture(hint) else "")
    recognised = None if name else build_by_shape(tensors, classes)
    return recognised or (name or hint, build_by_name(name or hint, tensors, classes))


def _output_count(tensors: Tensors) -> int:
    """Return the number of outputs of the last layer (linear, or a 1 x 1 convolution); 0 without such a layer."""
    names = ("fc.weight", "classifier.weight", "classifier.1.weight", "head.fc.weight")
    usual = [tensors[name] for name in names if name in tensors]
    last = next((value for value in usual if value.ndim == 2 or value.shape[2:] == (1, 1)), None)
    if last is None:
        last = next((value for value in reversed(list(tensors.values())) if value.ndim == 2), torch.empty(0, 0))
    return len(last)
