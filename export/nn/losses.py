"""Training losses: labels, image type, mixup, and distillation from teachers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from export.nn.network import Network, Normalise

SMOOTHING = 0.05
"""Label smoothing of both cross-entropies."""

TYPE_WEIGHT = 0.1
"""Weight of the image type's loss in the sum."""


@dataclass(frozen=True)
class Targets:
    """Labels of N images.

    Attributes:
        diagnosis: int64 (N,), -1 where only malignant-or-benign is known.
        malignant: float (N,), 0 or 1.
        clinical: float (N,), 1 for a clinical image, 0 for a dermoscopic one; None where no head is trained on it.
    """

    diagnosis: torch.Tensor
    malignant: torch.Tensor
    clinical: torch.Tensor | None = None

    def flip(self) -> "Targets":
        """Return the targets in reverse order."""
        clinical = None if self.clinical is None else self.clinical.flip(0)
        return Targets(self.diagnosis.flip(0), self.malignant.flip(0), clinical)


def label_loss(logit: torch.Tensor, classes: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Return cross-entropy over the known diagnoses plus binary cross-entropy of the malignant logit, both smoothed.

    Args:
        logit: (N,), malignant against benign.
        classes: (N, K), logits of the diagnoses.
        targets: of the N images.
    """
    known = targets.diagnosis >= 0
    binary = nn.functional.binary_cross_entropy_with_logits(logit, targets.malignant * (1 - SMOOTHING) + SMOOTHING / 2)
    if not known.any():
        return binary
    return binary + nn.functional.cross_entropy(classes[known], targets.diagnosis[known], label_smoothing=SMOOTHING)


def type_loss(logit: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Return the weighted binary cross-entropy of the image type.

    Args:
        logit: (N,), clinical against dermoscopic.
        targets: of the N images, with `clinical`.

    Raises:
        ValueError: the targets have no image type.
    """
    if targets.clinical is None:
        raise ValueError("The targets have no image type.")
    return TYPE_WEIGHT * nn.functional.binary_cross_entropy_with_logits(logit, targets.clinical)


def distillation_loss(
    logit: torch.Tensor, classes: torch.Tensor, taught_malignant: torch.Tensor, taught_classes: torch.Tensor
) -> torch.Tensor:
    """Return both cross-entropies against the teachers' mean probabilities (Hinton et al. 2015, temperature 1).

    Args:
        logit: (N,), malignant against benign.
        classes: (N, K), logits of the diagnoses.
        taught_malignant: (N,), probability of malignancy.
        taught_classes: (N, K), probabilities of the diagnoses.
    """
    binary = nn.functional.binary_cross_entropy_with_logits(logit, taught_malignant)
    return binary + nn.functional.cross_entropy(classes, taught_classes)


class TeacherEnsemble(nn.Module):
    """Networks whose mean probabilities are a target; they get the crops of the trained network (Beyer et al. 2022)."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """Freeze the networks."""
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.normalise = nn.ModuleList(Normalise(network.spec) for network in networks)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "TeacherEnsemble":
        """Stay in evaluation mode whatever `mode` is: teachers are not trained."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, pixels: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean probabilities of malignancy (N,) and of the diagnoses (N, K).

        Args:
            pixels: (N, 3, S, S), float 0..255.
            clinical: (N,), see `export.nn.network.Network.forward`.
        """
        malignant, classes = [], []
        for network, normalise in zip(self.networks, self.normalise, strict=True):
            images = normalise(pixels).contiguous(memory_format=torch.channels_last)
            logit, class_logits = network(images, clinical)
            malignant.append(logit.float().sigmoid())
            classes.append(class_logits.float().softmax(1))
        return torch.stack(malignant).mean(0), torch.stack(classes).mean(0)


def draw_mixup_share(strength: float, generator: torch.Generator) -> float:
    """Draw the share of the first image in mixup: from Beta(strength, strength), at least a half (Zhang et al. 2018)."""
    alpha = torch.tensor(strength)
    first, second = (torch._standard_gamma(alpha.expand(1), generator=generator) for _ in range(2))
    share = float(first / (first + second))
    return max(share, 1 - share)


def mixup(pixels: torch.Tensor, share: float) -> torch.Tensor:
    """Return `share` of each image (N, 3, S, S) plus the rest of another of the batch, in the order of `Targets.flip`."""
    return share * pixels + (1 - share) * pixels.flip(0)


def mixup_loss(loss: Callable[[Targets], torch.Tensor], labels: Targets, share: float) -> torch.Tensor:
    """Return the loss of images that `mixup` has mixed: `share` of it against the labels, the rest against the flipped ones.

    Args:
        loss: loss of the mixed images against labels.
        labels: of the first images.
        share: of the first images; 1 without mixup.
    """
    own = share * loss(labels)
    return own + (1 - share) * loss(labels.flip()) if share < 1 else own
