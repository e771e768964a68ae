"""Weights of other programs as the start of a training: the body of an architecture, without its classifier."""

from collections.abc import Mapping
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from export.checkpoints.statedict import StateDict
from export.checkpoints.wrappers import subtrees, unwrap
from export.errors import CheckpointError
from export.nn.network import logits_agree

_SIDE = 96
"""Side in pixels of the images with which a renamed body is compared."""

Tensors = Mapping[str, torch.Tensor]


def load_body_weights(body: nn.Module, arch: str, state: StateDict) -> None:
    """Load the body's weights from a state dict of timm or torchvision of the same architecture; its classifier is left out.

    Args:
        body: timm's network without a classifier, changed in place.
        arch: its name.
        state: all tensors of a file.

    Raises:
        CheckpointError: the state dict does not contain this body.
    """
    tensors = unwrap(state.tensors).tensors
    for candidate in (tensors, *(part for _, part in subtrees(tensors))):
        weights = _by_name(body, candidate) or _by_order(body, arch, candidate)
        if weights is not None:
            body.load_state_dict(weights, strict=False)
            return
    own = body.state_dict()
    missing = [name for name in own if name not in tensors and not name.endswith("num_batches_tracked")]
    differing = [name for name in own if name in tensors and tensors[name].shape != own[name].shape]
    raise CheckpointError(
        f"--start does not contain the body of a {arch}: {len(missing)} of its tensors are missing and {len(differing)} "
        f"have another shape, among them {', '.join((missing + differing)[:3])}. Check --arch."
    )


def _by_name(body: nn.Module, tensors: Tensors) -> dict[str, torch.Tensor] | None:
    """Return the tensors that the body has, if all of them are there; counters of batch norms may be missing."""
    own = body.state_dict()
    found = {name: tensors[name] for name, value in own.items() if name in tensors and tensors[name].shape == value.shape}
    complete = all(name in found or name.endswith("num_batches_tracked") for name in own)
    return found if complete else None


def _by_order(body: nn.Module, arch: str, tensors: Tensors) -> dict[str, torch.Tensor] | None:
    """Return torchvision's tensors under timm's names, if both libraries have the architecture and compute the same."""
    if arch not in torchvision.models.list_models(torchvision.models):
        return None
    whole: Any = torchvision.models.get_model(arch, weights=None)
    own = {name: value for name, value in whole.state_dict().items() if name in tensors}
    classifier = {name for name in own if name.split(".")[0] in ("classifier", "fc", "head", "heads")}
    values = [tensors[name] for name in own if name not in classifier]
    names = list(body.state_dict())
    if [value.shape for value in values] != [value.shape for value in body.state_dict().values()]:
        return None
    weights = dict(zip(names, values, strict=True))
    # The order of equal shapes could differ: only equal features show that it does not.
    whole.load_state_dict({name: tensors[name] for name in own if name not in classifier}, strict=False)
    copy: Any = timm.create_model(arch, num_classes=0, global_pool="")
    copy.load_state_dict(weights)
    images = torch.randn(2, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = whole.eval().features(images) if hasattr(whole, "features") else None
        return weights if expected is not None and logits_agree(copy.eval()(images), expected) else None
