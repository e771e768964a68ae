"""What the tests of the page share: a browser, and windows of it."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.support.browser import launched
from tests.support.site.visit import CAMERA_RECORDER, DESKTOP

_HERE = Path(__file__).parent
_QUICK_CASES = 2
"""Of each test that opens the page, so many cases are in the quick selection; the others are slow."""


@pytest.hookimpl(tryfirst=True)  # Before pytest selects by markers.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the further cases of each test of the page as slow.

    With CI=true, run one that fails once more: on a busy machine a browser can be late for anything.
    """
    cases: Counter[object] = Counter()
    for item in items:
        if not item.path.is_relative_to(_HERE):
            continue
        if os.environ.get("CI") == "true":
            item.add_marker(pytest.mark.flaky(reruns=1))
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames and not item.get_closest_marker("slow"):
            cases[item.function] += 1
            if cases[item.function] > _QUICK_CASES:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return the browser of this folder; ends with it, because no other event loop can run in its thread."""
    with launched() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the page in a language and a window."""
    contexts: list[BrowserContext] = []

    def opened(language: str = "en", width: int = 390, height: int = 844) -> Page:
        context = browser.new_context(
            locale=language,
            reduced_motion="reduce",
            service_workers="block",
            viewport={"width": width, "height": height},
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the page: how wide, what runs before it, and in which language."""
    contexts: list[BrowserContext] = []

    def open_page(size: tuple[int, int] = DESKTOP, *scripts: str, locale: str = "en") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            locale=locale,
            accept_downloads=True,
            service_workers="block",
        )
        contexts.append(context)
        page = context.new_page()
        for script in (CAMERA_RECORDER, *scripts):
            page.add_init_script(script)
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def quarters() -> FilePayload:
    """A image of four colours, 400 x 300, as it is chosen: red and blue above, yellow and green below."""
    image = Image.new("RGB", (400, 300))
    for at, colour in (((0, 0), "red"), ((200, 0), "blue"), ((0, 150), "yellow"), ((200, 150), "green")):
        image.paste(colour, (*at, at[0] + 200, at[1] + 150))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return {"name": "quarters.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """Return the page in a window of a desktop."""
    return open_page()
