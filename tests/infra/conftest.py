"""The stacks as CloudFormation templates, synthesised once in a session, also for several workers."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cdk import EVERY_OPTION, Assembly
from tests.support.cdk import synthesise as synthesise_into
from tests.support.locks import exclusive


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Assembly]:
    """Return a function that synthesises cdk.json with some settings changed, each combination once in a session."""
    base = tmp_path_factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own in that of the session.
    shared = base.parent if base.name.startswith("popen-") else base

    def synthesise(changed: dict[str, Any]) -> Assembly:
        name = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:12]
        folder, done = shared / f"cdk-{name}", shared / f"cdk-{name}.done"
        with exclusive(f"cdk-{name}"):
            if not done.exists():
                folder.mkdir()
                synthesise_into(folder, changed)
                done.touch()
        return Assembly(folder)

    return synthesise


@pytest.fixture(scope="session")
def plain(synthesise: Callable[[dict[str, Any]], Assembly]) -> Assembly:
    return synthesise({})


@pytest.fixture(scope="session")
def full(synthesise: Callable[[dict[str, Any]], Assembly]) -> Assembly:
    return synthesise(EVERY_OPTION)


@pytest.fixture(scope="session")
def stopped(synthesise: Callable[[dict[str, Any]], Assembly]) -> Assembly:
    """Return the stopped service, with the settings that exclude some of `full`, or that leave resources out."""
    return synthesise(
        {
            "stopped": True,
            "waf": True,
            "flat_rate_plan": True,
            "topic_key": False,
            "architecture": "arm64",
            "snap_start": True,
            "batch_bucket": "my-images",
        }
    )
