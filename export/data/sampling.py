"""Sampling weights of training images."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from export.arrays import Array
from export.data.labels import LabelledImage


def sampling_weights(rows: Sequence[LabelledImage], *, balance_datasets: bool) -> torch.Tensor:
    """Return the relative weight of each image, float64 (N,).

    An image of a class with n images weighs 1/sqrt(n): rare diagnoses are drawn more often, but not equally often.

    Args:
        rows: training images.
        balance_datasets: multiply by the square root of the ratio between the share of the image's label (malignant or
            benign) in all data sets and its share in the image's data set. Otherwise a network that recognises the camera
            could predict the label: here ISIC2020 is half melanoma and HAM10000 a fifth malignant.
    """
    labels = [row.diagnosis or str(row.malignant) for row in rows]
    counts = Counter(labels)
    weights = torch.tensor([counts[label] ** -0.5 for label in labels], dtype=torch.double)
    if balance_datasets:
        malignant = torch.tensor([row.malignant for row in rows])
        datasets = [row.dataset for row in rows]
        overall = _share(weights, malignant)
        for name in set(datasets):
            own = torch.tensor([dataset == name for dataset in datasets])
            share = _share(weights[own], malignant[own])
            if 0 < share < 1:
                factor = torch.where(malignant[own], overall / share, (1 - overall) / (1 - share))
                weights[own] *= factor.sqrt()
    return weights


def _share(weights: torch.Tensor, among: torch.Tensor) -> float:
    return float(weights[among].sum() / weights.sum())


def source_balanced_weights(
    rows: Sequence[LabelledImage],
    *,
    source_power: float = 0.6,
    malignant_share: float = 0.4,
    class_power: float = 0.5,
    fewest: int = 20,
    most: float = 4.0,
) -> torch.Tensor:
    """Return the probability with which each image is drawn, float64 (N,), so that its source does not tell its label.

    The sides of a source are its malignant and its benign images.

    Args:
        rows: training images.
        source_power: a source of n images weighs n ** source_power: small ones are drawn more often, but not equally often.
        malignant_share: of the images that are drawn from each source with both sides.
        class_power: an image of a class with n images of its source weighs n ** -class_power within its side.
        fewest: images that each side of a source needs; otherwise the shares of its sides follow from its classes.
        most: how often an image is drawn at most, relative to uniform sampling. The excess of a class goes to the rest of
            its side; that of a side goes to the other sources, so that the malignant share is kept.
    """
    limit = most / len(rows)
    weights, malignant = np.empty(len(rows)), np.array([row.malignant for row in rows])
    counts = Counter((row.source, row.diagnosis, row.malignant) for row in rows)
    class_weights = np.array([counts[row.source, row.diagnosis, row.malignant] ** -class_power for row in rows])
    sides_of_sources = []
    sources = [row.source for row in rows]
    for source in dict.fromkeys(sources):
        own = np.array([other == source for other in sources])
        sides = [own & malignant, own & ~malignant]
        has_both = min(side.sum() for side in sides) >= fewest
        sides_of_sources.append([(sides[0], malignant_share), (sides[1], 1 - malignant_share)] if has_both else [(own, 1.0)])
    sizes = np.array([sum(side.sum() for side, _ in shares) for shares in sides_of_sources], np.float64)
    limits = np.array([min(limit * side.sum() / share for side, share in shares) for shares in sides_of_sources])
    for mass, shares in zip(_distribute(1.0, sizes**source_power, limits), sides_of_sources, strict=True):
        for side, share in shares:
            weights[side] = _distribute(mass * share, class_weights[side], np.full(side.sum(), limit))
    return torch.from_numpy(weights)


def _distribute(total: float, weights: Array, limits: Array) -> Array:
    """Divide `total` in proportion to `weights` (N,), none above its limit (N,): the excess goes to the others."""
    full = np.zeros(len(weights), np.bool_)
    while not full.all():
        scale = (total - limits[full].sum()) / weights[~full].sum()
        over = ~full & (weights * scale > limits * (1 + 1e-9))
        if not over.any():
            return np.where(full, limits, weights * scale)
        full |= over
    return limits
