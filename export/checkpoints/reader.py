"""Readers of checkpoints: a file from training, ours or other people's -> a network ready for `export.graph.assemble`.

The kind is recognised by content. No code of a file is run (`export.checkpoints.safe_pickle`).

| file | classes | size |
|---|---|---|
| `checkpoint.pt` of `python -m export train` | in the file | in the file |
| `lesion.onnx`, converted from one of these | in the file | in the file |
| fastai v1 `export.pkl`, `model.pkl`; fastai v2 `export.pkl` | `data.classes`, `dls.vocab` | of the transforms |
| timm or torchvision state dict, `.pth` or `.safetensors` | `--classes` or metadata | `--size`, metadata or architecture |
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
from export.checkpoints.fastai import Learner, body_and_head, find_learner
from export.checkpoints.from_onnx import read_model_file
from export.checkpoints.options import ReaderOptions
from export.checkpoints.statedict import StateDict, find_state_dict, read_safetensors
from export.checkpoints.torchfile import read_torch_file
from export.errors import CheckpointError, ClassesError
from export.nn.ensemble import Ensemble
from export.nn.heads import Head
from export.nn.lesion_net import LesionNet
from export.nn.network import Network, Spec
from export.nn.third_party import ThirdPartyNetwork, require_same_logits

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEFAULT_SIZE = 224


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode, and what is known of its training (JSON values).

    Attributes:
        trained_here: it comes from `python -m export train`.
    """

    network: Network
    provenance: dict[str, Any]
    trained_here: bool


def read_checkpoint(path: Path, options: ReaderOptions | None = None) -> Checkpoint:
    """Read a checkpoint of any kind.

    Raises:
        CheckpointError: the file is missing or damaged, or it is not clear what network it is or what its classes are.
    """
    options = options or ReaderOptions()
    try:
        if path.suffix == ".safetensors":
            return _third_party(path, "state dict", _from_weights(read_safetensors(path), options))
        if path.suffix == ".onnx":
            network, provenance = read_model_file(path, options.size)
            return Checkpoint(network, provenance, trained_here=True)
        root = read_torch_file(path)
        if isinstance(root, dict) and {"spec", "weights", "provenance"} <= root.keys():
            return _ours(root, options.size)
        learner = find_learner(root)
        if learner:
            return _third_party(path, learner.kind, _from_learner(learner, options))
        return _third_party(path, "state dict", _from_weights(find_state_dict(root), options))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist. `make train` writes one.") from error
    except CheckpointError as error:
        raise type(error)(f"{path} is not a checkpoint that can be read. {error}") from error
    except Exception as error:
        # What a file records can be odd in more ways than can be foreseen; where, the cause says.
        raise CheckpointError(f"{path} is not a checkpoint that can be read ({type(error).__name__}: {error}).") from error


def read_checkpoints(paths: Sequence[Path], options: ReaderOptions | None = None) -> Checkpoint:
    """Read one checkpoint, or several of `python -m export train` that become one network by the mean of their logits.

    Raises:
        CheckpointError: see `read_checkpoint`; or several do not go together.
    """
    found = [read_checkpoint(path, options) for path in paths]
    if len(found) == 1:
        return found[0]
    members = [checkpoint.network for checkpoint in found if isinstance(checkpoint.network, LesionNet)]
    if len(members) < len(found):
        raise CheckpointError("Only checkpoints of `python -m export train` can be joined. Give one of the others alone.")
    if len({checkpoint.provenance["data_sha256"] for checkpoint in found}) > 1:
        raise CheckpointError("These checkpoints learnt from different images: one's test images may be another's lessons.")
    try:
        network = Ensemble(members)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    shared = {key: found[0].provenance[key] for key in ("images", "data_sha256")}
    several = {
        "recipes": [checkpoint.provenance["recipe"] for checkpoint in found],
        # The file itself knows their mean alone.
        "biases": [round(member.constant_bias, 8) for member in members],
    }
    return Checkpoint(network.eval(), {**several, **shared}, trained_here=True)


def _third_party(path: Path, kind: str, network: Network) -> Checkpoint:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(
        network.eval(), {"checkpoint": path.name, "kind": kind, "checkpoint_sha256": digest}, trained_here=False
    )


def _ours(state: dict[str, Any], size: int | None) -> Checkpoint:
    try:
        spec = Spec.parse(state["spec"])
        # Convolutions take any size, and a larger one than in training can serve better (Touvron et al. 2019).
        network = LesionNet(replace(spec, size=size or spec.size))
        network.load_state_dict(state["weights"])
        return Checkpoint(network.eval(), dict(state["provenance"]), trained_here=True)
    except Exception as error:
        # PyTorch raises RuntimeError, KeyError, TypeError, ... depending on what is wrong.
        raise CheckpointError(f"It is not a checkpoint of this version of `python -m export train` ({error}).") from error


def _from_learner(learner: Learner, options: ReaderOptions) -> Network:
    arch, body, pools, layers = body_and_head(learner.model, options.arch)
    names = options.classes or learner.classes
    if not names:
        raise ClassesError("The learner has no list of classes (v1: data.classes, v2: dls.vocab). Give them with --classes.")
    codes = class_codes(names)
    size, malignant = options.size or learner.size or DEFAULT_SIZE, malignant_flags(codes, options.malignant)
    spec = Spec(arch, size, codes, malignant, learner.mean, learner.std)
    return ThirdPartyNetwork(spec, body, Head(pools, layers, spec.malignant))


def _from_weights(found: StateDict, options: ReaderOptions) -> Network:
    if any(name.startswith("0.") for name in found.tensors) and any(name.startswith("1.") for name in found.tensors):
        raise CheckpointError("These are weights without their layers (fastai's learn.save). Use learn.export instead.")
    hints = found.hints
    arch, network = _classifier(found.tensors, options.arch, str(hints.get("arch", "")))
    names = options.classes or hints.get("classes", ())
    if not names:
        raise ClassesError("A state dict does not say what its outputs mean. Name the classes, in order, with --classes.")
    codes = class_codes(names)
    malignant = malignant_flags(codes, options.malignant or hints.get("malignant", ()))
    configuration = timm.get_pretrained_cfg(arch, allow_unregistered=True)
    size = options.size or _side(hints) or (configuration.input_size[-1] if configuration else DEFAULT_SIZE)
    mean = hints.get("mean") or tuple(configuration.mean if configuration else IMAGENET_MEAN)
    std = hints.get("std") or tuple(configuration.std if configuration else IMAGENET_STD)
    spec = Spec(arch, size, codes, malignant, mean, std)

    body, layers = split_body_and_head(arch, network, size)
    sides = _sides(layers, malignant)
    result = ThirdPartyNetwork(spec, body, Head(("mean",), nn.Sequential(*layers, sides), malignant))
    require_same_logits(result, nn.Sequential(network, sides))
    return result


def _side(hints: Mapping[str, Any]) -> int | None:
    if "size" not in hints:
        return None
    height, width = hints["size"]
    if height != width:
        raise CheckpointError(
            f"It says that it was trained on pictures of {height} x {width} pixels; only squares are read. Give the side of "
            "the squares that it is to see with --size."
        )
    return int(height)


def _sides(layers: nn.Sequential, malignant: Sequence[bool]) -> nn.Module:
    """For a network with one output and two classes: that output is the malignant logit, zero the benign one."""
    if not isinstance(layers[-1], nn.Linear) or layers[-1].out_features != 1 or len(malignant) != 2:
        return nn.Identity()
    sides = nn.Linear(1, 2, bias=False)
    sides.weight.data = torch.tensor([[float(own)] for own in malignant])
    return sides


def _classifier(tensors: Tensors, options: str, hint: str) -> tuple[str, nn.Module]:
    """The architecture's name and the whole network."""
    classes = _outputs(tensors)
    # Shapes do not say all: a ResNet with other pooling has the same ones. A name that is known goes before them.
    name = options or (hint if is_known_architecture(hint) else "")
    recognised = None if name else build_by_shape(tensors, classes)
    return recognised or (name or hint, build_by_name(name or hint, tensors, classes))


def _outputs(tensors: Tensors) -> int:
    """How many the last layer has; 0 where there is none. It is linear, or a convolution of 1 x 1 behind the pooling."""
    names = ("fc.weight", "classifier.weight", "classifier.1.weight", "head.fc.weight")
    usual = [tensors[name] for name in names if name in tensors]
    last = next((value for value in usual if value.ndim == 2 or value.shape[2:] == (1, 1)), None)
    if last is None:
        last = next((value for value in reversed(list(tensors.values())) if value.ndim == 2), torch.empty(0, 0))
    return len(last)


def read_own_checkpoint(path: Path, size: int | None = None) -> tuple[Checkpoint, LesionNet]:
    """Read a checkpoint of `python -m export train`, to be served at another size where one is given.

    Raises:
        CheckpointError: it is none, or missing or damaged.
    """
    found = read_checkpoint(path, ReaderOptions(size=size))
    if not isinstance(found.network, LesionNet):
        raise CheckpointError(f"{path} is not one network of `python -m export train`; others have no such weights.")
    return found, found.network
