"""Figures of a binary score with image weights, so that the bootstrap only changes the weights.

Every function takes arrays over N images and returns a float, NaN where the figure is not defined.
"""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BINS = 15
"""Equally filled, for everything about calibration."""


def auc(score: Array, positive: Mask, weights: Array) -> float:
    """Area under the ROC curve: the share of pairs in which the positive scores higher, half of a tie (Hanley, McNeil 1982).

    scikit-learn's figure without its checks of every argument, which take many times as long as the sums: a report asks a
    hundred thousand times.
    """
    if not (weights[positive].any() and weights[~positive].any()):
        return np.nan
    _, level = np.unique(score, return_inverse=True)
    positives, negatives = np.bincount(level, weights * positive), np.bincount(level, weights * ~positive)
    lower = np.cumsum(negatives) - negatives / 2
    return float(positives @ lower / (positives.sum() * negatives.sum()))


def rate(flag: Mask, among: Mask, weights: Array) -> float:
    """Share of images with `flag` among those with `among`: sensitivity, specificity, coverage, accuracy."""
    total = weights[among].sum()
    return float(weights[among & flag].sum() / total) if total else np.nan


def specificity_at_sensitivity(sensitivity: float, score: Array, positive: Mask, weights: Array) -> float:
    """The best specificity whose sensitivity is at least the one given."""
    curve = _curve(score, positive, weights)
    return np.nan if curve is None else float(1 - curve[0][curve[1] >= sensitivity].min())


def sensitivity_at_specificity(specificity: float, score: Array, positive: Mask, weights: Array) -> float:
    """The best sensitivity whose specificity is at least the one given."""
    curve = _curve(score, positive, weights)
    return np.nan if curve is None else float(curve[1][1 - curve[0] >= specificity].max())


def roc_points(score: Array, positive: Mask) -> list[tuple[float, float]]:
    """Share of negatives above, 0 to 1 in steps of 0.01, and the best share of positives above that goes with it."""
    curve = _curve(score, positive, np.ones(len(score)))
    if curve is None:
        return []
    shares = np.linspace(0, 1, 101)
    best = curve[1][np.searchsorted(curve[0], shares, side="right") - 1]
    return [(round(float(share), 4), round(float(sensitivity), 4)) for share, sensitivity in zip(shares, best, strict=True)]


def reliability_points(probability: Array, positive: Mask) -> list[tuple[float, float]]:
    """Mean probability and share of positives in each of `BINS` equally filled bins."""
    parts = np.array_split(np.argsort(probability, kind="stable"), min(BINS, len(probability)))
    return [
        (round(float(probability[part].mean()), 4), round(float(positive[part].mean()), 4)) for part in parts if len(part)
    ]


def _curve(score: Array, positive: Mask, weights: Array) -> tuple[Array, Array] | None:
    drawn = weights > 0
    if not (positive[drawn].any() and (~positive[drawn]).any()):
        return None
    false_positive, true_positive, _ = roc_curve(
        positive[drawn], score[drawn], sample_weight=weights[drawn], drop_intermediate=False
    )
    return false_positive, true_positive


def calibration_error(probability: Array, positive: Mask, weights: Array, bins: int = BINS) -> float:
    """Expected calibration error over equally filled bins (Nixon et al. 2019, adaptive)."""
    order = np.argsort(probability, kind="stable")
    error = 0.0
    for part in np.array_split(order, bins):
        weight = weights[part]
        if weight.sum():
            gap = np.average(probability[part], weights=weight) - np.average(positive[part], weights=weight)
            error += weight.sum() * abs(float(gap))
    return float(error / weights.sum()) if weights.sum() else np.nan


def balanced_accuracy(predicted: npt.NDArray[np.str_], actual: npt.NDArray[np.str_], weights: Array) -> float:
    """Mean over the classes present of the share that is named rightly."""
    recalls = [rate(predicted == code, actual == code, weights) for code in np.unique(actual)]
    return float(np.nanmean(recalls)) if recalls and not np.isnan(recalls).all() else np.nan


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Positive and negative predictive value at a prevalence (Bayes)."""
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    above, below = true_positive + false_positive, true_negative + false_negative
    return true_positive / above if above else np.nan, true_negative / below if below else np.nan
