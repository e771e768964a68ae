"""What the tests of the page share: a browser, and windows of it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import launched


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
