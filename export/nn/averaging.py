"""Weight averaging: one network between a network and those that were trained from it."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from export.errors import CheckpointError
from export.nn.lesion_net import LesionNet


def average_weights(start: LesionNet, tuned: Sequence[LesionNet], share: float) -> LesionNet:
    """Return a network with `share` of the mean of other networks' weights, and the rest of the start's.

    Args:
        start: from which the others were trained.
        tuned: the others, at least one; the first one's spec is that of the result.
        share: 0 to 1. The statistics of batch norm are averaged like weights.

    Raises:
        CheckpointError: the networks differ in architecture, size, normalisation, classes or heads.
    """
    # White balance is not a weight: `python -m export whitebalance` adds it afterwards.
    if any(replace(start.spec, illuminant=None) != replace(network.spec, illuminant=None) for network in tuned):
        raise CheckpointError("Only checkpoints of one architecture, size, normalisation and classes can be blended.")
    averaged = LesionNet(tuned[0].spec)
    first: dict[str, torch.Tensor] = start.state_dict()
    others: list[dict[str, torch.Tensor]] = [network.state_dict() for network in tuned]

    def mean(name: str) -> torch.Tensor:
        if not first[name].is_floating_point():
            return others[0][name]  # batch norm counts batches in integers
        return torch.lerp(first[name], torch.stack([other[name] for other in others]).mean(0), share)

    averaged.load_state_dict({name: mean(name) for name in first})
    return averaged.eval()
