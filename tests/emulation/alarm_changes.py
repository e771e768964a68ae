"""Changes of alarms, rules, the budget and topics after which nobody is told: each modifies unresolved properties."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.emulation.alarm_stories import STORIES
from tests.support.cloud.template import Template
from tests.support.cloud.watch import watching

Stacks = list[Template]
Change = Callable[[Any], object]
"""Modifies the properties of an alarm, a rule or a budget."""

SEVERITIES = {"Critical": "CRITICAL", "High": "HIGH"}
"""Rules on scans of images, with the severity of each."""
MATH = ("Rejected", "Refusals")
LONG = ("Slow", "EdgeErrors")
OF_BATCH = ("BatchFailures", "BatchTimeouts")


def changed(stacks: Sequence[Template], name: str, change: Change | None) -> Stacks:
    """Return copies of the stacks with one alarm, rule or budget modified, or removed if there is no change."""
    copies = [stack.copy() for stack in stacks]
    stack, key = watching(copies)[name]
    if change is None:
        del stack.resources[key]
        for group in stack.named("AWS::CodeDeploy::DeploymentGroup").values():
            alarms = group["AlarmConfiguration"]["Alarms"]
            group["AlarmConfiguration"]["Alarms"] = [item for item in alarms if item["Name"] != {"Ref": key}]
    else:
        change(stack.resources[key]["Properties"])
    return copies


def parts(alarm: Any) -> list[Any]:
    """Return the statistics of an alarm: itself, or those in its expression."""
    return [part["MetricStat"] for part in alarm["Metrics"] if "MetricStat" in part] if "Metrics" in alarm else [alarm]


def metrics(alarm: Any) -> list[Any]:
    return [part.get("Metric", part) for part in parts(alarm)]


def rename_the_metric(alarm: Any) -> None:
    metrics(alarm)[0]["MetricName"] += "s"


def change_the_namespace(alarm: Any) -> None:
    for metric in metrics(alarm):
        metric["Namespace"] = "AWS/Other"


def rename_a_dimension(alarm: Any) -> None:
    metrics(alarm)[0]["Dimensions"][0]["Name"] += "Name"


def change_a_dimension(alarm: Any) -> None:
    metrics(alarm)[0]["Dimensions"][-1]["Value"] = "another"


def drop_the_dimensions(alarm: Any) -> None:
    for metric in metrics(alarm):
        metric["Dimensions"] = []


def watch_minutes(alarm: Any) -> None:
    for part in parts(alarm):
        part["Period"] = 60


def reverse_the_comparison(alarm: Any) -> None:
    alarm["ComparisonOperator"] = "LessThanThreshold"


def raise_above(alarm: Any) -> None:
    """Replace "at least" by "more than"."""
    alarm["ComparisonOperator"] = "GreaterThanThreshold"


def scale(factor: float) -> Change:
    def scale_the_threshold(alarm: Any) -> None:
        alarm["Threshold"] *= factor

    scale_the_threshold.__name__ += f"_by_{factor}"
    return scale_the_threshold


def of(name: str, value: Any) -> Change:
    def set_property(properties: Any) -> None:
        properties[name] = value

    set_property.__name__ = f"set_{name}"
    return set_property


def express(old: str, new: str) -> Change:
    def change_the_expression(alarm: Any) -> None:
        (part,) = (part for part in alarm["Metrics"] if "Expression" in part)
        assert old in part["Expression"]
        part["Expression"] = part["Expression"].replace(old, new)

    return change_the_expression


FOR_ALL: list[Change | None] = [
    None,
    rename_the_metric,
    change_the_namespace,
    rename_a_dimension,
    change_a_dimension,
    drop_the_dimensions,
    reverse_the_comparison,
    raise_above,
    scale(10),
    of("AlarmActions", []),
    of("OKActions", []),
    of("ActionsEnabled", False),
]
COUNTED = ("Faults", "Crashes", "Throttles", "Requests", "Downloads", *OF_BATCH)
SINGLE = ("Crashes", "Throttles", *OF_BATCH)
"""Alarms on a single event: no number of events lies below their threshold."""
MUTATIONS: list[tuple[str, Change | None]] = [
    *((name, change) for name in STORIES for change in FOR_ALL),
    *((name, scale(0.4)) for name in STORIES if name not in SINGLE),
    # The expression of Refusals fills missing data itself.
    *((name, of("TreatMissingData", how)) for name in STORIES if name != "Refusals" for how in ("breaching", "missing")),
    *((name, of("Statistic", "Average")) for name in ("Faults", "Crashes", "Requests", "Downloads")),
    *((name, of("EvaluationPeriods", 2)) for name in (*COUNTED, *MATH)),
    *((name, of("EvaluationPeriods", 1)) for name in LONG),
    *((name, watch_minutes) for name in ("Faults", "Requests", "Downloads", *MATH)),
    ("Slow", of("ExtendedStatistic", "p50")),
    ("Slow", of("ExtendedStatistic", "p99")),
    ("EdgeErrors", of("Statistic", "Sum")),
    ("Rejected", express(">= 100", ">= 101")),
    ("Rejected", express(">= 100", ">= 1")),
    ("Rejected", express("100 *", "1 *")),
    ("Refusals", express(">= 20", ">= 21")),
    ("Refusals", express(">= 20", ">= 1")),
    ("Refusals", express("100 *", "1 *")),
    *((name, of("State", "DISABLED")) for name in SEVERITIES),
    *((name, of("Targets", [{"Id": "a", "Arn": "arn:aws:sns:eu-central-1:123456789012:another"}])) for name in SEVERITIES),
    *((name, lambda rule: rule["EventPattern"].update(source=["aws.inspector2"])) for name in SEVERITIES),
    *((name, lambda rule: rule["EventPattern"].update({"detail-type": ["ECR Image Action"]})) for name in SEVERITIES),
    *((name, lambda rule: rule["EventPattern"]["detail"].pop("finding-severity-counts")) for name in SEVERITIES),
    *((name, lambda rule: rule["EventPattern"]["detail"].pop("repository-name")) for name in SEVERITIES),
    *((name, lambda rule: rule["EventPattern"]["detail"].pop("scan-status")) for name in SEVERITIES),
    *((name, None) for name in SEVERITIES),
]


def label(value: object) -> str:
    """Return the name of a parametrised test."""
    return value if isinstance(value, str) else getattr(value, "__name__", "remove").replace("<lambda>", "pattern")


def of_kind(stacks: Stacks, kind: str) -> list[Any]:
    return [item["Properties"] for stack in stacks for item in stack.resources.values() if item["Type"] == kind]


def drop_the_subscriptions(stacks: Stacks) -> None:
    for item in of_kind(stacks, "AWS::SNS::Subscription"):
        item["TopicArn"] = "arn:aws:sns:eu-central-1:123456789012:another"


def drop_the_right_to_publish(stacks: Stacks) -> None:
    for item in of_kind(stacks, "AWS::SNS::TopicPolicy"):
        item["PolicyDocument"]["Statement"] = item["PolicyDocument"]["Statement"][:1]


def publish_for_another_account(stacks: Stacks) -> None:
    for item in of_kind(stacks, "AWS::SNS::TopicPolicy"):
        for statement in item["PolicyDocument"]["Statement"][1:]:
            statement["Condition"] = {"StringEquals": {"aws:SourceAccount": "210987654321"}}


def drop_the_right_to_use_the_key(stacks: Stacks) -> None:
    for item in of_kind(stacks, "AWS::KMS::Key"):
        item["KeyPolicy"]["Statement"] = item["KeyPolicy"]["Statement"][:1]


def allow_the_key_to_decrypt_only(stacks: Stacks) -> None:
    for item in of_kind(stacks, "AWS::KMS::Key"):
        for statement in item["KeyPolicy"]["Statement"][1:]:
            statement["Action"] = ["kms:Decrypt"]
