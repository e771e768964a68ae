"""Reader of checkpoints of any kind, recognised by their content. No code of a file runs (`export.checkpoints.safe_pickle`).

| file | classes | size |
|---|---|---|
| `checkpoint.pt` of `python -m export train`, `heads` and others | in the file | in the file |
| `lesion.onnx`, converted from one of these | in the file | in the file |
| fastai v1 `export.pkl`, `model.pkl`; fastai v2 `export.pkl` | `data.classes`, `dls.vocab` | of the transforms |
| timm or torchvision state dict, `.pth` or `.safetensors` | `--classes` or metadata | `--size`, metadata or architecture |
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.checkpoints.fastai import find_learner
from export.checkpoints.file_kind import is_safetensors, is_torch, refuse_other_kinds
from export.checkpoints.from_onnx import read_model_file
from export.checkpoints.options import ReaderOptions
from export.checkpoints.statedict import StateDict, find_state_dict, read_safetensors
from export.checkpoints.third_party import network_from_learner, network_from_state_dict, normalisation_name
from export.checkpoints.torchfile import read_torch_file
from export.errors import CheckpointError
from export.nn.ensemble import Ensemble, weigh
from export.nn.lesion_net import LesionNet
from export.nn.network import Network, Spec
from export.nn.typed_heads import TypedHeads


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode and the record of its training.

    Attributes:
        network: the network.
        provenance: JSON values; they become `training` in the model file's metadata.
        trained_here: whether it comes from `python -m export train`.
        notes: what was set aside or assumed to read it, in sentences.
    """

    network: Network
    provenance: dict[str, Any]
    trained_here: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what was recognised, as in "resnet18, 2 classes, ImageNet normalisation, 224 x 224 pixels"."""
        spec = self.network.spec
        kind = normalisation_name(spec.mean, spec.std)
        recognised = f"{spec.arch}, {len(spec.classes)} classes, {kind}, {spec.size} x {spec.size} pixels"
        return "\n".join((recognised, *self.notes))


def read_checkpoint(path: Path, options: ReaderOptions | None = None) -> Checkpoint:
    """Read a checkpoint of any kind.

    Args:
        path: file of a kind that the module's docstring lists.
        options: take precedence over the file.

    Raises:
        CheckpointError: the file is missing or damaged, or it is not clear what network it is or what its classes are.
    """
    options = options or ReaderOptions()
    try:
        refuse_other_kinds(path)
        if is_safetensors(path) or (path.suffix.lower() == ".safetensors" and not is_torch(path)):
            return _of_state_dict(path, read_safetensors(path), options)
        if path.suffix == ".onnx":
            network, provenance = read_model_file(path, options.size)
            return Checkpoint(network, provenance, trained_here=True)
        root = read_torch_file(path)
        if isinstance(root, dict) and {"spec", "weights", "provenance"} <= root.keys():
            return _own(root, options.size)
        learner = find_learner(root)
        if learner:
            return _third_party(path, learner.kind, network_from_learner(learner, options))
        return _of_state_dict(path, find_state_dict(root), options)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist. `make train` writes one.") from error
    except CheckpointError as error:
        raise type(error)(f"{path} is not a checkpoint that can be read. {error}") from error
    except Exception as error:
        # A malformed file can fail anywhere; the chained exception tells where.
        raise CheckpointError(f"{path} is not a checkpoint that can be read ({type(error).__name__}: {error}).") from error


def read_state_dict(path: Path) -> StateDict | None:
    """Return the tensors of another program's file; None for a file of this project or of fastai.

    Args:
        path: of the file.

    Raises:
        CheckpointError: the file is missing, damaged, or contains no tensors.
    """
    try:
        refuse_other_kinds(path)
        if is_safetensors(path):
            return read_safetensors(path)
        if path.suffix == ".onnx":
            return None
        root = read_torch_file(path)
        is_own = isinstance(root, dict) and {"spec", "weights", "provenance"} <= root.keys()
        return None if is_own or find_learner(root) else find_state_dict(root)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist.") from error
    except CheckpointError as error:
        raise type(error)(f"{path} is not a checkpoint that can be read. {error}") from error


def read_checkpoints(paths: Sequence[Path], options: ReaderOptions | None = None) -> Checkpoint:
    """Read one checkpoint, or several of `python -m export train` as an ensemble.

    Raises:
        CheckpointError: see `read_checkpoint`; or several differ in their training images, classes or input size, or
            have another number of weights.
    """
    weights = options.weights if options else ()
    if weights and len(weights) != len(paths):
        raise CheckpointError(f"--weights has another number of weights ({len(weights)}) than checkpoints ({len(paths)}).")
    checkpoints = [read_checkpoint(path, options) for path in paths]
    if len(checkpoints) == 1:
        return checkpoints[0]
    members = [checkpoint.network for checkpoint in checkpoints if isinstance(checkpoint.network, LesionNet)]
    if len(members) < len(checkpoints):
        raise CheckpointError("Only checkpoints of `python -m export train` can be joined. Give one of the others alone.")
    if len({checkpoint.provenance["data_sha256"] for checkpoint in checkpoints}) > 1:
        raise CheckpointError("These checkpoints learnt from different images: one's test images may be another's lessons.")
    weigh(members, weights or [1.0] * len(members))
    try:
        network = Ensemble(members)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    shared = {key: checkpoints[0].provenance[key] for key in ("images", "data_sha256")}
    several = {
        "recipes": [checkpoint.provenance["recipe"] for checkpoint in checkpoints],
        # The model file's own `bias` is their mean.
        "biases": [round(member.constant_bias, 8) for member in members],
        **({"weights": list(weights)} if weights else {}),
    }
    return Checkpoint(network.eval(), {**several, **shared}, trained_here=True)


def _of_state_dict(path: Path, state: StateDict, options: ReaderOptions) -> Checkpoint:
    network, notes = network_from_state_dict(state, options)
    return _third_party(path, "state dict", network, notes)


def _third_party(path: Path, kind: str, network: Network, notes: Sequence[str] = ()) -> Checkpoint:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    provenance = {"checkpoint": path.name, "kind": kind, "checkpoint_sha256": digest}
    return Checkpoint(network.eval(), provenance, trained_here=False, notes=tuple(notes))


def _own(state: dict[str, Any], size: int | None) -> Checkpoint:
    try:
        # Convolutions accept any size, and a larger one than in training can be more accurate (Touvron et al. 2019).
        if "members" in state:
            network: Network = _untrained_typed_heads([Spec.parse(record) for record in state["members"]], size)
        else:
            spec = Spec.parse(state["spec"])
            network = LesionNet(replace(spec, size=size or spec.size))
        network.load_state_dict(state["weights"])
        return Checkpoint(network.eval(), dict(state["provenance"]), trained_here=True)
    except Exception as error:
        # PyTorch raises RuntimeError, KeyError, TypeError, ... depending on what is wrong.
        raise CheckpointError(f"It is not a checkpoint of this version of `python -m export train` ({error}).") from error


def _untrained_typed_heads(specs: Sequence[Spec], size: int | None) -> TypedHeads:
    """Return a network with heads per image type and random weights, of the specs of its members."""
    members = [LesionNet(replace(spec, size=size or spec.size)) for spec in specs]
    return TypedHeads(members[0] if len(members) == 1 else Ensemble(members))


def read_own_checkpoint(path: Path, size: int | None = None) -> tuple[Checkpoint, LesionNet]:
    """Read a checkpoint of `python -m export train`, with another input size in pixels where one is given.

    Raises:
        CheckpointError: the file is missing, damaged or of another kind.
    """
    checkpoint = read_checkpoint(path, ReaderOptions(size=size))
    if not isinstance(checkpoint.network, LesionNet):
        raise CheckpointError(f"{path} is not one network of `python -m export train`; others have no such weights.")
    return checkpoint, checkpoint.network
