"""Screenshots of the page in docs/page: `python -m tests.benchmarks.screenshots`, with Chromium.

They show the shipped model and the samples of the page.
"""

from collections.abc import Callable
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.benchmarks.page_load import served
from tests.support.browser import launched
from tests.support.paths import REPOSITORY

DESKTOP, PHONE = (1280, 800), (390, 844)
QUALITY = 80


def start(page: Page) -> None:
    """Leave the page as it opens."""


def result(page: Page) -> None:
    """Classify the first sample."""
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    page.locator("#answer").wait_for()
    page.locator("#map").wait_for()


def evidence(page: Page) -> None:
    """Scroll to the evidence map of the first sample."""
    result(page)
    page.locator("#evidence").evaluate("(section) => section.scrollIntoView({ block: 'center' })")


def about(page: Page) -> None:
    """Open the About view and scroll to its plots."""
    page.locator("#about-open").click()
    page.locator("#test-figures figure").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("#test-figures figure").first.scroll_into_view_if_needed()


VIEWS: tuple[tuple[str, Callable[[Page], None]], ...] = (
    ("start", start),
    ("result", result),
    ("evidence", evidence),
    ("about", about),
)


def screenshot(
    browser: Browser, address: str, name: str, view: Callable[[Page], None], size: tuple[int, int], dark: bool
) -> None:
    """Write one screenshot."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        has_touch=size == PHONE,
        reduced_motion="reduce",
        service_workers="block",
    )
    page = context.new_page()
    page.goto(address)
    page.locator(".sample").last.wait_for()
    page.wait_for_load_state("networkidle")
    view(page)
    # Thumbnails and plots are painted one frame later.
    page.wait_for_timeout(500)
    kind = f"{'desk' if size == DESKTOP else 'phone'}-{'dark' if dark else 'light'}"
    with Image.open(BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(REPOSITORY / "docs" / "page" / f"{name}-{kind}.webp", quality=QUALITY, method=6)
    context.close()


def main() -> None:
    """Write every view, on a phone and a desktop, light and dark."""
    (REPOSITORY / "docs" / "page").mkdir(exist_ok=True)
    with served() as address, launched(headed_build=True) as browser:
        for name, view in VIEWS:
            for size in (PHONE, DESKTOP):
                for dark in (False, True):
                    screenshot(browser, address, name, view, size, dark)


if __name__ == "__main__":
    main()
