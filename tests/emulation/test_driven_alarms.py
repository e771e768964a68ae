"""The emulated deployment raises each alarm by what really happens to it, and a check fails if the alarm is changed.

Scans of images and the cost of the account cannot be caused here; `tests/emulation/test_alarms.py` injects them. The
functions are processes of this machine. Run by `make rehearse`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulation import alarm_changes as changes
from tests.emulation.alarm_changes import Change, Stacks, changed, label
from tests.emulation.alarm_checks import CHECK_FAILURES, alarm_notifies
from tests.emulation.alarm_drives import TROUBLES, Deployment, Trouble
from tests.emulation.alarm_events import Story
from tests.emulation.alarm_stories import STORIES
from tests.emulation.batch_drives import BATCH_TROUBLES, Batch
from tests.support.cdk import EVERY_OPTION, Assembly
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import Template

pytestmark = pytest.mark.emulation

RECIPIENT = EVERY_OPTION["alarm_email"]
CHANGES: list[Change | None] = [
    None,
    changes.rename_the_metric,
    changes.change_a_dimension,
    changes.reverse_the_comparison,
    changes.scale(10),
    changes.of("AlarmActions", []),
    changes.of("OKActions", []),
]
DRIVES = [(name, trouble) for name, troubles in TROUBLES.items() for trouble in troubles]


@pytest.fixture(scope="module")
def deployment(
    subscribed: Stacks, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with Deployment(subscribed[0], certificate, tmp_path_factory.mktemp("home")) as deployment:
        yield deployment


def test_every_alarm_is_driven() -> None:
    assert {*TROUBLES, *BATCH_TROUBLES} == {*STORIES}


def check_and_change(stacks: Stacks, name: str, story: Story) -> None:
    """Check an alarm, and that the check fails for each change of it."""
    alarm_notifies(stacks, name, story, RECIPIENT)
    for change in CHANGES:
        with pytest.raises(CHECK_FAILURES):
            alarm_notifies(changed(stacks, name, change), name, story, RECIPIENT)


@pytest.mark.parametrize(("name", "trouble"), DRIVES, ids=label)
def test_trouble_of_the_service_raises_its_alarm(
    subscribed: Stacks, deployment: Deployment, name: str, trouble: Trouble
) -> None:
    check_and_change(subscribed, name, deployment.tell(trouble))


@pytest.mark.parametrize("name", BATCH_TROUBLES)
def test_trouble_of_the_batch_raises_its_alarm(full: Assembly, stand_in_file: Path, tmp_path: Path, name: str) -> None:
    stacks = [Template.read(full.folder, stack) for stack in ("Lesion", "LesionBatch")]
    check_and_change(stacks, name, Batch(stacks[1], stand_in_file, tmp_path).tell(BATCH_TROUBLES[name]))
