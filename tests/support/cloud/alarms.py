"""CloudWatch alarms of a template, evaluated on published metrics.

Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data"; AWS
CloudFormation Template Reference, "AWS::CloudWatch::Alarm".
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from tests.support.cloud.metric_math import Series, evaluate
from tests.support.cloud.metrics import Metric, Metrics
from tests.support.cloud.template import NotEmulated, know

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
MORE_PERIODS = 2
"""Periods that CloudWatch retrieves beyond the evaluation periods. The documentation gives an example of five periods for an
alarm of three, and says that the number depends on the alarm."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
_ONE_METRIC = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit")
_EVALUATED = ("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions", "ActionsEnabled")
_WORDS = ("AlarmDescription", "AlarmName", "Tags")


class Alarm:
    """One alarm; a new one is in the state INSUFFICIENT_DATA.

    Attributes:
        state: since the last evaluation.
        region: of its metrics and of the topics that it may notify.
    """

    def __init__(self, config: Mapping[str, Any], region: str) -> None:
        """Read the resolved properties of an alarm.

        Raises:
            NotEmulated: they contain something that is not emulated.
        """
        know(config, "An alarm", _ONE_METRIC, _EVALUATED, _ACTIONS, (*_WORDS, "Metrics"))
        self.region = region
        self.state: State = "INSUFFICIENT_DATA"
        self._config = config
        if config["ComparisonOperator"] not in _COMPARISONS:
            raise NotEmulated(f"The comparison {config['ComparisonOperator']}")

    def evaluate(self, metrics: Metrics, now: float) -> list[str]:
        """Evaluate the alarm and return the ARNs of the actions that a change of its state starts.

        Args:
            metrics: of the account.
            now: Unix time in seconds, at which the last period ends.
        """
        periods = self._config["EvaluationPeriods"]
        series = self._series(metrics, now, periods + MORE_PERIODS)
        breaches = [None if value is None else self._breaches(value) for value in series]
        needed = self._config.get("DatapointsToAlarm", periods)
        before, self.state = self.state, state_of(breaches, periods, needed, self._missing(), self.state)
        if before == self.state or not self._config.get("ActionsEnabled", True):
            return []
        names = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
        return list(self._config.get(names[self.state], ()))

    def _missing(self) -> str:
        return str(self._config.get("TreatMissingData", "missing"))

    def _breaches(self, value: float) -> bool:
        return _COMPARISONS[self._config["ComparisonOperator"]](value, float(self._config["Threshold"]))

    def _series(self, metrics: Metrics, now: float, count: int) -> Series:
        config = self._config

        def ends(period: int) -> list[float]:
            return [now - period * back for back in reversed(range(count))]

        if "Metrics" not in config:
            statistic = config["ExtendedStatistic"] if "ExtendedStatistic" in config else config["Statistic"]
            metric, period = Metric.read(self.region, config), config["Period"]
            return metrics.series(metric, statistic, period, ends(period), config.get("Unit"))
        named: dict[str, Series] = {}
        expressions = []
        for part in config["Metrics"]:
            know(part, "A metric of an alarm", ("Id", "Label", "ReturnData", "Expression", "MetricStat"))
            if "Expression" in part:
                expressions.append(part)
                continue
            given = part["MetricStat"]
            know(given, "A statistic of an alarm", ("Metric", "Period", "Stat", "Unit"))
            metric, period = Metric.read(self.region, given["Metric"]), given["Period"]
            named[part["Id"]] = metrics.series(metric, given["Stat"], period, ends(period), given.get("Unit"))
        returned = [part for part in config["Metrics"] if part.get("ReturnData", True)]
        if len(expressions) != 1 or returned != expressions:
            raise NotEmulated("An alarm that does not evaluate exactly one expression")
        return evaluate(expressions[0]["Expression"], named)


def state_of(breaches: Sequence[bool | None], periods: int, needed: int, missing: str, before: State) -> State:
    """Return the state of an alarm.

    Args:
        breaches: for each retrieved period, the oldest first, whether its value breaches the threshold; None if missing.
        periods: the evaluation periods (N).
        needed: the data points to alarm (M).
        missing: how missing data is treated: missing, ignore, breaching or notBreaching.
        before: the current state, which "ignore" retains.
    """
    if missing not in ("missing", "ignore", "breaching", "notBreaching"):
        raise NotEmulated(f"Missing data treated as {missing}")
    real = [breach for breach in breaches if breach is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[len(real) - periods :]) >= needed else "OK"
    filled = periods - len(real) if missing == "breaching" else 0
    if sum(real) + filled >= needed:
        return "ALARM"
    if missing in ("breaching", "notBreaching") or False in real:
        return "OK"
    if missing == "ignore":
        return before
    # Premature alarm: the only data points breach, and the oldest is at least M periods old.
    oldest = next((age for age, breach in zip(range(len(breaches), 0, -1), breaches, strict=True) if breach), 0)
    return "ALARM" if oldest >= needed else "INSUFFICIENT_DATA"
