"""Metrics of parts of the images, which may be small: of a source, or of people of one age, sex, skin tone, or body site."""

import numpy as np
from lesion.inference.card import Card
from lesion.inference.decision import Refusal, decide

from export.arrays import Array, Mask
from export.data.attributes import DIMENSIONS
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.image_set import rate_interval
from export.evaluation.predictions import Predictions
from export.evaluation.schema import PartMetrics, Subgroups


def refusal_codes(predictions: Predictions, card: Card) -> Array:
    """Return the refusal code of each image, empty where it is answered, (N,)."""
    decisions = [decide(output, own) for output, own in zip(predictions.outputs, predictions.cards_of(card), strict=True)]
    return np.array([one.code if isinstance(one, Refusal) else "" for one in decisions])


def subgroup_metrics(predictions: Predictions, card: Card) -> Subgroups:
    """Return the metrics by each attribute that tables state; without any, nothing.

    Args:
        predictions: of N images.
        card: of the model file.
    """
    above, refused = predictions.above_threshold(card), refusal_codes(predictions, card) != ""
    recorded = [dict(row.attributes) for row in predictions.rows]
    found: Subgroups = {}
    for dimension, values in DIMENSIONS.items():
        own = np.array([one.get(dimension, "") for one in recorded])
        present = [value for value in values if (own == value).any()]
        if present:
            found[dimension] = {value: part_metrics(predictions, above, refused, own == value) for value in present}
    return found


def part_metrics(predictions: Predictions, above: Mask, refused: Mask, own: Mask) -> PartMetrics:
    """Return the metrics of a part of N images.

    Args:
        predictions: of all N images.
        above: whether each reaches its threshold, (N,).
        refused: (N,).
        own: which images belong to the part, (N,).
    """
    score, malignant, groups = predictions.scalar("probability")[own], predictions.malignant[own], predictions.groups[own]

    def auc(weights: Array) -> float:
        return metrics.auc(score, malignant, weights)

    return {
        "n": int(own.sum()),
        "malignant": int(malignant.sum()),
        "auc": bootstrap_interval(auc, groups).json(),
        "sensitivity": rate_interval(above[own], malignant, groups),
        "specificity": rate_interval(~above[own], ~malignant, groups),
        "refused": rate_interval(refused[own], np.ones(len(score), bool), groups),
    }
