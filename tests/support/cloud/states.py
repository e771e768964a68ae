"""Step Functions for the batch state machine: executes a definition in the Amazon States Language.

Only what that definition uses is known; anything else ends with `NotEmulated`. No package was found that runs a
distributed map with batches, or lists more than a thousand objects.
"""

import json
import random
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.support.cloud.template import NotEmulated, know

STATE_BYTES = 256 * 1024
"""Step Functions' payload limit between states, in bytes."""

Invoke = Callable[[str, Any], Any]
"""Invokes a function by its ARN; returns its response or raises `StateFailed`."""


class StateFailed(Exception):
    """Raised when a state or an execution fails, with Step Functions' name for the error and a cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Stopped(StateFailed):
    """Raised when the execution is stopped."""

    def __init__(self) -> None:
        super().__init__("States.Aborted")


@dataclass
class _Child:
    """A batch of the distributed map and whether it has succeeded."""

    input: Any
    done: bool = False


@dataclass
class Execution:
    """State of an execution, with which it can be redriven after a failure."""

    name: str
    children: list[_Child] = field(default_factory=list)
    transitions: int = 0
    """Billed state transitions of the standard execution."""


class Machine:
    """One state machine.

    Attributes:
        retries: errors that were waited out, in order.
        ended: called with the status of each execution that ends.
    """

    def __init__(self, definition: Mapping[str, Any], invoke: Invoke, s3: Any, *, pause: float = 1.0) -> None:
        """Load a definition.

        Args:
            definition: in Amazon States Language.
            invoke: calls a function.
            s3: a client of botocore.
            pause: how long a second is where an error is waited out, and of the execution's timeout.
        """
        self._definition, self._invoke, self._s3, self._pause = definition, invoke, s3, pause
        self._stop, self._expired = threading.Event(), threading.Event()
        self.retries: list[str] = []
        self.ended: Callable[[str], None] = lambda status: None

    def start(self, name: str) -> Execution:
        """Start an execution with this name.

        Raises:
            StateFailed: it failed, or was stopped.
        """
        execution = Execution(name)
        self.run(execution)
        return execution

    def run(self, execution: Execution) -> None:
        """Start or redrive an execution; batches that have succeeded are not repeated.

        Raises:
            StateFailed: it failed, or was stopped.
        """
        self._stop.clear()
        self._expired.clear()
        # A standard execution without a timeout ends after a year.
        limit = self._definition.get("TimeoutSeconds", 365 * 86_400)
        timer = threading.Timer(self._pause * limit, self._expire)
        timer.daemon = True
        timer.start()
        status = "FAILED"
        try:
            self._states(self._definition, {}, {"Execution": {"Name": execution.name}}, execution)
            status = "SUCCEEDED"
        except Stopped:
            status = "TIMED_OUT" if self._expired.is_set() else "ABORTED"
            raise
        finally:
            timer.cancel()
            self.ended(status)

    def _expire(self) -> None:
        self._expired.set()
        self._stop.set()

    def stop(self) -> None:
        """Stop the execution; calls in progress continue, but their results are ignored."""
        self._stop.set()

    def _states(self, states: Mapping[str, Any], input: Any, context: Any, execution: Execution | None) -> Any:
        know(states, "A state machine", ("StartAt", "States", "ProcessorConfig", "TimeoutSeconds"))
        name: str | None = states["StartAt"]
        while name:
            if self._stop.is_set():
                raise Stopped
            state = states["States"][name]
            if execution:
                execution.transitions += 1
            if len(json.dumps(input, ensure_ascii=False).encode()) > STATE_BYTES:
                raise StateFailed("States.DataLimitExceeded")
            try:
                input, name = self._state(state, input, context, execution), state.get("Next")
            except StateFailed as error:
                catcher = _fitting(state.get("Catch", ()), error)
                if catcher is None:
                    raise
                know(catcher, "A catcher", ("ErrorEquals", "Next", "ResultPath"))
                if "ResultPath" not in catcher:
                    input = {"Error": error.error, "Cause": error.cause}
                elif catcher["ResultPath"] is not None:
                    raise NotEmulated(f"ResultPath {catcher['ResultPath']} of a catcher") from error
                name = catcher["Next"]
        return input

    def _state(self, state: Mapping[str, Any], input: Any, context: Any, execution: Execution | None) -> Any:
        kind = state["Type"]
        if kind == "Task":
            return self._task(state, input, context)
        if kind == "Map":
            return self._map(state, input, context, execution)
        if kind == "Pass":
            know(state, "A Pass", ("Type", "InputPath", "Next", "End"))
            return _path(state["InputPath"], input, context)
        if kind == "Fail":
            know(state, "A Fail", ("Type", "ErrorPath", "CausePath"))
            raise StateFailed(_path(state["ErrorPath"], input, context), _path(state["CausePath"], input, context))
        raise NotEmulated(f"A state of type {kind}")

    def _task(self, state: Mapping[str, Any], input: Any, context: Any) -> Any:
        known = ("Type", "Resource", "Parameters", "OutputPath", "Retry", "Catch", "TimeoutSeconds", "Next", "End")
        know(state, "A Task", known)
        if state["Resource"] != "arn:aws:states:::lambda:invoke" or state["OutputPath"] != "$.Payload":
            raise NotEmulated(f"{state['Resource']} with {state['OutputPath']}")
        given = _render(state["Parameters"], input, context)
        know(given, "A call", ("FunctionName", "Payload"))
        tried = [0] * len(state["Retry"])
        while True:
            try:
                return self._call(given["FunctionName"], given["Payload"], state.get("TimeoutSeconds"))
            except StateFailed as error:
                retrier = _fitting(state["Retry"], error)
                if retrier is None or self._stop.is_set():
                    raise
                number = state["Retry"].index(retrier)
                tried[number] += 1
                if tried[number] > retrier["MaxAttempts"]:
                    raise
                self.retries.append(error.error)
                self._stop.wait(self._pause * _delay(retrier, tried[number]))

    def _call(self, function: str, payload: Any, seconds: float | None) -> Any:
        if seconds is None:
            return self._invoke(function, payload)
        answer: list[Any] = []

        def call() -> None:
            try:
                answer.append((self._invoke(function, payload), None))
            except StateFailed as error:
                answer.append((None, error))

        # A timeout does not end the call.
        caller = threading.Thread(target=call, daemon=True)
        caller.start()
        caller.join(seconds)
        if not answer:
            raise StateFailed("States.Timeout")
        result, error = answer[0]
        if error:
            raise error
        return result

    def _map(self, state: Mapping[str, Any], input: Any, context: Any, execution: Execution | None) -> Any:
        processor = state["ItemProcessor"]
        mode = processor["ProcessorConfig"]
        if mode == {"Mode": "INLINE"}:
            known = ["Type", "ItemsPath", "MaxConcurrency", "ItemProcessor", "ResultPath", "Next"]
            know(state, "An inline map", known)
            items = _path(state["ItemsPath"], input, context)
            with ThreadPoolExecutor(state["MaxConcurrency"]) as pool:
                results = list(pool.map(lambda item: self._states(processor, item, context, None), items))
            return {**input, state["ResultPath"].removeprefix("$."): results}
        if mode != {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"} or execution is None:
            raise NotEmulated(f"A map with {mode}")
        known = ["Type", "ItemReader", "ItemSelector", "ItemBatcher", "MaxConcurrency", "ItemProcessor", "ResultWriter"]
        know(state, "A distributed map", known, ("ResultPath", "End"))
        if state["ResultPath"] is not None:
            raise NotEmulated("The result of a distributed map")
        if not execution.children:
            execution.children = [_Child(batch) for batch in self._batches(state, input, context)]
        self._distribute(processor, [child for child in execution.children if not child.done], state["MaxConcurrency"])
        self._write(state["ResultWriter"], execution)
        return input

    def _batches(self, state: Mapping[str, Any], input: Any, context: Any) -> list[Any]:
        reader, batcher = state["ItemReader"], state["ItemBatcher"]
        know(reader, "A reader", ("Resource", "Parameters"))
        know(batcher, "A batcher", ("MaxItemsPerBatch", "BatchInput"))
        if reader["Resource"] != "arn:aws:states:::s3:listObjectsV2":
            raise NotEmulated(reader["Resource"])
        pages = self._s3.get_paginator("list_objects_v2").paginate(**reader["Parameters"])
        items = [
            _render(state["ItemSelector"], input, {**context, "Map": {"Item": {"Value": found}}})
            for page in pages
            for found in page.get("Contents", ())
        ]
        more, size = _render(batcher["BatchInput"], input, context), batcher["MaxItemsPerBatch"]
        return [{"BatchInput": more, "Items": items[at : at + size]} for at in range(0, len(items), size)]

    def _distribute(self, processor: Mapping[str, Any], children: Sequence[_Child], at_once: int) -> None:
        failed: list[StateFailed] = []

        def run(child: _Child) -> None:
            # The tolerated failure share is zero: after the first failure, no batch is started.
            if failed or self._stop.is_set():
                return
            try:
                self._states(processor, child.input, {"Execution": {"Name": str(uuid.uuid4())}}, None)
            except StateFailed as error:
                failed.append(error)
            else:
                child.done = not self._stop.is_set()

        with ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(run, child) for child in children]:
                done.result()
        if self._stop.is_set():
            raise Stopped
        if failed:
            raise failed[0]

    def _write(self, writer: Mapping[str, Any], execution: Execution) -> None:
        know(writer, "A writer", ("Resource", "Parameters"))
        if writer["Resource"] != "arn:aws:states:::s3:putObject":
            raise NotEmulated(writer["Resource"])
        told = [{"Input": json.dumps(child.input), "Status": "SUCCEEDED"} for child in execution.children]
        bucket, prefix = writer["Parameters"]["Bucket"], writer["Parameters"]["Prefix"]
        self._s3.put_object(Bucket=bucket, Key=f"{prefix}/{uuid.uuid4()}/SUCCEEDED_0.json", Body=json.dumps(told).encode())


def _fitting(handlers: Sequence[Mapping[str, Any]], error: StateFailed) -> Any:
    if isinstance(error, Stopped):
        return None
    return next((item for item in handlers if {error.error, "States.ALL"} & {*item["ErrorEquals"]}), None)


def _delay(retrier: Mapping[str, Any], number: int) -> float:
    known = ("ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy")
    know(retrier, "A retrier", known)
    longest = retrier["IntervalSeconds"] * retrier.get("BackoffRate", 2.0) ** (number - 1)
    longest = min(longest, retrier.get("MaxDelaySeconds", longest))
    return random.uniform(0, longest) if retrier.get("JitterStrategy") == "FULL" else longest


def _render(template: Any, input: Any, context: Any) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): _path(value, input, context) if name.endswith(".$") else _render(value, input, context)
        for name, value in template.items()
    }


def _path(path: str, input: Any, context: Any) -> Any:
    value = context if path.startswith("$$") else input
    for number, part in enumerate(path.lstrip("$").split(".")[1:]):
        if part.endswith("[*]"):
            rest = "$" + "".join(f".{name}" for name in path.lstrip("$").split(".")[number + 2 :])
            return [_path(rest, item, context) for item in value[part.removesuffix("[*]")]]
        if not isinstance(value, dict) or part not in value:
            raise StateFailed("States.ParameterPathFailure", path)
        value = value[part]
    return value
