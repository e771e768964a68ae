"""Every alarm, rule and budget of the templates reaches somebody, and a check fails for every change that prevents it.

The events are injected; only templates are needed.
"""

import re
from collections.abc import Callable

import pytest

from tests.emulation import alarm_changes as changes
from tests.emulation import alarm_checks as checks
from tests.emulation.alarm_changes import MUTATIONS, OF_BATCH, SEVERITIES, Change, Stacks, changed, label
from tests.emulation.alarm_events import Events, Identity, Story
from tests.emulation.alarm_stories import STORIES
from tests.support.cdk import EVERY_OPTION, Assembly
from tests.support.cloud.template import Template
from tests.support.cloud.watch import watching
from tests.support.paths import REPOSITORY

BUDGET = "Budget"
IN_DELIVERY = ("Requests", "Downloads", "EdgeErrors")


@pytest.fixture(scope="module")
def every_option(full: Assembly) -> Stacks:
    """Return the stacks with every option, in two regions."""
    return [Template.read(full.folder, name) for name in sorted(full.stacks())]


@pytest.fixture(scope="module")
def stories(every_option: Stacks) -> dict[str, Story]:
    return {name: story(Events(Identity.read(every_option))) for name, story in STORIES.items()}


def check(stacks: Stacks, name: str, story: Story | None) -> None:
    """Run the check of an alarm, a rule or the budget."""
    recipient = EVERY_OPTION["alarm_email"]
    if name in SEVERITIES:
        checks.scan_notifies(stacks, SEVERITIES[name], recipient)
    elif name == BUDGET:
        checks.budget_notifies(stacks, recipient)
    else:
        assert story is not None
        checks.alarm_notifies(stacks, name, story, recipient)


def test_every_alarm_has_a_check(every_option: Stacks, subscribed: Stacks) -> None:
    found = watching(every_option).keys() | watching(subscribed).keys()
    assert found == {*STORIES, *SEVERITIES, BUDGET}


def test_every_alarm_is_in_the_runbook(every_option: Stacks) -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text().split("\n## Alarms")[1].split("\n## ")[0]
    listed = {name for row in re.findall(r"^\| ([\w, ]+) \|", text, re.MULTILINE) for name in row.split(", ")}
    assert listed - {"alarm", "ImageScans", BUDGET} == {*STORIES}


@pytest.mark.parametrize("name", [*STORIES, *SEVERITIES])
def test_alarm_notifies_with_every_option(every_option: Stacks, stories: dict[str, Story], name: str) -> None:
    check(every_option, name, stories.get(name))


@pytest.mark.parametrize("name", [*(name for name in STORIES if name not in OF_BATCH), *SEVERITIES, BUDGET])
def test_alarm_notifies_with_the_default_settings(subscribed: Stacks, name: str) -> None:
    check(subscribed, name, STORIES[name](Events(Identity.read(subscribed))) if name in STORIES else None)


@pytest.mark.parametrize(("name", "change"), MUTATIONS, ids=label)
def test_check_fails_for_a_changed_alarm(
    every_option: Stacks, stories: dict[str, Story], name: str, change: Change | None
) -> None:
    with pytest.raises(checks.CHECK_FAILURES):
        check(changed(every_option, name, change), name, stories.get(name))


@pytest.mark.parametrize(
    "change",
    [
        None,
        lambda budget: budget["NotificationsWithSubscribers"].pop(0),
        lambda budget: budget["NotificationsWithSubscribers"].pop(1),
        lambda budget: budget["NotificationsWithSubscribers"][0].update(Subscribers=[]),
        lambda budget: budget["NotificationsWithSubscribers"][0]["Notification"].update(Threshold=70),
        lambda budget: budget["Budget"]["BudgetLimit"].update(Amount=100),
    ],
)
def test_check_fails_for_a_changed_budget(subscribed: Stacks, change: Change | None) -> None:
    with pytest.raises(checks.CHECK_FAILURES):
        check(changed(subscribed, BUDGET, change), BUDGET, None)


@pytest.mark.parametrize("name", ["Faults", "Requests", "BatchFailures", *SEVERITIES])
@pytest.mark.parametrize(
    "change",
    [
        changes.drop_the_subscriptions,
        changes.drop_the_right_to_publish,
        changes.publish_for_another_account,
        changes.drop_the_right_to_use_the_key,
        changes.allow_the_key_to_decrypt_only,
    ],
)
def test_check_fails_for_a_changed_topic(
    every_option: Stacks, stories: dict[str, Story], change: Callable[[Stacks], None], name: str
) -> None:
    copies = [stack.copy() for stack in every_option]
    change(copies)
    with pytest.raises(checks.CHECK_FAILURES):
        check(copies, name, stories.get(name))


@pytest.mark.parametrize("name", IN_DELIVERY)
def test_check_fails_for_a_topic_of_another_region(every_option: Stacks, stories: dict[str, Story], name: str) -> None:
    service = every_option[0]
    (topic,) = service.named("AWS::SNS::Topic")
    with pytest.raises(checks.CHECK_FAILURES):
        check(changed(every_option, name, changes.of("AlarmActions", [topic])), name, stories[name])


@pytest.mark.parametrize("name", sorted(checks.ROLL_BACK))
@pytest.mark.parametrize("part", ["AlarmConfiguration", "AutoRollbackConfiguration"])
def test_check_fails_for_a_rollout_without_the_alarm(
    every_option: Stacks, stories: dict[str, Story], name: str, part: str
) -> None:
    copies = [stack.copy() for stack in every_option]
    (group,) = changes.of_kind(copies, "AWS::CodeDeploy::DeploymentGroup")
    group[part]["Enabled"] = False
    with pytest.raises(checks.CHECK_FAILURES):
        check(copies, name, stories[name])
