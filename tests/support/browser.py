"""Debian's Chromium for tests, without background requests of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
# The same engine without a desktop's interface. A page takes less than half of the CPU time: 0.87 s instead of 2.03 s.
HEADLESS_SHELL = Path("/usr/bin/chromium-headless-shell")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # A camera with a test image.
)
# The headless shell has no dialogue for permissions.
ALLOW_CAMERA = "--auto-accept-camera-and-microphone-capture"
DENY_CAMERA = "--use-fake-ui-for-media-stream=deny"


def has_browser() -> bool:
    """Return whether a browser for tests is installed."""
    return CHROMIUM.exists() or HEADLESS_SHELL.exists()


def launch(browser_type: BrowserType, *flags: str, headed_build: bool = False, camera: bool = True) -> Browser:
    """Launch the headless shell if it is installed, else Chromium.

    Args:
        browser_type: Playwright's `chromium`, or `browser_type` of a running browser.
        flags: more of them than every test needs.
        headed_build: launch the Chromium that people use, whose timings are measured.
        camera: whether pages may use the camera.
    """
    shell = HEADLESS_SHELL.exists() and not headed_build
    return browser_type.launch(
        executable_path=HEADLESS_SHELL if shell else CHROMIUM,
        args=[*FLAGS, ALLOW_CAMERA if camera else DENY_CAMERA, *flags],
    )


@contextmanager
def launched(*flags: str, headed_build: bool = False) -> Iterator[Browser]:
    """Launch a browser for a `with` block; without one, skip the test, or fail it with CI=true.

    The arguments are those of `launch`; pages may use the camera.
    """
    if not has_browser():
        sentence = f"The tests with a browser need Chromium at {CHROMIUM} or {HEADLESS_SHELL}."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    # Playwright's default of 5 s is too short on a loaded machine.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright, launch(playwright.chromium, *flags, headed_build=headed_build) as browser:
        yield browser


def wait_until(page: Page, condition: str) -> None:
    """Wait up to a minute until the JavaScript `condition` is true; `expect` only waits for elements."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"Not true within a minute: {condition}")
