"""Metrics of a binary score with image weights, so that a bootstrap resample only changes the weights.

Every function takes arrays over N images and returns NaN where the metric is not defined.
"""

import numpy as np

from export.arrays import Array, Labels, Mask

BINS = 15
"""Number of bins with equal counts, for calibration error and reliability diagram."""

_CERTAIN = 1e-6
"""Distance from 0 and 1 within which a probability counts as that far, so that its logit is finite."""
_MOST_STEPS, _SMALL_STEP, _SINGULAR = 50, 1e-9, 1e12
"""Newton's method: its longest run, the step that ends it, and the condition number that has no solution."""


def auc(score: Array, positive: Mask, weights: Array) -> float:
    """Return the area under the ROC curve: the share of pairs ranked correctly, ties counted half (Hanley & McNeil 1982).

    `sklearn.metrics.roc_auc_score` returns the same value, but its argument checks take many times as long, and a report
    calls this function a hundred thousand times.

    Args:
        score: (N,).
        positive: labels (N,).
        weights: (N,), not negative.
    """
    if not (weights[positive].any() and weights[~positive].any()):
        return np.nan
    _, level = np.unique(score, return_inverse=True)
    positives, negatives = np.bincount(level, weights * positive), np.bincount(level, weights * ~positive)
    lower = np.cumsum(negatives) - negatives / 2
    return float(positives @ lower / (positives.sum() * negatives.sum()))


def rate(flag: Mask, among: Mask, weights: Array) -> float:
    """Return the weighted share of images with `flag` among those with `among`, such as sensitivity or coverage.

    Args:
        flag: (N,).
        among: (N,).
        weights: (N,), not negative.
    """
    total = weights[among].sum()
    return float(weights[among & flag].sum() / total) if total else np.nan


def specificity_at_sensitivity(sensitivity: float, score: Array, positive: Mask, weights: Array) -> float:
    """Return the highest specificity at which the sensitivity is at least the given one.

    Args:
        sensitivity: 0..1.
        score: (N,).
        positive: labels (N,).
        weights: (N,), not negative.
    """
    curve = _curve(score, positive, weights)
    return np.nan if curve is None else float(1 - curve[0][curve[1] >= sensitivity].min())


def sensitivity_at_specificity(specificity: float, score: Array, positive: Mask, weights: Array) -> float:
    """Return the highest sensitivity at which the specificity is at least the given one.

    Args:
        specificity: 0..1.
        score: (N,).
        positive: labels (N,).
        weights: (N,), not negative.
    """
    curve = _curve(score, positive, weights)
    return np.nan if curve is None else float(curve[1][1 - curve[0] >= specificity].max())


def roc_points(score: Array, positive: Mask) -> list[tuple[float, float]]:
    """Return the ROC curve at false-positive rates 0, 0.01, ..., 1.

    Args:
        score: (N,).
        positive: labels (N,).

    Returns:
        Pairs of false-positive rate and highest true-positive rate; empty without images of both classes.
    """
    curve = _curve(score, positive, np.ones(len(score)))
    if curve is None:
        return []
    rates = np.linspace(0, 1, 101)
    best = curve[1][np.searchsorted(curve[0], rates, side="right") - 1]
    return [(round(float(rate), 4), round(float(sensitivity), 4)) for rate, sensitivity in zip(rates, best, strict=True)]


def reliability_points(probability: Array, positive: Mask) -> list[tuple[float, float]]:
    """Return mean probability and share of positives in each of `BINS` bins with equal counts.

    Args:
        probability: (N,).
        positive: labels (N,).
    """
    parts = np.array_split(np.argsort(probability, kind="stable"), min(BINS, len(probability)))
    return [
        (round(float(probability[part].mean()), 4), round(float(positive[part].mean()), 4)) for part in parts if len(part)
    ]


def _curve(score: Array, positive: Mask, weights: Array) -> tuple[Array, Array] | None:
    """Return false- and true-positive rates, or None where one class has no weight.

    The values are those of `sklearn.metrics.roc_curve` without dropped points, whose argument checks take ten times as long.
    """
    kept = weights > 0
    if not (positive[kept].any() and (~positive[kept]).any()):
        return None
    order = np.argsort(-score[kept], kind="stable")
    ordered, sides, mass = score[kept][order], positive[kept][order], weights[kept][order]
    # The last image of each distinct score.
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    false_positive, true_positive = (np.append(0.0, np.cumsum(mass * side)[last]) for side in (~sides, sides))
    return false_positive / false_positive[-1], true_positive / true_positive[-1]


def calibration_error(probability: Array, positive: Mask, weights: Array, bins: int = BINS) -> float:
    """Return the expected calibration error over bins with equal counts (Nixon et al. 2019, adaptive).

    Args:
        probability: (N,).
        positive: labels (N,).
        weights: (N,), not negative.
        bins: number of bins.
    """
    order = np.argsort(probability, kind="stable")
    error = 0.0
    for part in np.array_split(order, bins):
        weight = weights[part]
        if weight.sum():
            gap = np.average(probability[part], weights=weight) - np.average(positive[part], weights=weight)
            error += weight.sum() * abs(float(gap))
    return float(error / weights.sum()) if weights.sum() else np.nan


def calibration_slope(probability: Array, positive: Mask, weights: Array) -> float:
    """Return the slope of a logistic regression of the label on the logit of the probability (Cox 1958).

    1 is ideal; below 1 the probabilities are too extreme, above 1 too cautious (Van Calster et al. 2019).
    `sklearn.linear_model.LogisticRegression` without a penalty returns the same value in a multiple of the time.

    Args:
        probability: (N,).
        positive: labels (N,).
        weights: (N,), not negative.
    """
    if not (weights[positive].any() and weights[~positive].any()):
        return np.nan
    clipped = np.clip(probability, _CERTAIN, 1 - _CERTAIN)
    logit = np.log(clipped / (1 - clipped))
    scale = float(np.sqrt(np.cov(logit, aweights=weights, ddof=0)))
    if scale < _SMALL_STEP:
        return np.nan  # one probability for all
    design = np.stack([np.ones(len(logit)), (logit - np.average(logit, weights=weights)) / scale])
    prevalence = np.average(positive, weights=weights)
    found = np.array([np.log(prevalence / (1 - prevalence)), 0.0])

    def likelihood(parameters: Array) -> float:
        # -log(1 + exp(-x)) of a positive, -log(1 + exp(x)) of a negative.
        return -float(weights @ np.logaddexp(0, np.where(positive, -1, 1) * (parameters @ design)))

    for _ in range(_MOST_STEPS):
        fitted = np.exp(-np.logaddexp(0, -(found @ design)))
        curvature = (design * (weights * fitted * (1 - fitted))) @ design.T
        if np.linalg.cond(curvature) > _SINGULAR:
            return np.nan  # a score that separates the sides: no slope is the best
        step = np.linalg.solve(curvature, design @ (weights * (positive - fitted)))
        if np.abs(step).max() < _SMALL_STEP:
            return float(found[1] / scale)
        # The log-likelihood is concave: a part of each step increases it, the whole step may miss its highest point.
        current = likelihood(found)
        while likelihood(found + step) < current and np.abs(step).max() > _SMALL_STEP:
            step = step / 2
        found = found + step
    return np.nan


def log_loss(probability: Array, positive: Mask, weights: Array) -> float:
    """Return the mean of -log of the probability of the label, which calibration and discrimination both lower.

    Unlike the calibration error it has no bias from binning, so that small samples can be compared.

    Args:
        probability: (N,); clipped to the resolution of float32 near 1.
        positive: labels (N,).
        weights: (N,), not negative.
    """
    resolution = np.finfo(np.float32).epsneg
    right = np.clip(np.where(positive, probability, 1 - probability), resolution, 1)
    return float(-(weights @ np.log(right)) / weights.sum()) if weights.sum() else np.nan


def balanced_accuracy(predicted: Labels, actual: Labels, weights: Array) -> float:
    """Return the mean recall over the classes in `actual`.

    Args:
        predicted: class codes (N,).
        actual: class codes (N,).
        weights: (N,), not negative.
    """
    recalls = [rate(predicted == code, actual == code, weights) for code in np.unique(actual)]
    return float(np.nanmean(recalls)) if recalls and not np.isnan(recalls).all() else np.nan


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Return the positive and the negative predictive value at a prevalence (Bayes' theorem).

    Args:
        sensitivity: 0..1.
        specificity: 0..1.
        prevalence: share of malignant images, 0..1.
    """
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    above, below = true_positive + false_positive, true_negative + false_negative
    return true_positive / above if above else np.nan, true_negative / below if below else np.nan
