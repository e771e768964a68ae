"""Lambda's execution environments: started on demand and replaced when they end.

with Functions("lesion.batch.lambda_handler.handler", environment, at_once=2, seconds=100) as functions:
    functions.invoke(event)
"""

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.cloud.states import StateFailed
from tests.support.lambda_runtime.emulator import FunctionFailed, RuntimeApi
from tests.support.lambda_runtime.process import Function
from tests.support.paths import REPOSITORY

START_SECONDS = 120


@dataclass(frozen=True)
class Bill:
    """The billed durations of one call."""

    start_ms: float
    """Initialisation in milliseconds; zero for a warm environment."""
    ms: float


class _Environment:
    """One process with a Runtime API of its own."""

    def __init__(self, handler: str, variables: Mapping[str, str], folder: Path) -> None:
        self._stack = ExitStack()
        started = time.perf_counter()
        self._runtime = self._stack.enter_context(RuntimeApi())
        self.function = self._stack.enter_context(Function(self._runtime, handler, variables, folder=folder))
        while self._runtime.polled is None:
            if self.function.has_ended() or self._runtime.init_error or time.perf_counter() > started + START_SECONDS:
                log = self.function.log()
                self.close()
                raise StateFailed("Runtime.ExitError", f"The function does not start. {log}")
            time.sleep(0.002)
        self.start_ms = 1000 * (self._runtime.polled - started)

    def invoke(self, event: Any, seconds: float) -> Any:
        return self._runtime.invoke(event, seconds=seconds)

    def close(self) -> None:
        self._stack.close()


class Functions:
    """A function with environments up to its concurrency, a context manager.

    Attributes:
        bills: of every call that was answered.
        calls_to_throttle: how many calls are still to be refused, as when others take what the account may have at once.
        logs: what environments that have ended had written.
    """

    def __init__(self, handler: str, environment: Mapping[str, str], *, at_once: int, seconds: float) -> None:
        self._handler, self._variables, self._seconds = handler, environment, seconds
        self._slots = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self._free: list[_Environment] = []
        self._busy: list[_Environment] = []
        self.bills: list[Bill] = []
        self.calls_to_throttle = 0
        self.logs: list[str] = []

    def invoke(self, event: Any) -> Any:
        """Invoke the function.

        Raises:
            StateFailed: it raised, ended, took too long, or there are as many at once as may be.
        """
        with self._lock:
            refused = self.calls_to_throttle > 0
            self.calls_to_throttle -= refused
        if refused or not self._slots.acquire(blocking=False):
            raise StateFailed("Lambda.TooManyRequestsException", "Rate Exceeded.")
        try:
            return self._invoke(event)
        finally:
            self._slots.release()

    def _invoke(self, event: Any) -> Any:
        with self._lock:
            environment = self._free.pop() if self._free else None
        if environment and environment.function.has_ended():
            self._forget(environment)
            environment = None
        fresh = environment is None
        environment = environment or _Environment(self._handler, self._variables, REPOSITORY)
        with self._lock:
            self._busy.append(environment)
        began = time.perf_counter()
        try:
            answer = environment.invoke(event, self._seconds)
        except FunctionFailed as error:
            if error.kind in ("Sandbox.Timedout", "Runtime.ExitError"):
                with self._lock:
                    self._busy.remove(environment)
                self._forget(environment)
            else:
                self._release(environment)
            raise StateFailed(error.kind, str(error)) from error
        self.bills.append(Bill(environment.start_ms if fresh else 0.0, 1000 * (time.perf_counter() - began)))
        self._release(environment)
        return answer

    def kill_one(self) -> bool:
        """Kill an environment that is executing; return False if none is."""
        with self._lock:
            if not self._busy:
                return False
            self._busy[0].function.kill()
            return True

    def log(self) -> str:
        """Return the log of all environments."""
        with self._lock:
            return "".join([*self.logs, *(item.function.log() for item in (*self._free, *self._busy))])

    def _release(self, environment: _Environment) -> None:
        with self._lock:
            self._busy.remove(environment)
            self._free.append(environment)

    def _forget(self, environment: _Environment) -> None:
        environment.close()
        with self._lock:
            self.logs.append(environment.function.log())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for environment in (*self._free, *self._busy):
            environment.close()
