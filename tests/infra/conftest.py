"""The stacks as CloudFormation templates, synthesised once in a session, also for several workers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cdk import EVERY_OPTION, Assembly, synthesise_once


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Assembly]:
    """Return a function that synthesises cdk.json with some settings changed, each combination once in a session."""
    return lambda changed: synthesise_once(tmp_path_factory, changed)


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
