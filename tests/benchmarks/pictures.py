"""The pictures of the page in docs/ and the README: `python -m tests.benchmarks.pictures`, with Chromium.

What they show comes from the service's own model and samples.
"""

from collections.abc import Callable
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.benchmarks.page import served
from tests.support.browser import launched
from tests.support.paths import REPOSITORY

DESK, TELEPHONE = (1280, 900), (390, 844)
QUALITY = 80


def start(page: Page) -> None:
    """The page as it opens."""


def result(page: Page) -> None:
    """The answer to the first sample."""
    page.locator(".sample").first.click()
    page.locator("#predict").click()
    page.locator("#answer").wait_for()
    page.locator("#map").wait_for()


def evidence(page: Page) -> None:
    """The map of the first sample."""
    result(page)
    page.locator("#evidence").evaluate("(section) => section.scrollIntoView({ block: 'center' })")


def about(page: Page) -> None:
    """The plots."""
    page.locator("#about-open").click()
    page.locator("#figures figure").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("#figures figure").first.scroll_into_view_if_needed()


VIEWS: tuple[tuple[str, Callable[[Page], None]], ...] = (
    ("start", start),
    ("result", result),
    ("evidence", evidence),
    ("about", about),
)


def picture(
    browser: Browser, address: str, name: str, view: Callable[[Page], None], size: tuple[int, int], dark: bool
) -> None:
    """Write one picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        service_workers="block",
    )
    page = context.new_page()
    page.goto(address)
    page.locator(".sample").last.wait_for()
    page.wait_for_load_state("networkidle")
    view(page)
    # Thumbnails and plots are painted a frame later.
    page.wait_for_timeout(500)
    kind = f"{'desk' if size == DESK else 'phone'}-{'dark' if dark else 'light'}"
    with Image.open(BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(REPOSITORY / "docs" / "page" / f"{name}-{kind}.webp", quality=QUALITY, method=6)
    context.close()


def main() -> None:
    """Write every view, on a telephone and a desk, light and dark."""
    (REPOSITORY / "docs" / "page").mkdir(exist_ok=True)
    with served() as address, launched() as browser:
        for name, view in VIEWS:
            for size in (TELEPHONE, DESK):
                for dark in (False, True):
                    picture(browser, address, name, view, size, dark)


if __name__ == "__main__":
    main()
