"""Every hard case gets its exact answer, in bounded time and memory, and no number unless it is a picture."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.cases import JUDGED, cases
from tests.support.paths import REPOSITORY

SECONDS = 5.0
"""Of CPU, so that a busy machine does not fail a case; a hang in waiting is caught by `HANG`."""
MEGABYTES = 400
HANG = 1200
"""Seconds for all cases together, on a machine that is busy with something else; alone it takes them about half a minute."""


@pytest.fixture(scope="module")
def measured(environment: dict[str, str], stand_in_file: Path) -> dict[str, dict[str, Any]]:
    """What each case came to. Where a case ends the process, it and those after it are missing."""
    command = [sys.executable, "-m", "tests.hostile.measure", str(stand_in_file)]
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=HANG)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize("name", cases())
def test_a_hard_case_gets_its_answer(measured: dict[str, dict[str, Any]], name: str) -> None:
    outcome, _ = cases()[name]
    assert name in measured, "the process ended"
    line = measured[name]
    answer = line["answer"]
    if outcome == JUDGED:
        assert (line["status"], answer.get("status")) in ((200, "ok"), (200, "refused")), answer
    else:
        assert answer.get("code") == outcome, answer
        assert (answer["status"], line["type"]) == (line["status"], "application/problem+json")
        # Nothing that could be taken for an answer.
        assert set(answer) == {"type", "title", "status", "detail", "code"}
        assert 400 <= line["status"] < 500


@pytest.mark.parametrize("name", cases())
def test_a_hard_case_takes_bounded_time_and_memory(measured: dict[str, dict[str, Any]], name: str) -> None:
    line = measured[name]
    assert line["seconds"] <= SECONDS
    assert line["megabytes"] <= MEGABYTES
