"""What raises each alarm of the service, done to an emulated deployment: requests, killed and paused processes."""

import io
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from PIL import Image

from infra.config import Settings
from infra.packaging.bundle import BUILT
from tests.emulation.alarm_events import MINUTE, PAUSE, Story
from tests.support.cloud.cloud import Cloud, Pool, in_process
from tests.support.cloud.front import Certificate
from tests.support.cloud.messages import Request
from tests.support.cloud.recorder import Clock, Recorder
from tests.support.cloud.template import Template
from tests.support.lambda_runtime.process import Function
from tests.support.paths import SAMPLES

SAMPLE = "ISIC_0000026"
SETTINGS = Settings()


class Deployment:
    """A deployment whose traffic publishes metrics, a context manager.

    Attributes:
        recorder: of the metrics.
        cloud: page, API and distribution.
        function: the process of the function.
        samples: the function's copy of the gallery.
    """

    def __init__(self, template: Template, certificate: Certificate, home: Path) -> None:
        self.samples = home / "samples"
        shutil.copytree(SAMPLES, self.samples)
        self.recorder = Recorder(template.region, clock=Clock())
        self._template = template
        self._lines = 0
        self._stack = ExitStack()
        pool = self._stack.enter_context(Pool(in_process(home, {"LESION_SAMPLES": str(self.samples)})))
        self.cloud = self._stack.enter_context(Cloud(template, pool, certificate, self.recorder))
        # The throttle fills up in the time that is skipped.
        self.cloud.api.clock = lambda: time.monotonic() + self.recorder.clock.skipped
        self._secret = (("x-origin-secret", self.cloud.origin_secret()),)
        assert self.ask("/api/ping") == 200
        (running,) = pool.running()
        (process,) = running.functions
        assert isinstance(process, Function)
        self.function = process

    def ask(self, target: str, *, after: float = 10.0, secret: bool = True, method: str = "GET", body: bytes = b"") -> int:
        """Send a request to the API's own address after so many seconds; return the status."""
        self.recorder.clock.skip(after)
        headers = self._secret if secret else ()
        return self.cloud.api.answer(Request(method, target, headers, body), 60).status

    def view(self, target: str) -> tuple[int, int]:
        """Send a request to the distribution; return the status and the size of the body."""
        response = self.cloud.edge.answer(Request("GET", target))
        return response.status, len(response.body)

    def classify(self, image: bytes) -> None:
        """Upload an image and publish the metrics that the function logs."""
        assert self.ask("/api/classify?evidence=false", method="POST", body=image) == 200
        self._publish()

    def _publish(self) -> None:
        end = time.monotonic() + 10
        while not self.recorder.logged(self._new_lines()):
            assert time.monotonic() < end, "The function has logged no metrics."
            time.sleep(0.01)

    def _new_lines(self) -> list[str]:
        before, self._lines = self._lines, len(self.function.lines)
        return self.function.lines[before : self._lines]

    def ordinary(self) -> None:
        """A visit in which everything works."""
        assert self.view("/")[0] == 200
        assert self.view(f"/api/classify?sample={SAMPLE}&evidence=false")[0] == 200
        self._publish()
        assert [self.ask("/api/ping") for _ in range(5)] == [200] * 5

    def tell(self, trouble: "Trouble") -> Story:
        """Let nothing happen, then ordinary visits, the trouble, and ordinary visits again."""
        clock, story = self.recorder.clock, Story(self.recorder.metrics)

        def happen(act: Callable[[], None]) -> float:
            clock.skip(PAUSE)
            act()
            clock.skip(1)
            return clock.now()

        story.calm = [happen(lambda: None), happen(self.ordinary)]
        story.trouble = happen(lambda: trouble(self))
        story.recovered = happen(self.ordinary)
        return story

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.__exit__(*details)


Trouble = Callable[[Deployment], None]


def lose_a_file(deployment: Deployment) -> None:
    """The function raises: a file of the gallery is gone, which it reads for each request."""
    path = deployment.samples / f"{SAMPLE}.jpg"
    kept = path.rename(path.with_suffix(".kept"))
    assert [deployment.ask(f"/api/classify?sample={SAMPLE}") for _ in range(3)] == [500] * 3
    kept.rename(path)


def kill_the_function(deployment: Deployment) -> None:
    """The process ends, as without memory; Lambda replaces it after the failed call."""
    deployment.function.kill()
    assert deployment.ask("/api/ping") == 500
    deployment.function.restart()
    assert deployment.ask("/api/ping") == 200


def call_too_many_at_once(deployment: Deployment) -> None:
    """As many calls as are reserved are running, and another one arrives."""
    statuses: list[int] = []
    callers = [
        threading.Thread(target=lambda: statuses.append(deployment.ask("/api/ping")))
        for _ in range(SETTINGS.reserved_concurrency + 1)
    ]
    with deployment.function.paused():
        for caller in callers:
            caller.start()
        end = time.monotonic() + 10
        while 503 not in statuses and time.monotonic() < end:
            time.sleep(0.01)
    for caller in callers:
        caller.join()
    assert sorted(statuses) == [*[200] * SETTINGS.reserved_concurrency, 503]


def answer_slowly(deployment: Deployment) -> None:
    """The function has no processor for `slow_ms` in each of three periods."""
    for _ in range(3):
        waiting = threading.Thread(target=deployment.ask, args=("/api/ping",))
        with deployment.function.paused():
            waiting.start()
            time.sleep(SETTINGS.slow_ms / 1000 + 0.1)
        waiting.join()
        deployment.recorder.clock.skip(5 * MINUTE - 30)


def bypass_the_edge(deployment: Deployment) -> None:
    """Half of a hundred requests to the API's own address are without the secret."""
    assert {deployment.ask("/api/ping", after=1) for _ in range(50)} == {200}
    assert {deployment.ask("/api/ping", after=1, secret=False) for _ in range(50)} == {403}


def exceed_the_throttle(deployment: Deployment) -> None:
    """A hundred requests at once, of which the throttle passes some."""
    with deployment.cloud.api.frozen_clock():
        statuses = [deployment.ask("/api/ping", after=0) for _ in range(100)]
    assert set(statuses) == {200, 429}


def upload_other_images(deployment: Deployment) -> None:
    """Twelve of twenty images are black, which the model refuses."""
    stream = io.BytesIO()
    Image.new("RGB", (400, 300)).save(stream, "PNG")
    for number in range(20):
        deployment.classify(stream.getvalue() if number % 5 < 3 else (SAMPLES / f"{SAMPLE}.jpg").read_bytes())


def request_a_file_often(deployment: Deployment) -> None:
    """`alarm_requests` for a small file."""
    for _ in range(SETTINGS.alarm_requests):
        deployment.view("/js/main.js")


def download_a_large_file(deployment: Deployment) -> None:
    """`alarm_download_mb` of the largest file of the page."""
    sizes = {path: deployment.view(path)[1] for path in large_files()}
    path = max(sizes, key=lambda item: sizes[item])
    assert sizes[path] > 1_000_000
    for _ in range(-(-SETTINGS.alarm_download_mb * 1_000_000 // sizes[path])):
        deployment.view(path)


def large_files() -> list[str]:
    """Return the addresses of the downloads of private mode."""
    return [f"/{path.relative_to(BUILT).as_posix()}" for path in (BUILT / "private").iterdir()]


def break_the_origin(deployment: Deployment) -> None:
    """One of twenty requests to the distribution needs the function, which ends each time, in each of three periods."""
    for _ in range(3):
        deployment.function.kill()
        assert deployment.view("/api/ping")[0] == 500
        assert {deployment.view("/")[0] for _ in range(19)} == {200}
        deployment.recorder.clock.skip(5 * MINUTE - 30)
    deployment.function.restart()


TROUBLES: dict[str, list[Trouble]] = {
    "Faults": [lose_a_file],
    "Crashes": [kill_the_function],
    "Throttles": [call_too_many_at_once],
    "Slow": [answer_slowly],
    "Rejected": [bypass_the_edge, exceed_the_throttle],
    "Refusals": [upload_other_images],
    "Requests": [request_a_file_often],
    "Downloads": [download_a_large_file],
    "EdgeErrors": [break_the_origin],
}
"""What raises each alarm of the service."""
