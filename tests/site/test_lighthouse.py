"""Lighthouse's category "accessibility" of each view: 100 of 100, besides axe-core in `test_audit.py`."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.packaging.bundle import PACKAGES
from tests.support.browser import launch
from tests.support.paths import REPOSITORY
from tests.support.site.views import VIEWS

INFRA = PACKAGES.parents[1]
SCRIPT = REPOSITORY / "tests" / "support" / "site" / "lighthouse.mjs"
# What is shown at /, /about and /diary: the start, a result, several photos, figures, the diary, a dialog.
SHOWN = ("start", "above", "several", "about", "diary", "camera")


@dataclass(frozen=True)
class Auditor:
    """A browser whose DevTools listen on a port."""

    browser: Browser
    port: int

    def audit(self, page: Page) -> dict[str, Any]:
        """Return score and failed audits of the page as it is."""
        command = [os.environ["JSII_NODE"], str(SCRIPT), str(INFRA), str(self.port), page.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def auditor(browser: Browser) -> Iterator[Auditor]:
    if not (INFRA / "node_modules" / "lighthouse").is_dir():
        sentence = "Lighthouse is not installed. `make tools` installs it."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with launch(browser.browser_type, f"--remote-debugging-port={port}") as audited:
        yield Auditor(audited, port)


@pytest.fixture
def visitor(auditor: Auditor, base_url: str) -> Iterator[Page]:
    context = auditor.browser.new_context(locale="en", reduced_motion="reduce", service_workers="block")
    with context:
        page = context.new_page()
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        yield page


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_lighthouse_accessibility_is_100(auditor: Auditor, visitor: Page, name: str) -> None:
    """Each view has the full score."""
    VIEWS[name](visitor)
    found = auditor.audit(visitor)
    assert found["failed"] == []
    assert found["score"] == 1
    # Not because nothing was looked at.
    assert found["passed"] > 10


@pytest.mark.slow
def test_lighthouse_reports_violations(auditor: Auditor, visitor: Page) -> None:
    """A button without a name lowers the score."""
    visitor.evaluate("document.getElementById('camera-open').textContent = ''")
    found = auditor.audit(visitor)
    assert found["score"] < 1
    assert "button-name" in {failure["id"] for failure in found["failed"]}
