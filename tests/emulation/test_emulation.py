"""The deployment as its template says, with the built image in it: over HTTP, and a person's whole visit in a browser.

Run by `make rehearse`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.emulation.checks import CHECKS, Visitor
from tests.emulation.person import below_the_threshold, whole_visit
from tests.support.cloud.cloud import Cloud, Pool
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import Template

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def visitor(template: Template, containers: Pool, certificate: Certificate) -> Iterator[Visitor]:
    """Somebody before a service that nobody has asked yet: its cache is empty and its throttle full."""
    with Cloud(template, containers, certificate) as cloud, Visitor(cloud) as visitor:
        yield visitor


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_over_http(visitor: Visitor, check: Callable[[Visitor], None]) -> None:
    check(visitor)


def test_a_whole_visit(browser: Browser, visitor: Visitor, tmp_path: Path) -> None:
    whole_visit(browser, visitor.cloud.url, below_the_threshold(visitor), tmp_path)


def test_less_memory_than_the_function_needs_is_noticed(
    template: Template, containers: Pool, certificate: Certificate
) -> None:
    changed = template.copy()
    changed.function()["MemorySize"] = 64
    with Cloud(changed, containers, certificate) as cloud, Visitor(cloud) as visitor:
        answer = visitor.get("/api/ping")
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
