"""The Lambda service from a function's point of view: the Runtime API that it polls.

    with RuntimeApi() as runtime, Function(runtime, "lesion.handler.handler", environment), Gateway(runtime) as gateway:
        httpx2.get(f"{gateway.url}/api/ping")

`RuntimeApi.invoke` sends one event and waits; several functions on one API are several concurrent environments.
Only the standard library, so that it also runs beside a container.
"""

import json
import queue
import select
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from tests.support.lambda_runtime.server import Handler, Server

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:lesion"
EVENT_BYTES = 6 * 1024 * 1024
"""Lambda's payload limit for event and response, in bytes of JSON."""


class FunctionFailed(Exception):
    """Raised when the function reports an error, dies, or does not answer in time; `kind` is Lambda's errorType."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class PayloadTooLarge(Exception):
    """Raised when an event or an answer is larger than Lambda passes on."""


@dataclass
class _Invocation:
    event: bytes
    deadline: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answered: threading.Event = field(default_factory=threading.Event)
    answer: bytes | None = None
    error: FunctionFailed | None = None

    def finish(self, answer: bytes | None = None, error: FunctionFailed | None = None) -> None:
        self.answer, self.error = answer, error
        self.answered.set()


class Process(Protocol):
    """What runs a function: a process of this machine, or a container."""

    def has_ended(self) -> bool: ...


class RuntimeApi(Server):
    """The Runtime API (version 2018-06-01) and the queue of events behind it."""

    def __init__(self) -> None:
        super().__init__(_RuntimeHandler)
        self.init_error: dict[str, Any] | None = None
        self.functions: list[Process] = []
        self.polled: float | None = None
        """`time.perf_counter()` when a function asked for an event for the first time."""
        self.snapshot: float | None = None
        """`time.perf_counter()` when a function had initialised and asked to be restored (SnapStart)."""
        self._restored = threading.Event()
        self._waiting: queue.Queue[_Invocation] = queue.Queue()
        self._running: dict[str, _Invocation] = {}
        self._stopped = threading.Event()

    def __exit__(self, *details: Any) -> None:
        self._stopped.set()
        super().__exit__(*details)

    def invoke(self, event: object, *, seconds: float = 30.0) -> Any:
        """Send one event to whichever function is free, and return its answer.

        Raises:
            PayloadTooLarge: the event or the answer has more than `EVENT_BYTES`.
            FunctionFailed: the function reported an error, could not start, died, or took longer than `seconds`.
        """
        payload = json.dumps(event).encode()
        if len(payload) > EVENT_BYTES:
            raise PayloadTooLarge(f"The event has {len(payload)} bytes; Lambda passes on at most {EVENT_BYTES}.")
        invocation = _Invocation(payload, time.time() + seconds)
        self._waiting.put(invocation)
        while not invocation.answered.wait(0.1):
            if time.time() > invocation.deadline:
                invocation.finish(error=FunctionFailed("Sandbox.Timedout", f"no answer in {seconds} seconds"))
            elif self.init_error is not None:
                invocation.finish(error=FunctionFailed(self.init_error["errorType"], self.init_error["errorMessage"]))
            elif self.functions and all(function.has_ended() for function in self.functions):
                invocation.finish(error=FunctionFailed("Runtime.ExitError", "the function's process has ended"))
        if invocation.error is not None:
            raise invocation.error
        if len(invocation.answer or b"") > EVENT_BYTES:
            raise PayloadTooLarge(f"The answer has more than {EVENT_BYTES} bytes.")
        return json.loads(invocation.answer or b"null")

    def wait_for_snapshot(self, seconds: float = 30.0) -> bool:
        """Return whether a function asks within `seconds` to be restored, which is when Lambda takes the snapshot."""
        end = time.monotonic() + seconds
        while self.snapshot is None and self.init_error is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.snapshot is not None

    def restore(self) -> None:
        """Let the functions that wait in a snapshot continue."""
        self._restored.set()

    def wait_in_snapshot(self) -> bool:
        """Return True once the function is restored, False if the API has stopped."""
        self.snapshot = self.snapshot or time.perf_counter()
        while not self._stopped.is_set():
            if self._restored.wait(0.005):
                return True
        return False

    def take(self, poller: socket.socket) -> _Invocation | None:
        """The next event for a function that polls; None once the function has hung up, or the API has stopped."""
        self.polled = self.polled or time.perf_counter()
        while not self._stopped.is_set():
            # Before and after each wait, because an event handed to a dead function would be lost.
            if _has_hung_up(poller):
                return None
            try:
                invocation = self._waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if invocation.answered.is_set():
                continue
            if _has_hung_up(poller):
                self._waiting.put(invocation)
                return None
            self._running[invocation.id] = invocation
            return invocation
        return None

    def give(self, name: str, *, answer: bytes | None = None, error: FunctionFailed | None = None) -> bool:
        """Take in what a function made of an event; False where no such event is running."""
        invocation = self._running.pop(name, None)
        if invocation is None:
            return False
        invocation.finish(answer, error)
        return True


def _has_hung_up(peer: socket.socket) -> bool:
    readable, _, _ = select.select([peer], [], [], 0)
    try:
        return bool(readable) and peer.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


class _RuntimeHandler(Handler):
    server: RuntimeApi
    PREFIX: ClassVar[str] = "/2018-06-01/runtime"

    def do_GET(self) -> None:
        if self.path == f"{self.PREFIX}/restore/next" and self.server.wait_in_snapshot():
            return self.reply(200)
        if self.path != f"{self.PREFIX}/invocation/next":
            return self.reply(404)
        invocation = self.server.take(self.connection)
        if invocation is None:
            self.close_connection = True
            return None
        trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(1000 * invocation.deadline)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": trace,
        }
        return self.reply(200, invocation.event, headers)

    def do_POST(self) -> None:
        body = self.body()
        parts = self.path.removeprefix(f"{self.PREFIX}/").split("/")
        if len(body) < int(self.headers.get("Content-Length", 0)):
            # Killed while it responded; a truncated response is ignored.
            if len(parts) == 3:
                self.server.give(parts[1], error=FunctionFailed("Runtime.ExitError", "the function ended while it answered"))
            self.close_connection = True
            return None
        if parts in (["init", "error"], ["restore", "error"]):
            self.server.init_error = json.loads(body)
            return self.reply(202)
        if len(parts) != 3 or parts[0] != "invocation" or parts[2] not in ("response", "error"):
            return self.reply(404)
        if parts[2] == "response":
            known = self.server.give(parts[1], answer=body)
        else:
            report = json.loads(body)
            known = self.server.give(parts[1], error=FunctionFailed(report["errorType"], report["errorMessage"]))
        return self.reply(202 if known else 400)
