"""Every case gets its expected answer in bounded time and memory, and a probability only if it is an image."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.cases.all_cases import cases
from tests.hostile.cases.case import CLASSIFIED
from tests.support.paths import REPOSITORY

SECONDS = 5.0
"""CPU seconds, which do not depend on other load; `HANG` catches a process that waits."""
MEGABYTES = 400
HANG = 1200
"""Seconds for all cases together on a loaded machine; they take about half a minute otherwise."""


@pytest.fixture(scope="module")
def measured(environment: dict[str, str], stand_in_file: Path) -> dict[str, dict[str, Any]]:
    """Return the results by case. If a case crashes the process, it and the following ones are missing."""
    command = [sys.executable, "-m", "tests.hostile.measure_cases", str(stand_in_file)]
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=HANG)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize("name", cases())
def test_case_gets_its_expected_answer(measured: dict[str, dict[str, Any]], name: str) -> None:
    outcome, _ = cases()[name]
    assert name in measured, "the process ended"
    line = measured[name]
    answer = line["answer"]
    if outcome == CLASSIFIED:
        assert (line["status"], answer.get("status")) in ((200, "ok"), (200, "refused")), answer
    else:
        assert answer.get("code") == outcome, answer
        assert (answer["status"], line["type"]) == (line["status"], "application/problem+json")
        # Nothing that could be mistaken for a prediction.
        assert set(answer) == {"type", "title", "status", "detail", "code"}
        assert 400 <= line["status"] < 500


@pytest.mark.parametrize("name", cases())
def test_case_takes_bounded_time_and_memory(measured: dict[str, dict[str, Any]], name: str) -> None:
    line = measured[name]
    assert line["seconds"] <= SECONDS
    assert line["megabytes"] <= MEGABYTES
