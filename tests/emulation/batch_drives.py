"""What raises each alarm of the batch, done to its emulated stack."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.emulation.alarm_events import PAUSE, Story
from tests.support.cloud.batch import BatchEmulation, handler, storage
from tests.support.cloud.crashing_files import ENDLESS
from tests.support.cloud.recorder import Clock, Recorder
from tests.support.cloud.states import StateFailed
from tests.support.cloud.template import Template
from tests.support.paths import SAMPLES


class Batch:
    """A batch stack whose executions publish metrics, each on an empty S3.

    Attributes:
        recorder: of the metrics.
        definition: of the state machine.
    """

    def __init__(self, template: Template, model: Path, home: Path) -> None:
        self.recorder = Recorder(template.region, clock=Clock())
        self._template, self._model, self._home = template, model, home
        ((self._arn, machine),) = template.resolve(template.named("AWS::StepFunctions::StateMachine")).items()
        self.definition = json.loads(machine["DefinitionString"])

    def run(self, broken: Callable[[BatchEmulation], None] | None = None, **options: Any) -> None:
        """Run an execution; `broken` prepares it to fail."""
        with storage() as address:
            given = {"functions": 2, "handler": handler(), "pause": 0.001, **options}
            with BatchEmulation(self._template, address, self._model, self._home, **given) as emulation:
                emulation.machine.ended = lambda status: self.recorder.execution_ended(self._arn, status)
                emulation.put("a.jpg", (SAMPLES / "ISIC_0000026.jpg").read_bytes())
                if broken:
                    broken(emulation)
                with suppress(StateFailed):
                    emulation.machine.start("run")

    def tell(self, trouble: Callable[["Batch"], None]) -> Story:
        """Let nothing happen, then an execution that succeeds, the trouble, and one that succeeds."""
        clock, times = self.recorder.clock, []
        acts: list[Callable[[], None]] = [lambda: None, self.run, lambda: trouble(self), self.run]
        for act in acts:
            clock.skip(PAUSE)
            act()
            clock.skip(1)
            times.append(clock.now())
        *calm, bad, recovered = times
        return Story(self.recorder.metrics, calm, bad, recovered)


def lose_the_bucket(batch: Batch) -> None:
    """The bucket of results is gone."""
    batch.run(lambda emulation: emulation.s3.delete_bucket(Bucket=emulation.target))


def run_for_too_long(batch: Batch) -> None:
    """An image never ends; the day of the template's timeout takes a second."""

    def add(emulation: BatchEmulation) -> None:
        emulation.put("b.jpg", ENDLESS)

    crashing = "tests.support.cloud.crashing_handler.handler"
    batch.run(add, handler=crashing, seconds=4.0, pause=1 / batch.definition["TimeoutSeconds"])


BATCH_TROUBLES: dict[str, Callable[[Batch], None]] = {"BatchFailures": lose_the_bucket, "BatchTimeouts": run_for_too_long}
"""What raises each alarm of the batch."""
