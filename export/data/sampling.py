"""Sampling weights of training images."""

from collections import Counter
from collections.abc import Sequence

import torch

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
