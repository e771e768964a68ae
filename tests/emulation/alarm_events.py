"""Events of a deployment, injected as AWS would publish them, and the phases in which they happen."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from lesion.web.access_log import AccessLog

from tests.support.cloud.metrics import Metrics
from tests.support.cloud.recorder import Clock, Recorder
from tests.support.cloud.template import Template

MINUTE, HOUR = 60, 3600
PAUSE = 24 * HOUR
"""Seconds between two phases: no alarm retrieves data from so far back."""

Act = Callable[[], None]
Phase = tuple[Sequence[Act], float]
"""Events, and the seconds over which they are spread."""


@dataclass(frozen=True)
class Identity:
    """Physical names of the resources that metrics have as dimensions; empty for a stack that is not deployed."""

    region: str
    api: str
    function: str
    distribution: str
    machine: str

    @classmethod
    def read(cls, stacks: Sequence[Template]) -> "Identity":
        """Return the names of a deployment, whose first stack is the service."""
        service = stacks[0]
        (api,) = service.named("AWS::ApiGatewayV2::Api")
        (distribution,) = service.named("AWS::CloudFront::Distribution")
        function = service.resolve(service.only("AWS::Lambda::Alias")["FunctionName"])
        machines = [name for stack in stacks for name in stack.named("AWS::StepFunctions::StateMachine")]
        return cls(service.region, api, function, distribution, machines[0] if machines else "")


@dataclass
class Story:
    """Metrics, and the Unix times at which an alarm is evaluated.

    Attributes:
        metrics: what was published.
        calm: times at which it must be OK.
        trouble: time at which it must be in alarm.
        recovered: time at which it must be OK again.
    """

    metrics: Metrics
    calm: list[float] = field(default_factory=list)
    trouble: float = 0.0
    recovered: float = 0.0


class Events:
    """Injected events of one deployment."""

    def __init__(self, identity: Identity) -> None:
        self.recorder = Recorder(identity.region, Metrics(), Clock())
        self._identity = identity

    def answers(self, *, status: int = 200, ms: float = 40.0, count: int = 1) -> list[Act]:
        """Responses of the API."""
        return [lambda: self.recorder.api_answered(self._identity.api, "$default", status, ms)] * count

    def calls(
        self, *, failed: bool = False, throttled: bool = False, count: int = 1, function: str | None = None
    ) -> list[Act]:
        """Calls of the function, or of another one of the account."""
        name = function or self._identity.function
        if throttled:
            return [lambda: self.recorder.throttled(name, "live")] * count
        return [lambda: self.recorder.invoked(name, "live", 40.0, failed=failed)] * count

    def images(self, *, refused: bool, count: int) -> list[Act]:
        """Images, as lines that the function's access log writes."""
        return [lambda: self._write_line(refused)] * count

    def served(
        self, *, requests: int = 50, downloaded: int = 1_000_000, error_percent: float = 2.0, count: int = 1
    ) -> list[Act]:
        """Minutes of CloudFront."""
        name = self._identity.distribution
        return [
            lambda: self.recorder.edge_served(name, requests=requests, downloaded=downloaded, error_percent=error_percent)
        ] * count

    def executions(self, *statuses: str) -> list[Act]:
        """Executions of the batch that end."""
        return [partial(self.recorder.execution_ended, self._identity.machine, status) for status in statuses]

    def _write_line(self, refused: bool) -> None:
        stream = io.StringIO()
        event = {"rawPath": "/api/classify", "requestContext": {"http": {"method": "POST"}}}
        status = '"refused","refusal":{"code":"unlike"}' if refused else '"ok"'
        body = f'{{"status":{status},"timing_ms":{{"decode":5.0,"infer":12.0}}}}'
        context = SimpleNamespace(aws_request_id="request")
        AccessLog(self._identity.function, "1", stream).write(event, {"statusCode": 200, "body": body}, context, 20.0)
        assert self.recorder.logged(stream.getvalue().splitlines()) == 1


def mixed(*parts: list[Act]) -> list[Act]:
    """Return the events in an order in which each kind is spread over the whole time."""
    placed = [((number + 0.5) / len(part), act) for part in parts for number, act in enumerate(part)]
    return [act for _, act in sorted(placed, key=lambda item: item[0])]


def tell(recorder: Recorder, calm: Sequence[Phase], trouble: Phase) -> Story:
    """Let the phases happen one after the other, with nothing before, between and after them."""
    story, clock = Story(recorder.metrics), recorder.clock

    def happen(phase: Phase) -> float:
        clock.skip(PAUSE)
        acts, seconds = phase
        for act in acts:
            clock.skip(seconds / (len(acts) + 1))
            act()
        clock.skip(seconds / (len(acts) + 1))
        return clock.now()

    # Without any data, for example at night.
    story.calm.append(clock.now())
    story.calm += [happen(phase) for phase in calm]
    story.trouble = happen(trouble)
    story.recovered = happen(calm[0])
    return story


def scan(region: str, **changed: Any) -> dict[str, Any]:
    """Return the event of a complete scan of an image.

    Source: Amazon ECR User Guide, "Amazon ECR events and EventBridge", event for a completed image scan.
    """
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": f"cdk-hnb659fds-container-assets-123456789012-{region}",
        "finding-severity-counts": {"MEDIUM": 9},
        "image-digest": "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
        "image-tags": [],
    }
    return {"source": "aws.ecr", "detail-type": "ECR Image Scan", "region": region, "detail": {**detail, **changed}}
