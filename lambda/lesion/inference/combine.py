"""Combine the results of several images of one lesion into one: the mean of their calibrated log-odds.

The functions work on numbers alone, so that the service and `export.evaluation.lesions` compute the same. They round as the
service shows numbers, do not depend on the order of the images, and return the values of a single image unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, log
from typing import Literal

import numpy as np

from lesion.inference.decision import Side
from lesion.inference.model import shortest_float

Agreement = Literal["agree", "disagree"]

RESOLUTION = 2.0**-24
"""Distance between 1 and the largest float32 below it. Probabilities nearer to 0 or 1 count as this far away from it, so
that their log-odds are finite and one image cannot outweigh all others."""


@dataclass(frozen=True)
class ImageResult:
    """The result of one accepted image, with the limits that apply to it.

    Attributes:
        probability: calibrated probability of malignancy, 0 to 1.
        logit: malignant against benign before calibration.
        classes: probabilities of the diagnoses, sum 1.
        threshold: probability from which the decision is "above_threshold".
        set_limits: side -> probability of that side from which it joins the prediction set.
    """

    probability: float
    logit: float
    classes: Sequence[float]
    threshold: float
    set_limits: Mapping[str, float]

    @property
    def above(self) -> bool:
        """Whether the image alone reaches its threshold."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class CombinedResult:
    """The result of all accepted images of a lesion.

    Attributes:
        probability: see `pool`.
        logit: mean of the images' logits.
        classes: see `pool_classes`.
        threshold: see `pool`.
        above: whether `probability` reaches `threshold`.
        prediction_set: never empty: "benign", "malignant" or both.
        agreement: whether all images are on the same side of their own thresholds; None for a single image.
    """

    probability: float
    logit: float
    classes: tuple[float, ...]
    threshold: float
    above: bool
    prediction_set: tuple[Side, ...]
    agreement: Agreement | None


def combine(results: Sequence[ImageResult], malignant: Sequence[bool]) -> CombinedResult:
    """Return the result of a lesion from the results of its accepted images.

    With log-odds L(p) = log(p / (1 - p)), the decision is "above_threshold" if the mean over the images of
    L(probability) - L(threshold) is at least 0. This is the comparison of two means, so the combined probability is compared
    with the combined threshold, and likewise with the combined limits of the prediction set. If neither side reaches its
    limit, the set holds both, as in `lesion.inference.decision.decide`.

    A mean and not a sum, because images of one lesion are not independent: the sum that is right for independent evidence
    would make the answer more extreme with every image.

    Args:
        results: one or more; images may differ in threshold and limits.
        malignant: for each class, whether it counts as malignant.
    """
    probability = pool([result.probability for result in results])
    threshold = pool([result.threshold for result in results])
    limits: dict[Side, float] = {
        "benign": pool([result.set_limits["benign"] for result in results]),
        "malignant": pool([result.set_limits["malignant"] for result in results]),
    }
    if all(result.set_limits["benign"] <= 1 - result.threshold for result in results):
        # Without it, rounding could exclude "benign" just below the threshold although no image does.
        limits["benign"] = min(limits["benign"], 1 - threshold)
    sides: dict[Side, float] = {"benign": 1 - probability, "malignant": probability}
    reached = tuple(side for side, value in sides.items() if value >= limits[side])
    return CombinedResult(
        probability=probability,
        logit=_mean([result.logit for result in results]),
        classes=pool_classes([result.classes for result in results], malignant, probability),
        threshold=threshold,
        above=probability >= threshold,
        prediction_set=reached or tuple(sides),
        agreement=agreement_of([result.above for result in results]),
    )


def pool(probabilities: Sequence[float]) -> float:
    """Return the probability whose log-odds are the mean of those of the given probabilities.

    P = 1 / (1 + exp(-m)), m = (1 / n) sum_i log(p_i / (1 - p_i)): the logarithmic opinion pool with equal weights (Genest
    and Zidek, "Combining probability distributions", 1986). The result is never outside the range of the given
    probabilities, and raising one of them never lowers it. Equal probabilities are returned unchanged.

    Args:
        probabilities: one or more, each 0 to 1.
    """
    lowest, highest = min(probabilities), max(probabilities)
    # The sum is exact before it is rounded, which makes the result independent of the order.
    mean = fsum(_log_odds(value) for value in probabilities) / len(probabilities)
    pooled = shortest_float(np.float32(1 / (1 + exp(-mean))))
    return min(max(pooled, lowest), highest)


def pool_classes(
    distributions: Sequence[Sequence[float]], malignant: Sequence[bool], probability: float
) -> tuple[float, ...]:
    """Return the combined probabilities of the diagnoses; those of each side sum to the side's combined probability.

    g_c = exp((1 / n) sum_i log p_ic) is the geometric mean of class c, and q_c = S g_c / (sum of g over the side of c),
    where S is `probability` for malignant classes and 1 - `probability` for benign ones.

    Args:
        distributions: for each image, the probabilities of the C classes.
        malignant: (C,), whether the class counts as malignant.
        probability: combined probability of malignancy.
    """
    if len({tuple(distribution) for distribution in distributions}) == 1:
        return tuple(shortest_float(np.float32(value)) for value in distributions[0])
    means = [
        exp(_mean([log(max(float(distribution[index]), RESOLUTION)) for distribution in distributions]))
        for index in range(len(malignant))
    ]
    totals = {
        side: fsum(mean for mean, kind in zip(means, malignant, strict=True) if kind == side) for side in (False, True)
    }
    return tuple(
        shortest_float(np.float32((probability if kind else 1 - probability) * mean / totals[kind]))
        for mean, kind in zip(means, malignant, strict=True)
    )


def agreement_of(above: Sequence[bool]) -> Agreement | None:
    """Return whether all images are on the same side of their thresholds; None for fewer than two images.

    Args:
        above: for each accepted image, whether it reaches its own threshold.
    """
    if len(above) < 2:
        return None
    return "agree" if len(set(above)) == 1 else "disagree"


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, RESOLUTION), 1 - RESOLUTION)
    return log(bounded / (1 - bounded))


def _mean(values: Sequence[float]) -> float:
    """Return the mean, which does not depend on the order; equal values are returned unchanged."""
    if len(set(values)) == 1:
        return values[0]
    return shortest_float(np.float32(fsum(values) / len(values)))
