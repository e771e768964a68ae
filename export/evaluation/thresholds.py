"""Thresholds chosen on `val` after calibration: operating threshold, prediction-set limits, refusal limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lesion.inference.card import RefusalRule

from export.arrays import Array, Labels, Mask
from export.evaluation.bootstrap import bootstrap_weights
from export.evaluation.predictions import Predictions

TARGET_SENSITIVITY = 0.95
"""Sensitivity for which the operating threshold is chosen."""

DISTANCE_QUANTILE = 0.9925
"""Share of `val` whose OOD distance is below the limit of `not_a_lesion`."""

TARGET_REFUSED = 0.95
"""Share of the OOD images that fit the limit of `not_a_lesion` which is refused, if lesions allow it."""

MOST_REFUSED = 0.02
"""Share of the `val` images of a source that OOD images may have refused as `not_a_lesion`."""

MIN_OF_SOURCE = 100
"""Images that a source needs to bound the limit: with fewer, one or two images would decide."""

TARGET_COVERAGE = 0.90
"""Coverage of the prediction sets within each side, malignant and benign."""


def operating_threshold(score: Array, labels: Mask, groups: Labels) -> float:
    """Return the probability that `TARGET_SENSITIVITY` of the malignant images reach: median over bootstrap resamples.

    Args:
        score: calibrated probabilities (N,).
        labels: whether each image is malignant (N,).
        groups: lesion group of every image (N,).
    """
    order = np.argsort(score)
    ordered, malignant = score[order], labels[order]
    thresholds = []
    for weights in bootstrap_weights(groups):
        below = np.cumsum(weights[order] * malignant)
        if not below[-1]:
            # A resample of few lesions may contain none that is malignant.
            continue
        # The highest score with at most 5 % of the malignant weight strictly below it.
        thresholds.append(ordered[np.searchsorted(below, (1 - TARGET_SENSITIVITY) * below[-1], side="right")])
    return _round_down(float(np.median(thresholds)))


@dataclass(frozen=True)
class PredictionSets:
    """Limits of the prediction sets, by side ("malignant" and "benign").

    Attributes:
        limits: probability of the side from which a prediction set contains it.
        coverage: share of new exchangeable images of the side whose prediction set contains it: guaranteed up to
            `TARGET_COVERAGE`, an estimate beyond it, where the threshold of the same images lowered the limit.
    """

    limits: dict[str, float]
    coverage: dict[str, float]


def prediction_sets(score: Array, malignant: Mask, threshold: float) -> PredictionSets:
    """Return the limits of class-conditional split conformal prediction (Vovk 2012) at `TARGET_COVERAGE` or above.

    A limit is lowered where the set of an image would lack the side of the image's decision: above the threshold it always
    contains "malignant", below it "benign". That raises the coverage of the side.

    Args:
        score: calibrated probabilities of malignancy (N,).
        malignant: labels (N,).
        threshold: operating threshold, with six decimals.
    """
    highest = {"malignant": threshold, "benign": _complement(threshold)}
    limits, coverage = {}, {}
    for side, own in (("malignant", score[malignant]), ("benign", 1 - score[~malignant])):
        # 1e-9: (1 - 0.9) * 30 is slightly less than 3 in floating point.
        rank = int(np.floor((1 - TARGET_COVERAGE) * (len(own) + 1) + 1e-9))
        # Fewer than nine images support no limit: every prediction set then contains the side.
        conformal = _round_down(float(np.sort(own)[rank - 1])) if rank else 0.0
        limits[side] = min(conformal, highest[side])
        reached = int((own >= limits[side]).sum()) / (len(own) + 1)
        coverage[side] = TARGET_COVERAGE if limits[side] == conformal else max(_four_decimals_down(reached), TARGET_COVERAGE)
    return PredictionSets(limits, coverage)


def distance_limit(predictions: Predictions, ood: Sequence[Array]) -> float:
    """Return the OOD distance above which an image is refused.

    Without OOD images, the distance that `DISTANCE_QUANTILE` of `val` is below. With OOD images it is lowered, where that
    refuses more of them, to the highest distance that `TARGET_REFUSED` of each kind is above, but not so far that more
    than `MOST_REFUSED` of the images of one source are refused.

    Args:
        predictions: for the images of one type in `val`.
        ood: for each kind, the distances of its images with the same number of views; only of those that the model
            takes for this type.
    """
    distance = predictions.scalar("distance")
    highest = float(np.quantile(distance, DISTANCE_QUANTILE))
    wanted = [float(np.quantile(kind, 1 - TARGET_REFUSED)) for kind in ood if len(kind)]
    if not wanted:
        return highest
    own = [distance[predictions.dataset == name] for name in sorted(set(predictions.dataset))]
    bounding = [values for values in own if len(values) >= MIN_OF_SOURCE] or [distance]
    lowest = max(float(np.quantile(values, 1 - MOST_REFUSED)) for values in bounding)
    return min(max(min(wanted), lowest), highest)


def refusal_rules(predictions: Predictions, spreads: Array | None, ood: Sequence[Array] = ()) -> tuple[RefusalRule, ...]:
    """Return refusal limits that together refuse less than 3 % of `val`.

    The limits of brightness and sharpness are 0.8 times their 0.1 % quantiles; that of distance is `distance_limit`, and
    that of spread cuts off the highest 0.5 %.

    Args:
        predictions: for the images of one type in `val`.
        spreads: of the logits of the same images with eight views (N,), or None for no rule `unstable`.
        ood: see `distance_limit`.
    """
    quantile = {name: np.quantile(predictions.scalar(name), 0.001) for name in ("brightness", "sharpness")}
    distance = distance_limit(predictions, ood)
    unstable = (
        [] if spreads is None else [RefusalRule("unstable", "spread", above=_four_digits(np.quantile(spreads, 0.995)))]
    )
    return (
        # Below half the network's side, more than three of four input pixels would be interpolated.
        RefusalRule("too_small", "size", below=0.5),
        RefusalRule("too_dark", "brightness", below=_four_digits(0.8 * quantile["brightness"])),
        RefusalRule("too_blurry", "sharpness", below=_four_digits(0.8 * quantile["sharpness"])),
        RefusalRule("not_a_lesion", "distance", above=_four_digits(distance)),
        *unstable,
    )


def _round_down(score: float) -> float:
    # A calibration with a slope of zero gives many images the same score: a limit rounded to above that score would exclude
    # all of them.
    return max(float(np.floor(1e6 * score - 0.5) / 1e6), 0.0)


def _complement(threshold: float) -> float:
    """Return the largest number of six decimals that is at most `1 - threshold` in floating point."""
    nearest = round(1 - threshold, 6)
    return nearest if nearest <= 1 - threshold else round(nearest - 1e-6, 6)


def _four_decimals_down(share: float) -> float:
    return float(np.floor(1e4 * share) / 1e4)


def _four_digits(value: float) -> float:
    return float(f"{value:.4g}")
