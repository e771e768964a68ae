"""The browser that tests drive: Debian's Chromium, kept from asking anybody on its own account."""

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
    # A camera that films a test picture; whether the page may use it is said by each test.
    "--use-fake-device-for-media-stream",
)


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """A browser, for as long as a `with` block; where there is none, the test is skipped, or fails with CI=true.

    Args:
        flags: more of them than every test needs.
    """
    if not CHROMIUM.exists():
        sentence = f"The tests with a browser need Chromium at {CHROMIUM}."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    # Playwright's 5 s are short where training takes every core; what is already there is not waited for.
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
