"""Messages to the topic's subscribers: who may publish to a topic, EventBridge rules, and the budget.

Sources: Amazon SNS Developer Guide, "Identity and access management in Amazon SNS" and "Managing Amazon SNS encryption keys
and costs"; Amazon EventBridge User Guide, "Comparison operators for use in event patterns"; AWS Cost Management User Guide,
"Creating an Amazon SNS topic for budget notifications".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.cloud.template import ACCOUNT, NotEmulated, Template, know

Event = Mapping[str, Any]
_KEY_ACTIONS = {"kms:Decrypt", "kms:GenerateDataKey"}


@dataclass(frozen=True)
class Message:
    """A message that a subscriber of a topic receives."""

    recipient: str
    sender: str
    subject: str


class Topic:
    """An SNS topic with its policy, its key and its subscriptions."""

    def __init__(self, template: Template, arn: str, config: Mapping[str, Any]) -> None:
        know(config, "A topic", ("KmsMasterKeyId", "Tags"))
        policies = template.resolve(template.named("AWS::SNS::TopicPolicy"))
        self._statements = [
            statement
            for policy in policies.values()
            if arn in policy["Topics"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Resource"] == arn
        ]
        self._key: list[Any] | None = None
        if "KmsMasterKeyId" in config:
            used = template.resolve(config["KmsMasterKeyId"])
            keys = {key: item for key, item in template.resources.items() if item["Type"] == "AWS::KMS::Key"}
            (key,) = (item for name, item in keys.items() if template.resolve({"Fn::GetAtt": [name, "Arn"]}) == used)
            self._key = template.resolve(key["Properties"]["KeyPolicy"]["Statement"])
        subscriptions = template.resolve(template.named("AWS::SNS::Subscription"))
        self.recipients = [item["Endpoint"] for item in subscriptions.values() if item["TopicArn"] == arn]

    def accepts(self, sender: str) -> bool:
        """Return whether a service may publish to the topic and use its key."""
        # EventBridge sends no source account (Amazon SNS Developer Guide, "Managing encryption keys and costs").
        context = {} if sender == "events.amazonaws.com" else {"aws:SourceAccount": ACCOUNT}
        if not _allows(self._statements, sender, "sns:Publish", context):
            return False
        return self._key is None or all(_allows(self._key, sender, action, context) for action in _KEY_ACTIONS)


def topics(stacks: Sequence[Template]) -> dict[str, Topic]:
    """Return the topics of all stacks by their ARN."""
    return {arn: Topic(stack, arn, item) for stack in stacks for arn, item in stack.named("AWS::SNS::Topic").items()}


def _allows(statements: Sequence[Mapping[str, Any]], sender: str, action: str, context: Mapping[str, str]) -> bool:
    allowed = False
    for statement in statements:
        principal = statement["Principal"]
        services = principal.get("Service", ()) if isinstance(principal, dict) else sender
        if sender not in ([services] if isinstance(services, str) else services):
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if not any(action == item or (item.endswith("*") and action.startswith(item[:-1])) for item in actions):
            continue
        # AWS services use TLS, so that the statement against plain HTTP does not apply.
        met = all(_is_met(kind, test, {"aws:SecureTransport": "true", **context}) for kind, test in _conditions(statement))
        if met and statement["Effect"] == "Deny":
            return False
        allowed = allowed or met
    return allowed


def _conditions(statement: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, str]]]:
    return list(statement.get("Condition", {}).items())


def _is_met(kind: str, test: Mapping[str, str], context: Mapping[str, str]) -> bool:
    if kind not in ("Bool", "StringEquals"):
        raise NotEmulated(f"The condition {kind} of a policy")
    return all(context.get(name) == value for name, value in test.items())


def targets_of(rule: Mapping[str, Any], event: Event) -> list[str]:
    """Return the targets to which a resolved EventBridge rule sends an event."""
    know(rule, "A rule", ("Description", "EventPattern", "State", "Tags", "Targets"))
    if rule["State"] != "ENABLED" or not _matches(rule["EventPattern"], event):
        return []
    return [target["Arn"] for target in rule["Targets"]]


def _matches(pattern: Mapping[str, Any], event: Event) -> bool:
    return all(
        name in event
        and (
            _matches(expected, event[name])
            if isinstance(expected, dict)
            else any(_fits(item, event[name]) for item in expected)
        )
        for name, expected in pattern.items()
    )


def _fits(expected: Any, value: Any) -> bool:
    match expected:
        case str():
            return bool(value == expected)
        case {"prefix": str(start), **rest} if not rest:
            return isinstance(value, str) and value.startswith(start)
        case {"numeric": [">", limit], **rest} if not rest:
            return isinstance(value, int | float) and value > limit
    raise NotEmulated(f"{expected} in an event pattern")


def notified_by_budget(budget: Mapping[str, Any], *, spent: float, forecast: float) -> list[str]:
    """Return the topics that a resolved budget notifies when so many US dollars are spent and forecast for the month."""
    know(budget["Budget"], "A budget", ("BudgetLimit", "BudgetType", "TimeUnit"))
    if (budget["Budget"]["BudgetType"], budget["Budget"]["TimeUnit"]) != ("COST", "MONTHLY"):
        raise NotEmulated("A budget that is not of a month's cost")
    notified = []
    for item in budget["NotificationsWithSubscribers"]:
        notification = item["Notification"]
        if (notification["ComparisonOperator"], notification["ThresholdType"]) != ("GREATER_THAN", "PERCENTAGE"):
            raise NotEmulated("A budget that does not compare with a percentage")
        amount = {"ACTUAL": spent, "FORECASTED": forecast}[notification["NotificationType"]]
        if 100 * amount > notification["Threshold"] * budget["Budget"]["BudgetLimit"]["Amount"]:
            notified += [
                subscriber["Address"] for subscriber in item["Subscribers"] if subscriber["SubscriptionType"] == "SNS"
            ]
    return notified
