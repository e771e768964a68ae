"""Checks of the monitoring of a deployment: functions that raise AssertionError where nobody would be told.

Like `tests.emulation.checks`, they know nothing of the alarms' configuration.
"""

from collections.abc import Sequence

from infra.config import Settings
from tests.emulation.alarm_events import Story, scan
from tests.support.cloud.template import Template
from tests.support.cloud.watch import Watch

ROLL_BACK = frozenset(("Faults", "Crashes"))
"""Alarms that roll a new version back (docs/operations.md, "Roll back")."""
CHECK_FAILURES = (AssertionError, KeyError)
"""Exceptions of a failing check: its assertions, or an alarm that does not exist."""


def alarm_notifies(stacks: Sequence[Template], name: str, story: Story, recipient: str) -> None:
    """The alarm is OK in normal traffic, tells the recipient of the trouble and of its end, and rolls back if it has to."""
    watch = Watch(stacks)
    for moment in story.calm:
        watch.evaluate(story.metrics, moment)
        assert watch.state(name) == "OK", f"{name} in normal traffic"
    watch.messages.clear()
    watch.evaluate(story.metrics, story.trouble)
    assert watch.state(name) == "ALARM"
    assert f"ALARM: {name}" in _received(watch, recipient)
    watch.messages.clear()
    watch.evaluate(story.metrics, story.recovered)
    assert watch.state(name) == "OK"
    assert f"OK: {name}" in _received(watch, recipient)
    assert (name in watch.stopping) == (name in ROLL_BACK)


def scan_notifies(stacks: Sequence[Template], severity: str, recipient: str) -> None:
    """A complete scan of an image of the CDK's repository reaches the recipient if it has findings of a severity."""
    region, findings = stacks[0].region, {severity: 2, "MEDIUM": 9}
    watch = Watch(stacks)
    failed = {"scan-status": "FAILED", "finding-severity-counts": findings}
    foreign = {"repository-name": "another-application", "finding-severity-counts": findings}
    none = {"finding-severity-counts": {severity: 0, "MEDIUM": 9}}
    for ignored in ({}, failed, foreign, none):
        watch.happen(scan(region, **ignored))
        assert _received(watch, recipient) == []
    watch.happen(scan(region, **{"finding-severity-counts": findings}))
    assert _received(watch, recipient) == ["ECR Image Scan"]


def budget_notifies(stacks: Sequence[Template], recipient: str) -> None:
    """80 % of the budget spent, or all of it forecast, reaches the recipient; less does not."""
    dollars = Settings().budget_usd
    for spent, forecast, told in ((0.79, 0.99, []), (0.81, 0.99, ["Budget"]), (0.1, 1.01, ["Budget"])):
        watch = Watch(stacks)
        watch.spend(spent=spent * dollars, forecast=forecast * dollars)
        assert _received(watch, recipient) == told


def _received(watch: Watch, recipient: str) -> list[str]:
    return [message.subject for message in watch.messages if message.recipient == recipient]
