"""Bootstrap confidence intervals over lesion groups: images of one lesion are not independent.

`scipy.stats.bootstrap` is not used, because it resamples observations and not groups of different sizes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from export.arrays import Array, Labels, Mask
from export.evaluation.schema import IntervalJson

RESAMPLES = 1000
SEED = 20190


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % percentile interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def json(self) -> IntervalJson:
        """Return the interval rounded to four digits, with None instead of NaN."""
        return {"value": _round(self.value), "low": _round(self.low), "high": _round(self.high)}

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def bootstrap_weights(groups: Labels, resamples: int | None = None) -> Iterator[Array]:
    """Yield the image weights of each resample: how often the group of the image was drawn.

    The seed is fixed, so the same groups always have the same resamples.

    Args:
        groups: lesion group of every image (N,).
        resamples: number of resamples; None for `RESAMPLES`.

    Yields:
        float64 (N,).
    """
    rng = np.random.default_rng(SEED)
    _, index = np.unique(groups, return_inverse=True)
    count = int(index.max()) + 1
    for _ in range(resamples or RESAMPLES):
        yield rng.multinomial(count, np.full(count, 1 / count))[index].astype(np.float64)


def bootstrap_interval(statistic: Callable[[Array], float], groups: Labels, resamples: int | None = None) -> Interval:
    """Return a statistic of all images with its percentile interval over resampled lesion groups.

    Args:
        statistic: from image weights (N,) to a value, NaN where it is not defined.
        groups: lesion group of every image (N,).
        resamples: number of resamples; None for `RESAMPLES`.
    """
    if not len(groups):
        return Interval(np.nan, np.nan, np.nan)
    values = np.array([statistic(weights) for weights in bootstrap_weights(groups, resamples)])
    value = statistic(np.ones(len(groups)))
    if np.isnan(values).all():
        return Interval(value, np.nan, np.nan)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def expected_under_calibration(
    statistic: Callable[[Mask], float], probability: Array, resamples: int | None = None
) -> Interval:
    """Return the median and 95 % range of a statistic of labels if the probabilities were perfectly calibrated.

    A finite sample has a calibration error even under perfect calibration (Bröcker & Smith 2007, "consistency resampling").
    Labels are drawn independently, because their joint distribution within a lesion is unknown; the range is therefore
    slightly too narrow.

    Args:
        statistic: from labels (N,) to a value.
        probability: (N,), from which the labels are drawn.
        resamples: number of draws; None for `RESAMPLES`.
    """
    if not len(probability):
        return Interval(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(SEED)
    values = [statistic(rng.random(len(probability)) < probability) for _ in range(resamples or RESAMPLES)]
    low, median, high = np.quantile(values, (0.025, 0.5, 0.975))
    return Interval(float(median), float(low), float(high))
