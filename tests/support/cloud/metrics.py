"""CloudWatch metrics: data points with their dimensions, and their statistics over a period.

Source: Amazon CloudWatch User Guide, "Metrics concepts" and "CloudWatch statistics definitions".
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.cloud.template import NotEmulated

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Sum": sum,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True)
class Metric:
    """Identity of a metric. A metric with other dimensions is another metric: CloudWatch does not aggregate across them."""

    region: str
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, region: str, config: Mapping[str, Any]) -> "Metric":
        """Return the metric that a resolved alarm or `MetricStat.Metric` names."""
        dimensions = frozenset((item["Name"], item["Value"]) for item in config.get("Dimensions", ()))
        return cls(region, config["Namespace"], config["MetricName"], dimensions)


@dataclass(frozen=True)
class _Point:
    time: float
    value: float
    unit: str


class Metrics:
    """Every data point that was published."""

    def __init__(self) -> None:
        self._points: dict[Metric, list[_Point]] = defaultdict(list)

    def put(self, metric: Metric, time: float, value: float, unit: str) -> None:
        """Publish a value at a Unix time in seconds."""
        self._points[metric].append(_Point(time, value, unit))

    def series(
        self, metric: Metric, statistic: str, period: int, ends: Sequence[float], unit: str | None
    ) -> list[float | None]:
        """Return a statistic of each period, or None where it has no data point.

        Args:
            metric: of the account.
            statistic: in the notation of alarms, for instance "Sum" or "p95".
            period: in seconds.
            ends: Unix times at which the periods end, exclusive.
            unit: only data points with this unit count; None accepts all.
        """
        points = [point for point in self._points.get(metric, ()) if unit in (None, point.unit)]
        periods = [[point.value for point in points if end - period <= point.time < end] for end in ends]
        return [_aggregate(values, statistic) if values else None for values in periods]


def _aggregate(values: Sequence[float], statistic: str) -> float:
    if statistic in _STATISTICS:
        return float(_STATISTICS[statistic](values))
    percentile = _PERCENTILE.fullmatch(statistic)
    if percentile is None:
        raise NotEmulated(f"The statistic {statistic}")
    # The smallest value that is at least as large as this share of all values.
    return sorted(values)[math.ceil(float(percentile[1]) / 100 * len(values)) - 1]
