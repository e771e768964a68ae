"""Debian's Chromium for tests, without background requests of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera with a test image; each test decides whether the page has permission.
    "--use-fake-device-for-media-stream",
)


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """Launch a browser for a `with` block; without Chromium, skip the test, or fail it with CI=true.

    Args:
        flags: more of them than every test needs.
    """
    if not CHROMIUM.exists():
        sentence = f"The tests with a browser need Chromium at {CHROMIUM}."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    # Playwright's default of 5 s is too short on a loaded machine.
    expect.set_options(timeout=30_000)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags]) as browser,
    ):
        yield browser


def wait_until(page: Page, condition: str) -> None:
    """Wait up to a minute until the JavaScript `condition` is true; `expect` only waits for elements."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"Not true within a minute: {condition}")
