"""Several networks as one: the mean of their logits and of their evidence maps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import nn

from export.nn.lesion_net import LesionNet
from export.nn.network import Explanation, Network, Normalise


class ToPixelScale(nn.Module):
    """Convert images of 0..1 to 0..255, for members that have different normalisations."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return images of any shape multiplied by 255."""
        return 255 * images


class Ensemble(Network):
    """The mean of several networks; its evidence map is the mean of theirs and therefore still exact.

    Members with one normalisation share it; otherwise each normalises for itself. The middle feature maps are those of
    all members.
    """

    def __init__(self, members: Sequence[LesionNet]) -> None:
        """Join networks.

        Raises:
            ValueError: they differ in their classes or in the size of their input.
        """
        super().__init__()
        first = members[0].spec
        if any((member.spec.classes, member.spec.size) != (first.classes, first.size) for member in members):
            raise ValueError("Networks of an ensemble need the same classes and the same input size.")
        # Only the members have heads for the image type.
        spec = replace(first, arch=" + ".join(member.spec.arch for member in members), detects_type=False)
        normalise: list[nn.Module] = [nn.Identity() for _ in members]
        if any(replace(member.spec, arch=spec.arch, detects_type=False) != spec for member in members):
            spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), colour_constancy=None, illuminant=None)
            normalise = [nn.Sequential(ToPixelScale(), Normalise(member.spec)) for member in members]
        self.spec = spec
        self.members = nn.ModuleList(members)
        self.normalise = nn.ModuleList(normalise)
        self.middle_channels = sum(member.middle_channels for member in members)
        self.features = [member.malignant.in_features for member in members]

    @property
    def networks(self) -> list[LesionNet]:
        """Return the members in order."""
        return [cast(LesionNet, member) for member in self.members]

    @property
    def constant_bias(self) -> float:
        """Return the mean of the members' biases."""
        return sum(member.constant_bias for member in self.networks) / len(self.members)

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the concatenated last feature maps and all middle ones; see `Network.feature_maps`."""
        pairs = [
            member.feature_maps(normalise(images)) for member, normalise in zip(self.networks, self.normalise, strict=True)
        ]
        return torch.cat([last for last, _ in pairs], 1), tuple(one for _, middle in pairs for one in middle)

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return mean logits and mean evidence; see `Network.explain`."""
        parts = zip(self.networks, last.split(self.features, 1), strict=True)
        cells, bias, class_logits, pooled = zip(*(member.explain(part) for member, part in parts), strict=True)
        return Explanation(_mean(cells), _mean(bias), _mean(class_logits), torch.cat(pooled, 1))

    def forward(self, images: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean malignant logit and the mean class logits; see `Network.forward`."""
        outputs = [member(normalise(images)) for member, normalise in zip(self.networks, self.normalise, strict=True)]
        return _mean([logit for logit, _ in outputs]), _mean([classes for _, classes in outputs])


@torch.no_grad()
def weigh(members: Sequence[LesionNet], weights: Sequence[float]) -> None:
    """Scale the heads of networks in place, so that the mean of their logits is a weighted one.

    Args:
        members: N networks.
        weights: N numbers above zero, of any sum.
    """
    for member, weight in zip(members, weights, strict=True):
        for head in (member.malignant, member.diagnosis):
            for parameter in head.parameters():
                parameter.mul_(len(members) * weight / sum(weights))


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(tensors)).mean(0)
