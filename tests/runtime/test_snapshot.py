"""SnapStart: the function initialises, waits in the snapshot, and answers once it is restored.

The Runtime API is emulated; the function's client of it is the one of the image. A real restore also loads the memory of the
snapshot, which only an account can show (docs/operations.md).
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from infra.constructs.canary_handler import request
from tests.support.lambda_runtime.emulator import FunctionFailed, RuntimeApi
from tests.support.lambda_runtime.process import Function
from tests.support.paths import REPOSITORY

SNAPSHOT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PYTHONPATH": str(REPOSITORY / "lambda"), "ORT_DISABLE_TELEMETRY": "1", **more}


def first_answer(home: Path, **more: str) -> tuple[Any, float, bool]:
    """Return the first answer, its seconds since the restore or the start, and whether a snapshot was taken."""
    with RuntimeApi() as runtime:
        started = time.perf_counter()
        with Function(runtime, "lesion.handler.handler", environment(home, **more), folder=REPOSITORY):
            waits = bool(more) and runtime.wait_for_snapshot(60)
            if waits:
                # Nothing is answered before the restore.
                assert runtime.polled is None
                started = time.perf_counter()
                runtime.restore()
            answer = runtime.invoke(request("ISIC_0000026", ""), seconds=60)
            return answer, time.perf_counter() - started, waits


def test_function_answers_after_restore(tmp_path: Path) -> None:
    """The web framework is loaded before the snapshot, so the first answer after it is faster than that of a start."""
    cold, cold_s, _ = first_answer(tmp_path)
    restored, restored_s, waited = first_answer(tmp_path, **SNAPSHOT)
    assert waited
    assert (cold["statusCode"], restored["statusCode"]) == (200, 200)
    answers = [json.loads(answer["body"])["prediction"] for answer in (cold, restored)]
    assert answers[0] == answers[1]
    print(f"first answer: {1000 * cold_s:.0f} ms after a start, {1000 * restored_s:.0f} ms after a restore")
    assert restored_s < cold_s / 2


def test_failed_start_takes_no_snapshot(tmp_path: Path) -> None:
    with (
        RuntimeApi() as runtime,
        Function(runtime, "lesion.handler.handler", environment(tmp_path, LESION_MODEL="/nothing", **SNAPSHOT)),
    ):
        assert not runtime.wait_for_snapshot(60)
        with pytest.raises(FunctionFailed):
            runtime.invoke({}, seconds=10)
