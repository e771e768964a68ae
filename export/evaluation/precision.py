"""Compare the answers of one network at two numeric precisions: float32, float16, int8."""

from typing import Any

import numpy as np

from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import Predictions

Figures = dict[str, Any]


MAX_AUC_CHANGE = 0.002


def compare_precisions(original: Predictions, other: Predictions, threshold: float) -> Figures:
    """What changed against `original`, whose images are the same."""
    before, after = original.scalar("probability"), other.scalar("probability")
    malignant, groups = original.malignant, original.groups
    crossed = (before >= threshold) != (after >= threshold)

    def change(weights: metrics.Array) -> float:
        return metrics.auc(after, malignant, weights) - metrics.auc(before, malignant, weights)

    figures: Figures = {
        "auc": round(metrics.auc(after, malignant, np.ones(len(after))), 4),
        "auc_change": bootstrap_interval(change, groups).json(),
        "largest_logit_difference": float(np.abs(original.scalar("logit") - other.scalar("logit")).max()),
        "flips": int(crossed.sum()),
        "malignant_lost": int((crossed & malignant & (after < threshold)).sum()),
    }
    passes = abs(figures["auc_change"]["value"]) <= MAX_AUC_CHANGE and figures["malignant_lost"] == 0
    return {**figures, "passes": bool(passes)}
