"""The network in a state dict: recognised as a whole, or as a part beside which nothing of it is left over."""

import re
from dataclasses import dataclass

import torch
from torch import nn

from export.checkpoints.architectures import Layers, Tensors, build_by_name, build_by_shape, is_known_architecture
from export.checkpoints.replaced_head import assumptions
from export.checkpoints.statedict import StateDict
from export.checkpoints.wrappers import subtrees, unwrap
from export.errors import ArchitectureError, CheckpointError

_SHOWN = 6
"""Names of tensors in a message."""

_OF_A_LAYER = re.compile(r"(weight|bias|scale|gamma|beta|temperature|running_mean|running_var)$")


@dataclass(frozen=True)
class FoundNetwork:
    """The network of a state dict.

    Attributes:
        arch: name of its architecture.
        network: with the tensors, in evaluation mode.
        mean: of the input's channels in 0..1, where buffers beside the network state them.
        std: the standard deviations.
        notes: what was set aside or assumed, in sentences.
    """

    arch: str
    network: nn.Module
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    notes: list[str]


def find_network(state: StateDict, option: str, hint: str) -> FoundNetwork:
    """Build the network that a state dict contains.

    Args:
        state: all tensors of the file.
        option: name of the architecture that the caller states; it precedes everything else.
        hint: the name that the file states.

    Raises:
        ArchitectureError: the tensors are those of no known architecture.
        CheckpointError: the state dict has several networks, tensors beside one that may belong to it, or values that no
            network can be computed from.
        HeadError: the classifier was replaced by layers of a kind that is not read.
    """
    found = unwrap(state.tensors)
    notes = []
    if found.beside:
        notes.append(f"Set aside, because not of the network: {_names(found.beside)}.")
    # Paths of pickled modules have the prefixes that were removed from the tensors.
    tensors, layers = found.tensors, _strip_paths(state.layers, found.prefix)
    if any(name.startswith("0.") for name in tensors) and any(name.startswith("1.") for name in tensors):
        raise CheckpointError("These are weights without their layers (fastai's learn.save). Use learn.export instead.")
    try:
        arch, network = _build(tensors, layers, option, hint)
    except ArchitectureError as error:
        part = _find_part(tensors, layers, option, hint)
        if part is None:
            raise error
        arch, network, left_over, tensors = part
        if left_over:
            notes.append(f"Set aside, because no layer has such tensors: {_names(left_over)}.")
    _require_usable({name: value for name, value in tensors.items() if name in network.state_dict()})
    return FoundNetwork(arch, network, found.mean, found.std, [*notes, *assumptions(network)])


def _require_usable(tensors: Tensors) -> None:
    """Refuse values that no network can be computed from.

    Raises:
        CheckpointError: weights are NaN, infinite, or integers.
    """
    for name, value in tensors.items():
        if value.is_floating_point():
            if not bool(value.isfinite().all()):
                raise CheckpointError(
                    f"{name} contains NaN or infinity: the training has diverged. Use a checkpoint from before that."
                )
        # Indices, as those of Swin's relative positions, are integers too.
        elif name.endswith("weight"):
            raise CheckpointError(
                f"{name} is of {str(value.dtype).removeprefix('torch.')}: quantised weights, whose scales are missing. "
                "Save the network before it is quantised."
            )


def _find_part(
    tensors: Tensors, layers: Layers, option: str, hint: str
) -> tuple[str, nn.Module, list[str], dict[str, torch.Tensor]] | None:
    """Return architecture, network, names of other tensors and own tensors of the one part that is a whole network."""
    parts: dict[str, tuple[str, nn.Module, dict[str, torch.Tensor]]] = {}
    for prefix, own in subtrees(tensors):
        if any(prefix.startswith(outer) for outer in parts):
            continue
        try:
            parts[prefix] = (*_build(own, _strip_paths(layers, prefix), option, hint), own)
        except ArchitectureError:
            continue
    if not parts:
        return None
    if len(parts) > 1:
        raise CheckpointError(
            f"It contains several networks, under {_names(list(parts))}. Save the state dict of the one to convert alone."
        )
    [(prefix, (arch, network, own))] = parts.items()
    others = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
    belonging = [name for name, value in others.items() if _can_be_of_a_layer(name, value)]
    if belonging:
        raise CheckpointError(
            f"It contains {arch} under {prefix.removesuffix('.')!r}, and beside it tensors that can belong to its head or "
            f"to layers before it: {_names(belonging)}. Such a network is not read, and nothing of it is left out. Put the "
            "layers into one network of timm or torchvision, or save the state dict without what is not used."
        )
    return arch, network, list(others), own


def _can_be_of_a_layer(name: str, value: torch.Tensor) -> bool:
    return value.is_floating_point() and (value.squeeze().ndim > 1 or bool(_OF_A_LAYER.search(name)))


def _build(tensors: Tensors, layers: Layers, option: str, hint: str) -> tuple[str, nn.Module]:
    """Return the architecture's name and the whole network."""
    classes = _output_count(tensors)
    # A known name takes precedence over the shapes: a ResNet with another pooling has the same ones.
    name = option or (hint if is_known_architecture(hint) else "")
    recognised = None if name else build_by_shape(tensors, classes, layers)
    return recognised or (name or hint, build_by_name(name or hint, tensors, classes, layers))


def _output_count(tensors: Tensors) -> int:
    """Return the number of outputs of the last layer (linear, or a 1 x 1 convolution); 0 without such a layer."""
    names = ("fc.weight", "classifier.weight", "classifier.1.weight", "head.fc.weight")
    usual = [tensors[name] for name in names if name in tensors]
    last = next((value for value in usual if value.ndim == 2 or value.shape[2:] == (1, 1)), None)
    if last is None:
        last = next((value for value in reversed(list(tensors.values())) if value.ndim == 2), torch.empty(0, 0))
    return len(last)


def _strip_paths(layers: Layers, prefix: str) -> dict[str, str]:
    return {path.removeprefix(prefix): kind for path, kind in layers.items() if path.startswith(prefix)}


def _names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
