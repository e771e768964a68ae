"""What is chosen on `val` once scores are calibrated: operating threshold, prediction sets, refusal limits."""

import numpy as np
from lesion.inference.card import RefusalRule

from export.evaluation.bootstrap import bootstrap_weights
from export.evaluation.predictions import Array, Mask, Predictions

TARGET_SENSITIVITY = 0.95
"""What the operating threshold aims at."""

DISTANCE_QUANTILE = 0.9925
"""Of `val`, that is nearer than the limit of `not_a_lesion`."""

TARGET_COVERAGE = 0.90
"""What the prediction sets of each side aim at."""


def operating_threshold(score: Array, answers: Predictions) -> float:
    """The probability that `SENSITIVITY` of the malignant images reach: median over draws of lesion groups."""
    order = np.argsort(score)
    ordered, malignant = score[order], answers.malignant[order]
    thresholds = []
    for weights in bootstrap_weights(answers.groups):
        below = np.cumsum(weights[order] * malignant)
        if not below[-1]:
            # Of few lesions a draw may have none that is malignant.
            continue
        # The last image that may stay the lowest above: at most 5 % of the malignant weight lies strictly below it.
        thresholds.append(ordered[np.searchsorted(below, (1 - TARGET_SENSITIVITY) * below[-1], side="right")])
    return _reached(float(np.median(thresholds)))


def prediction_set_limits(score: Array, malignant: Mask) -> dict[str, float]:
    """Class-conditional split conformal (Vovk 2012): the limit that `COVERAGE` of each side's own images reach."""
    limits = {}
    for side, own in (("malignant", score[malignant]), ("benign", 1 - score[~malignant])):
        # 0.1 * 30 is a little less than 3 in floating point.
        rank = int(np.floor((1 - TARGET_COVERAGE) * (len(own) + 1) + 1e-9))
        # Fewer than nine images promise nothing: such a side is in every set.
        limits[side] = _reached(float(np.sort(own)[rank - 1])) if rank else 0.0
    return limits


def refusal_rules(one: Predictions, eight: Predictions) -> tuple[RefusalRule, ...]:
    """Limits that together refuse less than 3 % of `val`.

    The quality limits lie where the darkest and most blurred images of `val` end, with a margin; distance and spread
    are cut at the top 0.75 % and 0.5 %.
    """
    quantile = {name: np.quantile(one.scalar(name), 0.001) for name in ("brightness", "sharpness")}
    return (
        # Half the network's side: below that, more than three of four pixels it sees would be made up.
        RefusalRule("too_small", "size", below=0.5),
        RefusalRule("too_dark", "brightness", below=_short(0.8 * quantile["brightness"])),
        RefusalRule("too_blurry", "sharpness", below=_short(0.8 * quantile["sharpness"])),
        RefusalRule("not_a_lesion", "distance", above=_short(np.quantile(one.scalar("distance"), DISTANCE_QUANTILE))),
        RefusalRule("unstable", "spread", above=_short(np.quantile(eight.scalar("spread"), 0.995))),
    )


def _reached(score: float) -> float:
    # Where the curve is level, many images share this score: a limit that rounding puts above it would lose all of them.
    return max(float(np.floor(1e6 * score - 0.5) / 1e6), 0.0)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
