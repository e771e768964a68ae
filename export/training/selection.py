"""Figures on `val` by which epochs and runs are compared: each source counts once, not by its number of images."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from export.arrays import Array, Mask
from export.data.labels import LabelledImage
from export.nn.network import Prediction

MIN_IMAGES = 10
"""Malignant and benign images that an AUC of a source needs, of each."""


@dataclass(frozen=True)
class SourceFigures:
    """AUC on the images of one source; None where it has fewer than `MIN_IMAGES` of a side.

    Attributes:
        images: their number.
        malignant: malignant against benign, by the malignant logit.
        melanoma_nevus: melanoma against nevus, by the difference of their logits; None also where these are no classes.
    """

    images: int
    malignant: float | None
    melanoma_nevus: float | None


def figures_by_source(
    rows: Sequence[LabelledImage], prediction: Prediction, classes: Sequence[str]
) -> dict[str, SourceFigures]:
    """Return the figures of each source that has any.

    Args:
        rows: N images.
        prediction: their logits, on the CPU.
        classes: the K codes of the class logits; own classes may lack melanoma or nevus.

    Returns:
        data set and image type, separated by a space -> figures.
    """
    malignant, logits = prediction.malignant.double().numpy(), prediction.classes.double().numpy()
    truth = np.array([row.malignant for row in rows])
    pair, melanoma_or_nevus = np.zeros(len(rows), bool), np.zeros(len(rows))
    if {"melanoma", "nevus"} <= set(classes):
        pair = np.array([row.diagnosis in ("melanoma", "nevus") for row in rows])
        melanoma_or_nevus = logits[:, classes.index("melanoma")] - logits[:, classes.index("nevus")]
    names = np.array([" ".join(row.source) for row in rows])
    found = {}
    for name in np.unique(names):
        own = names == name
        figures = SourceFigures(
            images=int(own.sum()),
            malignant=_auc(malignant[own], truth[own]),
            melanoma_nevus=_auc(melanoma_or_nevus[own & pair], truth[own & pair]),
        )
        if (figures.malignant, figures.melanoma_nevus) != (None, None):
            found[str(name)] = figures
    return found


def selection_score(figures: Mapping[str, SourceFigures]) -> float:
    """Return the mean over sources of the mean of the figures that each has; NaN without a source."""
    known = [[value for value in (one.malignant, one.melanoma_nevus) if value is not None] for one in figures.values()]
    return float(np.mean([np.mean(values) for values in known])) if known else math.nan


def type_accuracy(rows: Sequence[LabelledImage], prediction: Prediction) -> float | None:
    """Return the share of N images whose image type is detected; None without a head for it."""
    if prediction.clinical is None:
        return None
    truth = np.array([row.image_type == "clinical" for row in rows])
    return float(((prediction.clinical.numpy() > 0) == truth).mean())


def validation_figures(rows: Sequence[LabelledImage], prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    """Return the figures that the history of a training records for each epoch, as JSON values.

    Args:
        rows: N images with malignant and benign ones.
        prediction: their logits, on the CPU.
        classes: the K codes of the class logits.

    Returns:
        `val_auc` of all images, `score` (see `selection_score`), `type_accuracy`, and `sources` (see `SourceFigures`); None
        stands for a figure that the images do not have.
    """
    figures = figures_by_source(rows, prediction, classes)
    score = selection_score(figures)
    return {
        "val_auc": float(roc_auc_score([row.malignant for row in rows], prediction.malignant.numpy())),
        "score": None if math.isnan(score) else round(score, 4),
        "type_accuracy": type_accuracy(rows, prediction),
        "sources": {name: asdict(one) for name, one in figures.items()},
    }


def _auc(score: Array, positive: Mask) -> float | None:
    if min(positive.sum(), (~positive).sum()) < MIN_IMAGES:
        return None
    return round(float(roc_auc_score(positive, score)), 4)
