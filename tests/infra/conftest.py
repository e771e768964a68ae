"""The stacks as CloudFormation templates, synthesised once in this process: as they are, and with every option on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cdk import EVERY_OPTION, Assembly
from tests.support.cdk import synthesise as synthesise_into


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Assembly]:
    """Return a function that synthesises cdk.json with some settings changed."""
    return lambda changed: synthesise_into(tmp_path_factory.mktemp("cdk"), changed)


@pytest.fixture(scope="session")
def plain(synthesise: Callable[[dict[str, Any]], Assembly]) -> Assembly:
    return synthesise({})


@pytest.fixture(scope="session")
def full(synthesise: Callable[[dict[str, Any]], Assembly]) -> Assembly:
    return synthesise(EVERY_OPTION)
