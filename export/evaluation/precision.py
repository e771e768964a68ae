"""Comparison of the predictions of one network in two numeric precisions: float32, float16, int8."""

import numpy as np

from export.arrays import Array
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import Predictions
from export.evaluation.schema import PrecisionMetrics

MAX_AUC_CHANGE = 0.002
"""Largest absolute change of the AUC with which a precision passes."""


def compare_precisions(original: Predictions, other: Predictions, threshold: float) -> PrecisionMetrics:
    """Return the changes of `other` against `original`, and whether they are acceptable.

    A precision passes if the AUC changes by at most `MAX_AUC_CHANGE` and no malignant image falls below the threshold.

    Args:
        original: predictions in float32.
        other: predictions for the same images in another precision.
        threshold: operating threshold, a probability.
    """
    before, after = original.scalar("probability"), other.scalar("probability")
    malignant = original.malignant
    crossed = (before >= threshold) != (after >= threshold)

    def auc_change(weights: Array) -> float:
        return metrics.auc(after, malignant, weights) - metrics.auc(before, malignant, weights)

    change = bootstrap_interval(auc_change, original.groups)
    malignant_lost = int((crossed & malignant & (after < threshold)).sum())
    return {
        "auc": round(metrics.auc(after, malignant, np.ones(len(after))), 4),
        "auc_change": change.json(),
        "largest_logit_difference": float(np.abs(original.scalar("logit") - other.scalar("logit")).max()),
        "flips": int(crossed.sum()),
        "malignant_lost": malignant_lost,
        "passes": bool(abs(round(change.value, 4)) <= MAX_AUC_CHANGE and malignant_lost == 0),
    }
