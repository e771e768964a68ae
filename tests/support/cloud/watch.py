"""Monitoring of a deployment as its templates describe it: alarms, rules and budget, and the messages that they send.

watch = Watch(stacks)
watch.evaluate(metrics, now)
watch.state("Faults"), watch.messages
"""

import re
from collections.abc import Sequence
from typing import Any

from tests.support.cloud.alarms import Alarm, State
from tests.support.cloud.metrics import Metrics
from tests.support.cloud.notifications import Event, Message, notified_by_budget, targets_of, topics
from tests.support.cloud.template import Template

ALARM, RULE, BUDGET = "AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::Budgets::Budget"


_LOGICAL_ID = re.compile(r"(?:Watch|Delivery|ImageScans)?(\w+?)[0-9A-F]{8}")
"""A logical id: the constructs that contain alarms or rules, the identifier of one, and CDK's hash."""


def name_of(logical_id: str) -> str:
    """Return the identifier of an alarm's construct, which docs/operations.md uses, from its logical id."""
    found = _LOGICAL_ID.fullmatch(logical_id)
    return found[1] if found else logical_id


def watching(stacks: Sequence[Template]) -> dict[str, tuple[Template, str]]:
    """Return the stack and logical id of every alarm, of every rule that has a topic as its target, and of the budget."""
    found: dict[str, tuple[Template, str]] = {}
    known = topics(stacks)
    for stack in stacks:
        for key, resource in stack.resources.items():
            notifies = resource["Type"] in (ALARM, BUDGET)
            if resource["Type"] == RULE:
                targets = stack.resolve(resource["Properties"]["Targets"])
                notifies = any(target["Arn"] in known for target in targets)
            if notifies:
                assert name_of(key) not in found, f"Two are named {name_of(key)}."
                found[name_of(key)] = stack, key
    return found


class Watch:
    """The alarms, rules and budget of all stacks of a deployment.

    Attributes:
        messages: that subscribers received.
        refused: notifications that no topic accepted, as (sender, ARN).
        stopping: names of the alarms that stop a deployment of CodeDeploy.
    """

    def __init__(self, stacks: Sequence[Template]) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[str, str]] = []
        self.stopping: set[str] = set()
        self._stacks = stacks
        self._topics = topics(stacks)
        self._alarms: dict[str, Alarm] = {}
        for stack in stacks:
            for key, resource in stack.resources.items():
                if resource["Type"] == ALARM:
                    self._alarms[name_of(key)] = Alarm(stack.resolve(resource["Properties"]), stack.region)
            self.stopping |= _stopping(stack)

    def state(self, name: str) -> State:
        """Return the state of an alarm.

        Raises:
            KeyError: there is no such alarm.
        """
        return self._alarms[name].state

    def evaluate(self, metrics: Metrics, now: float) -> None:
        """Evaluate every alarm and send what changes of state cause."""
        for name, alarm in self._alarms.items():
            for action in alarm.evaluate(metrics, now):
                # An alarm notifies topics of its own region only.
                reached = action.split(":")[3] == alarm.region
                self._publish(action if reached else "", "cloudwatch.amazonaws.com", f"{alarm.state}: {name}")

    def happen(self, event: Event) -> None:
        """Pass an event to the rules of its region."""
        for stack in self._stacks:
            if stack.region == event["region"]:
                for rule in stack.resolve(stack.named(RULE)).values():
                    for target in targets_of(rule, event):
                        self._publish(target, "events.amazonaws.com", event["detail-type"])

    def spend(self, *, spent: float, forecast: float) -> None:
        """Report the cost of the month in US dollars to the budgets."""
        for stack in self._stacks:
            for budget in stack.resolve(stack.named(BUDGET)).values():
                for topic in notified_by_budget(budget, spent=spent, forecast=forecast):
                    self._publish(topic, "budgets.amazonaws.com", "Budget")

    def _publish(self, arn: str, sender: str, subject: str) -> None:
        topic = self._topics.get(arn)
        if topic is None or not topic.accepts(sender):
            self.refused.append((sender, arn))
            return
        self.messages += [Message(recipient, sender, subject) for recipient in topic.recipients]


def _stopping(stack: Template) -> set[str]:
    """Return the names of the alarms that stop a deployment of CodeDeploy, which then rolls back.

    Source: AWS CodeDeploy User Guide, "Monitoring deployments with CloudWatch alarms in CodeDeploy".
    """
    names: set[str] = set()
    for group in stack.named("AWS::CodeDeploy::DeploymentGroup").values():
        watched: dict[str, Any] = group.get("AlarmConfiguration", {})
        rolls_back: dict[str, Any] = group.get("AutoRollbackConfiguration", {})
        if watched.get("Enabled") and rolls_back.get("Enabled") and "DEPLOYMENT_STOP_ON_ALARM" in rolls_back["Events"]:
            names |= {name_of(alarm["Name"]["Ref"]) for alarm in watched["Alarms"]}
    return names
