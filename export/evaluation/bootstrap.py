"""Bootstrap by lesion group: images of one lesion are not independent, so groups are drawn, not images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

RESAMPLES = 1000
SEED = 20190


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % percentile interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def json(self) -> dict[str, float | None]:
        """Rounded to four digits, null instead of NaN."""
        fields = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if np.isnan(number) else round(number, 4) for name, number in fields.items()}

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def bootstrap_weights(groups: npt.NDArray[np.str_], rounds: int | None = None) -> Iterator[Array]:
    """Weights (N,) of every image, once per round (`ROUNDS`, unless told): how often its group was drawn.

    The same draws for the same groups.
    """
    rng = np.random.default_rng(SEED)
    _, index = np.unique(groups, return_inverse=True)
    count = int(index.max()) + 1
    for _ in range(rounds or RESAMPLES):
        yield rng.multinomial(count, np.full(count, 1 / count))[index].astype(np.float64)


def bootstrap_interval(
    statistic: Callable[[Array], float], groups: npt.NDArray[np.str_], rounds: int | None = None
) -> Interval:
    """Estimate `statistic(weights)` on all images (weights of one), with an interval from group draws."""
    if not len(groups):
        return Interval(np.nan, np.nan, np.nan)
    values = np.array([statistic(weights) for weights in bootstrap_weights(groups, rounds)])
    value = statistic(np.ones(len(groups)))
    if np.isnan(values).all():
        return Interval(value, np.nan, np.nan)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def expected_under_calibration(
    statistic: Callable[[Mask], float], probability: Array, rounds: int | None = None
) -> Interval:
    """What `statistic(labels)` is where the probabilities (N,) are right: median and 95 % of draws of labels from them.

    With so many images some calibration error is chance, however well calibrated they are (Bröcker & Smith 2007). Images
    are drawn one by one, as no joint distribution within a lesion is known; the range is a little too narrow for that.
    """
    if not len(probability):
        return Interval(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(SEED)
    values = [statistic(rng.random(len(probability)) < probability) for _ in range(rounds or RESAMPLES)]
    low, median, high = np.quantile(values, (0.025, 0.5, 0.975))
    return Interval(float(median), float(low), float(high))
