"""Alarms, metric math, policies and event patterns as AWS documents them, beyond what the stacks' own template reaches."""

from typing import Any, get_args

import pytest

from tests.support.cloud.alarms import Alarm, State, state_of
from tests.support.cloud.metric_math import evaluate
from tests.support.cloud.metrics import Metric, Metrics
from tests.support.cloud.notifications import targets_of
from tests.support.cloud.recorder import Recorder
from tests.support.cloud.template import NotEmulated

BREACHES = {"X": True, "0": False, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
RETAINED: State = "INSUFFICIENT_DATA"
SMALL: dict[str, Any] = {
    "Namespace": "Small",
    "MetricName": "Size",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "AlarmActions": ["topic"],
    "OKActions": ["topic"],
}


@pytest.mark.parametrize(
    ("points", "needed", "states"),
    [
        ("0-X-X", 3, "OK OK OK OK"),
        ("0----", 3, "OK OK OK OK"),
        ("-----", 3, "INSUFFICIENT_DATA RETAINED ALARM OK"),
        ("0XX-X", 3, "ALARM ALARM ALARM ALARM"),
        ("----X", 3, "INSUFFICIENT_DATA RETAINED ALARM OK"),
        ("X----", 3, "ALARM RETAINED ALARM OK"),
        ("0-X-X", 2, "ALARM ALARM ALARM ALARM"),
        ("00X0X", 2, "ALARM ALARM ALARM ALARM"),
        ("0-X--", 2, "OK OK ALARM OK"),
        ("----0", 2, "OK OK ALARM OK"),
        ("----X", 2, "INSUFFICIENT_DATA RETAINED ALARM OK"),
    ],
)
@pytest.mark.parametrize("before", get_args(State))
def test_state_equals_the_documented_examples(points: str, needed: int, states: str, before: State) -> None:
    """Both tables of "How alarm state is evaluated when data is missing": three periods, of which five are retrieved."""
    breaches = [BREACHES[point] for point in points]
    found = [state_of(breaches, 3, needed, treatment, before) for treatment in TREATMENTS]
    assert found == states.replace("RETAINED", before).split()


def put(metrics: Metrics, value: float, at: float, unit: str = "Count", **dimensions: str) -> None:
    metrics.put(Metric("eu-central-1", "Small", "Size", frozenset(dimensions.items())), at, value, unit)


def alarm(**changed: Any) -> Alarm:
    return Alarm({**SMALL, **changed}, "eu-central-1")


def test_alarm_acts_only_when_its_state_changes() -> None:
    metrics, watched = Metrics(), alarm()
    put(metrics, 5, 1030)
    put(metrics, 4, 1090)
    acted = [(watched.evaluate(metrics, now), watched.state) for now in (1000, 1060, 1060, 1120, 1120)]
    assert acted == [
        ([], "INSUFFICIENT_DATA"),
        (["topic"], "ALARM"),
        ([], "ALARM"),
        (["topic"], "OK"),
        ([], "OK"),
    ]
    silent = alarm(ActionsEnabled=False)
    assert silent.evaluate(metrics, 1060) == [] and silent.state == "ALARM"


@pytest.mark.parametrize(
    "changed",
    [
        {"Dimensions": [{"Name": "Kind", "Value": "a"}]},
        {"Unit": "Seconds"},
        {"MetricName": "Sizes"},
        {"Namespace": "Large"},
        {"Threshold": 6},
        {"Period": 10},
        {"Statistic": "SampleCount"},
        {"ComparisonOperator": "LessThanThreshold"},
    ],
)
def test_alarm_reads_exactly_its_metric(changed: dict[str, Any]) -> None:
    """CloudWatch does not aggregate data points of other dimensions into a metric."""
    metrics = Metrics()
    put(metrics, 3, 1010)
    put(metrics, 2, 1030)
    put(metrics, 9, 1030, kind="b")
    watched = alarm(**changed)
    watched.evaluate(metrics, 1060)
    assert watched.state != "ALARM"
    unchanged = alarm()
    unchanged.evaluate(metrics, 1060)
    assert unchanged.state == "ALARM"


def test_statistics_of_a_period() -> None:
    metrics = Metrics()
    for value in range(1, 101):
        put(metrics, value, 1000)
    metric = Metric("eu-central-1", "Small", "Size", frozenset())
    names = ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p95", "p99.9", "p50")
    found = [metrics.series(metric, name, 60, [1060], None) for name in names]
    assert found == [[5050], [50.5], [1], [100], [100], [95], [100], [50]]
    # The end of a period belongs to the next one.
    assert metrics.series(metric, "Sum", 60, [1000, 1060, 1120], None) == [None, 5050, None]
    with pytest.raises(NotEmulated, match="tm90"):
        metrics.series(metric, "tm90", 60, [1060], None)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("a + b * 2", [5, None, None]),
        ("100 * b / a", [200, None, None]),
        ("b / (a - 1)", [None, None, None]),
        ("FILL(b, 0)", [2, 0, 0]),
        ("IF(a >= 1, FILL(b, 0), 7)", [2, 7, None]),
        ("IF(FILL(a, 9) > 5, 1, 0)", [0, 0, 1]),
    ],
)
def test_expression_has_the_documented_value(expression: str, result: list[float | None]) -> None:
    assert evaluate(expression, {"a": [1, 0, None], "b": [2, None, None]}) == result


@pytest.mark.parametrize(
    "expression", ["SUM(METRICS())", "ANOMALY_DETECTION_BAND(a)", "a ** 2", "FILL(a, b)", "c", "a >= 1 AND b"]
)
def test_unsupported_expression_raises(expression: str) -> None:
    with pytest.raises(NotEmulated):
        evaluate(expression, {"a": [1.0], "b": [2.0]})


@pytest.mark.parametrize(
    "changed",
    [
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"ThresholdMetricId": "band"},
        {"EvaluateLowSampleCountPercentile": "ignore"},
    ],
)
def test_unsupported_alarm_raises(changed: dict[str, Any]) -> None:
    with pytest.raises(NotEmulated):
        alarm(**changed)


def test_unsupported_event_pattern_raises() -> None:
    rule = {"State": "ENABLED", "EventPattern": {"source": [{"wildcard": "aws.*"}]}, "Targets": [{"Arn": "topic"}]}
    with pytest.raises(NotEmulated):
        targets_of(rule, {"source": "aws.ecr"})


def test_log_lines_without_metrics_are_ignored() -> None:
    recorder = Recorder("eu-central-1")
    assert recorder.logged(["START RequestId", '{"type":"platform.report"}', "[1]", '{"level":"ERROR"}']) == 0
