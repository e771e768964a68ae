"""A network with linear heads for each image type, instead of one pair for both.

Dermoscopic and clinical images share the body, but what a feature says about malignancy differs between them. The heads are
fitted to the pooled features after the training (`export.training.typed_heads`); the serving graph uses those of the type
that it detects or is given. Measured against one head and against one network for each type: `models/experiments.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lesion.inference.card import IMAGE_TYPES
from torch import nn

from export.arrays import Floats
from export.nn.ensemble import Ensemble
from export.nn.lesion_net import LesionNet
from export.nn.network import Explanation, Network


@dataclass(frozen=True)
class LinearHeads:
    """Heads of one image type: linear maps of F pooled features.

    Attributes:
        malignant: float32 (F,), weights of the malignant logit.
        malignant_bias: its bias.
        diagnosis: float32 (K, F), weights of the class logits.
        diagnosis_bias: float32 (K,).
    """

    malignant: Floats
    malignant_bias: float
    diagnosis: Floats
    diagnosis_bias: Floats


class TypedHeads(Network):
    """The body of a network, or the bodies of an ensemble, with heads for each of `IMAGE_TYPES` on all pooled features.

    The heads of `base` are not used.
    """

    has_head_per_type = True

    def __init__(self, base: LesionNet | Ensemble) -> None:
        """Give a network heads for each type, which are those of the network itself until others are set."""
        super().__init__()
        self.spec, self.base = base.spec, base
        self.middle_channels = base.middle_channels
        features = sum(member.malignant.in_features for member in base.networks)
        self.malignant = nn.Linear(features, len(IMAGE_TYPES))
        self.diagnosis = nn.Linear(features, len(IMAGE_TYPES) * len(base.spec.classes))
        self._set_heads([_joint_heads(base.networks)] * len(IMAGE_TYPES))

    @property
    def constant_bias(self) -> None:
        """Return None: the bias is that of the image's type."""
        return None

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the last feature map and the middle ones of the body; see `Network.feature_maps`."""
        return self.base.feature_maps(images)

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence of every head, with the image type as the second axis; see `Network.explain`."""
        cells = nn.functional.conv2d(last, self.malignant.weight[:, :, None, None])
        pooled = last.mean((2, 3))
        bias = self.malignant.bias.expand(last.shape[0], -1)
        return Explanation(cells, bias, self._class_logits(pooled), pooled)

    def forward(self, images: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of the heads of each image's type, or their mean over both where it is not known.

        See `Network.forward`.
        """
        pooled = self.feature_maps(images)[0].mean((2, 3))
        malignant, classes = self.malignant(pooled), self._class_logits(pooled)
        if clinical is None:
            return malignant.mean(1), classes.mean(1)
        types, places = clinical.long(), torch.arange(len(images), device=images.device)
        return malignant[places, types], classes[places, types]

    def _class_logits(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return the class logits (N, types, K) of pooled features (N, F)."""
        logits: torch.Tensor = self.diagnosis(pooled)
        return logits.view(-1, len(IMAGE_TYPES), len(self.spec.classes))

    def heads(self) -> tuple[LinearHeads, ...]:
        """Return the heads, in the order of `IMAGE_TYPES`."""
        malignant, biases, diagnosis, class_biases = (
            parameter.detach().numpy().copy()
            for parameter in (self.malignant.weight, self.malignant.bias, self.diagnosis.weight, self.diagnosis.bias)
        )
        of_types = (np.split(values, len(IMAGE_TYPES)) for values in (diagnosis, class_biases))
        return tuple(
            LinearHeads(own, float(bias), *classes) for own, bias, *classes in zip(malignant, biases, *of_types, strict=True)
        )

    def set_heads(self, heads: Sequence[LinearHeads]) -> None:
        """Set the weights of the heads, and those of the base (see `set_heads_of_base`).

        Args:
            heads: in the order of `IMAGE_TYPES`.
        """
        self._set_heads(heads)
        self.set_heads_of_base()

    @torch.no_grad()
    def _set_heads(self, heads: Sequence[LinearHeads]) -> None:
        self.malignant.weight.copy_(torch.from_numpy(np.stack([own.malignant for own in heads])))
        self.malignant.bias.copy_(torch.tensor([own.malignant_bias for own in heads]))
        self.diagnosis.weight.copy_(torch.from_numpy(np.concatenate([own.diagnosis for own in heads])))
        self.diagnosis.bias.copy_(torch.from_numpy(np.concatenate([own.diagnosis_bias for own in heads])))

    @torch.no_grad()
    def set_heads_of_base(self) -> None:
        """Set the heads of the base to the mean of the heads, so that a training can start from any of its networks."""
        members = self.base.networks
        # The mean of the members' logits is that of the joint heads.
        place = 0
        for member in members:
            part = slice(place, place + member.malignant.in_features)
            place = part.stop
            member.malignant.weight[0] = len(members) * self.malignant.weight[:, part].mean(0)
            member.malignant.bias.fill_(float(self.malignant.bias.mean()))
            classes = self.diagnosis.weight[:, part].unflatten(0, (len(IMAGE_TYPES), -1)).mean(0)
            member.diagnosis.weight.copy_(len(members) * classes)
            member.diagnosis.bias.copy_(self.diagnosis.bias.unflatten(0, (len(IMAGE_TYPES), -1)).mean(0))


def _joint_heads(members: Sequence[LesionNet]) -> LinearHeads:
    """Return heads on the features of networks that have the mean of their logits."""
    count = len(members)
    weights, class_weights = (
        torch.cat([head.weight.detach() for head in heads], 1).numpy() / count
        for heads in ([member.malignant for member in members], [member.diagnosis for member in members])
    )
    bias = sum(member.constant_bias for member in members) / count
    class_bias = torch.stack([member.diagnosis.bias.detach() for member in members]).mean(0).numpy()
    return LinearHeads(weights[0], bias, np.asarray(class_weights, np.float32), class_bias)
