"""How often each training image is drawn."""

from collections import Counter
from collections.abc import Sequence

import torch

from export.data.labels import LabelledImage


def sampling_weights(rows: Sequence[LabelledImage], *, balance_datasets: bool) -> torch.Tensor:
    """Relative weight of each image, float64 (N,).

    Every class weighs 1/sqrt(its images), so that rare diagnoses are seen more, not equally often. With
    `balance_datasets`, malignant and benign images of a data set weigh more the rarer that side is in it compared with all
    data sets, by the square root again: ISIC2020 is half melanoma here and HAM10000 a fifth malignant, so that a network
    which knows the camera would know something of the answer.
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
