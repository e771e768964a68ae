"""The deployment emulated from its template with the built image: over HTTP, and a complete visit in a browser.

Run by `make rehearse`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.emulation.browser_visit import sample_below_threshold, visit_page
from tests.emulation.checks import CHECKS, Visitor
from tests.support.cloud.cloud import Cloud, Pool
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import Template

pytestmark = pytest.mark.emulation


@pytest.fixture
def visitor(template: Template, containers: Pool, certificate: Certificate) -> Iterator[Visitor]:
    """Return a client of a fresh deployment, with an empty cache and a full token bucket."""
    with Cloud(template, containers, certificate) as cloud, Visitor(cloud) as visitor:
        yield visitor


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_deployment_over_http(visitor: Visitor, check: Callable[[Visitor], None]) -> None:
    check(visitor)


def test_deployment_in_a_browser(browser: Browser, visitor: Visitor, tmp_path: Path) -> None:
    visit_page(browser, visitor.cloud.url, sample_below_threshold(visitor), tmp_path)


def test_too_little_memory_fails(template: Template, containers: Pool, certificate: Certificate) -> None:
    changed = template.copy()
    changed.function()["MemorySize"] = 64
    with Cloud(changed, containers, certificate) as cloud, Visitor(cloud) as visitor:
        answer = visitor.get("/api/ping")
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
