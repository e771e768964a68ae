"""A visit on a phone, from the first byte to the verdict: camera, shutter, analyse, and no scrolling."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.site.languages import LANGUAGES
from tests.support.site.service import TYPES_CARD, answer, typed
from tests.support.site.visit import STATUSES, named_files

SIZES = [(390, 844), (320, 568)]
SIDEWAYS = (844, 390)
HITS = """([id, x, y]) => {
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (hit.id === id || hit.closest(`#${id}`) !== null);
}"""


@pytest.fixture
def phone(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the page on a touch screen."""
    contexts = []

    def phone(size: tuple[int, int], language: str) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            has_touch=True,
            is_mobile=True,
            reduced_motion="reduce",
            service_workers="block",
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(base_url)
        return page

    yield phone
    for context in contexts:
        context.close()


class Finger:
    """Taps what is in the window, as Playwright's clicks, which scroll, do not."""

    def __init__(self, page: Page, height: int) -> None:
        self.page = page
        self.height = height
        self.taps = 0

    def tap(self, target: str) -> None:
        button = self.page.locator(target)
        expect(button).to_be_enabled()
        expect(button).to_be_in_viewport(ratio=1)
        # A dialog that closes, or a photo that appears, moves the button for a moment.
        for _ in range(50):
            box = button.bounding_box()
            assert box
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            if hits := self.page.evaluate(HITS, [target.removeprefix("#"), x, y]):
                break
            self.page.wait_for_timeout(100)
        assert hits, f"{target} is covered"
        self.page.touchscreen.tap(x, y)
        self.taps += 1


def visit(page: Page, height: int) -> Finger:
    """Take a photo with the page's camera and analyse it."""
    finger = Finger(page, height)
    finger.tap("#camera-open")
    finger.tap("#camera-shutter")
    expect(page.locator("#preview")).to_be_visible()
    finger.tap("#analyse")
    return finger


@pytest.mark.parametrize(
    ("size", "language"),
    [
        (SIZES[0], "en"),
        # German has the longest words.
        (SIZES[1], "de"),
        *(
            pytest.param(size, code, marks=pytest.mark.slow)
            for size in (*SIZES, SIDEWAYS)
            for code in LANGUAGES
            if (size, code) not in ((SIZES[0], "en"), (SIZES[1], "de"))
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_three_taps_lead_to_verdict(phone: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    """Three taps, each on a button in the window, show heading and score in the window."""
    page = phone(size, language)
    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=typed(answer(0.62, "malignant"), "clinical")))
    finger = visit(page, size[1])
    expect(page.locator("#answer")).to_be_visible()
    for part in ("#result-heading", "#score"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    assert finger.taps == 3


def test_three_taps_with_the_service(phone: Callable[..., Page]) -> None:
    """The service refuses the test image of the camera, and says so in the window."""
    page = phone(SIZES[0], "en")
    finger = visit(page, SIZES[0][1])
    heading = page.locator("#result-heading")
    expect(heading).to_have_text(STATUSES)
    expect(heading).to_be_in_viewport(ratio=1)
    assert finger.taps == 3


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_phone_has_one_primary_action(phone: Callable[..., Page], size: tuple[int, int]) -> None:
    """The camera is the one filled button, then Analyse; options are folded away, and samples come after the photo."""
    page = phone(size, "en")
    filled = """() => [...document.querySelectorAll("#analysis button")].filter((button) => button.checkVisibility()
        && getComputedStyle(button).backgroundColor === "rgb(74, 63, 159)").map(({ id }) => id)"""
    expect(page.locator(".sample")).to_have_count(12)
    assert page.evaluate(filled) == ["camera-open"]
    order = [page.locator(part).bounding_box() for part in ("#photo", "#samples", "#result")]
    tops = [box["y"] for box in order if box]
    assert tops == sorted(tops) and len(tops) == 3
    expect(page.locator("#private")).to_be_hidden()
    fold = page.get_by_role("button", name="Options")
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("switch", name="Private mode")).to_be_visible()
    fold.click()
    expect(page.locator("#private")).to_be_hidden()
    page.locator(".sample").first.click()
    assert page.evaluate(filled) == ["analyse"]
    expect(page.locator("#analyse")).to_be_in_viewport(ratio=1)


def test_several_photos_have_one_action_in_reach(phone: Callable[..., Page]) -> None:
    """With several photos, all of them are analysed by the one filled button, which stays in the window."""
    page = phone(SIZES[1], "de")
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    expect(page.locator("#queue-rows tr")).to_have_count(3)
    expect(page.locator("#queue-analyse")).to_be_in_viewport(ratio=1)
    sticky = "() => [...document.querySelectorAll('.action')].map((action) => getComputedStyle(action).position)"
    assert sorted(page.evaluate(sticky)) == ["static", "sticky"]
    assert page.locator("#analyse").evaluate("(button) => !button.matches('.primary')")
