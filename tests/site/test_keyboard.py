"""A whole visit by keyboard alone: the focus moves to the next step, is always visible, and is never lost."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FileChooser, Page, Route, expect

from tests.support.site.service import CARD, answer
from tests.support.site.views import IMAGE, PROBLEM, files

# The focus is lost when the page as a whole has it: the next Tab would begin at the top. Only from an open window it may
# leave the page, to the browser's own controls, and comes back into the window from there.
FOCUS = """() => {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement) {
        return document.querySelector("dialog[open]") ? "browser" : "";
    }
    return element.id || element.dataset.id || element.className || element.tagName;
}"""
SEEN = """() => {
    const element = document.activeElement;
    const ringed = element.matches(".choice input") ? element.closest("label") : element;
    const { outlineStyle, outlineWidth } = getComputedStyle(ringed);
    const { top, bottom, width } = ringed.getBoundingClientRect();
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && bottom > 0 && top < innerHeight && width > 0;
}"""


class Keys:
    """Presses keys, and looks after each that the focus is somewhere."""

    def __init__(self, page: Page) -> None:
        self.page = page
        # Listened for from the beginning: asked for with the key, it may come too late.
        self.choosers: list[FileChooser] = []
        page.on("filechooser", lambda chooser: self.choosers.append(chooser))

    def press(self, key: str) -> str:
        self.page.keyboard.press(key)
        # Where what had the focus went away, a browser notices when it draws the next time.
        self.page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
        focus = str(self.page.evaluate(FOCUS))
        assert focus, f"{key} lost the focus"
        return focus

    def to(self, target: str, key: str = "Tab") -> list[str]:
        """Tab until an element has the focus; all that had it on the way, each of them with a ring around it."""
        way: list[str] = []
        for _ in range(60):
            way.append(self.press(key))
            assert way[-1] == "browser" or self.page.evaluate(SEEN), f"it is not seen that {way[-1]} has the focus"
            if self.page.locator(target).evaluate("(element) => element === document.activeElement"):
                return way
        raise AssertionError(f"{target} is not reached: {way}")


@pytest.fixture
def keys(opened: Callable[..., Page]) -> Keys:
    page = opened(width=1280)
    return Keys(page)


def serve(page: Page, *bodies: dict[str, Any] | None) -> None:
    """Answer in the service's place, one after the other; none is a failure."""
    left = list(bodies)

    def reply(route: Route) -> None:
        body = left.pop(0)
        if body:
            route.fulfill(json=body)
        else:
            route.fulfill(status=500, json=PROBLEM)

    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", reply)


def choose(keys: Keys, *images: Any) -> None:
    """Press the button that has the focus, and choose files."""
    keys.page.keyboard.press("Enter")
    for _ in range(300):
        if keys.choosers:
            break
        keys.page.wait_for_timeout(100)
    keys.choosers.pop().set_files(list(images))
    expect(keys.page.locator("#photo-figure")).to_be_visible()


def test_keyboard_sample_result_and_language(keys: Keys) -> None:
    """By keyboard from a sample to its result, then to another language."""
    page = keys.page
    serve(page, answer(0.62, "malignant"), None)
    assert keys.to("#gallery li:nth-child(3) button")[:4] == ["skip", "language", "diary-open", "about-open"]
    keys.press("Enter")
    # The samples are the last part of the document, and beside the photo on the screen.
    assert keys.to("#analyse", "Shift+Tab")[-2:] == ["A", "analyse"]
    assert keys.to("#clear", "Shift+Tab") == ["SUMMARY", "private", "camera-again", "change", "clear"]
    keys.to("#analyse")
    keys.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#result-heading")).to_be_focused()
    # The five questions, and the report for a doctor.
    assert keys.to("#opacity") == [*["INPUT"] * 5, "BUTTON", "print", "INPUT", "opacity"]
    keys.press("Home")
    expect(page.locator("#map")).to_have_css("opacity", "0")
    keys.to("#language", "Shift+Tab")
    for code in ("es", "de"):
        keys.press("ArrowDown")
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("#language")).to_be_focused()
    # A failure, and what can be done about it.
    keys.to("#analyse")
    keys.press("Enter")
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#result-heading")).to_be_focused()
    assert keys.to("#problem-change") == ["retry", "problem-change"]
    choose(keys, IMAGE)
    expect(page.locator("#analyse")).to_be_focused()


def test_keyboard_file_crop_result_and_back(keys: Keys) -> None:
    """By keyboard from a file through a crop to its result and back."""
    page = keys.page
    serve(page, answer(0.034, "benign"))
    keys.to("#choose")
    choose(keys, IMAGE)
    expect(page.locator("#analyse")).to_be_focused()
    assert keys.to("#crop-open", "Shift+Tab")[-2:] == ["change", "crop-open"]
    page.keyboard.press("Enter")
    expect(page.locator("#crop-area")).to_be_focused()
    assert page.evaluate(SEEN)
    for key in ("+", "ArrowLeft", "r"):
        keys.press(key)
    # Round the window and nowhere else: its tools, its end, its beginning.
    way = [name for name in keys.to("#crop-area") if name not in ("BUTTON", "browser")]
    assert way == ["crop-reset", "crop-use", "crop-close", "crop-area"]
    keys.to("#crop-use")
    page.keyboard.press("Enter")
    expect(page.locator("#analyse")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#result-heading")).to_be_focused()
    keys.to("#clear", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#choose")).to_be_focused()


def test_about_returns_focus_to_its_opener(keys: Keys) -> None:
    """The way back from the About view returns the focus to the link that opened it."""
    page = keys.page
    serve(page)
    for opener in ("#about-open", "#tips a", "#about-open-below"):
        keys.to(opener)
        page.keyboard.press("Enter")
        expect(page.locator("#about :focus")).to_have_count(1)
        expect(page.locator("#test-figures table").first).to_be_visible()
        if opener == "#tips a":
            page.go_back()
        else:
            keys.to("#about-close")
            page.keyboard.press("Enter")
        expect(page.locator("#about")).to_be_hidden()
        expect(page.locator(opener)).to_be_focused()
        assert page.evaluate(SEEN)


def test_camera_keeps_focus_until_closed(keys: Keys) -> None:
    """The camera dialog keeps the focus until it is closed."""
    page = keys.page
    keys.to("#camera-open")
    page.keyboard.press("Enter")
    expect(page.locator("#camera-shutter")).to_be_focused()
    # Beyond the last control comes the browser's own, and then the first again.
    inside = "(dialog) => [document.body, null].includes(document.activeElement) || dialog.contains(document.activeElement)"
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.locator("#camera").evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.locator("#camera")).to_be_hidden()
    expect(page.locator("#camera-open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#camera-shutter")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#analyse")).to_be_focused()


def test_keyboard_handles_several_photos(keys: Keys) -> None:
    """By keyboard, several photos are analysed, sorted, saved, retried and removed."""
    page = keys.page
    serve(page, answer(0.62, "malignant"), None, answer(0.034, "benign"), answer(0))
    keys.to("#choose")
    choose(keys, *files("a.jpg", "b.jpg", "c.jpg"))
    expect(page.locator("#queue-analyse")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#queue-progress")).to_have_text("2 of 3 analysed, 1 without a result")
    # Where Stop was; one may be tried again.
    expect(page.locator("#queue-analyse")).to_be_focused()
    keys.to("[data-sort=probability]", "Shift+Tab")
    keys.press("Enter")
    expect(page.locator("#queue th[aria-sort=descending]")).to_have_count(1)
    expect(page.locator("[data-sort=probability]")).to_be_focused()
    keys.to("#queue-export", "Shift+Tab")
    with page.expect_download():
        keys.press("Enter")
    keys.to("[data-state=failed] .row-status button")
    keys.press("Enter")
    expect(page.locator("[data-state=done]")).to_have_count(3)
    expect(page.locator("#queue-rows tr:last-child .row-show")).to_be_focused()
    keys.to("#queue-rows tr:last-child .remove")
    keys.press("Enter")
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    assert page.evaluate(FOCUS) == "row-show"
    keys.to("#queue-rows tr:last-child .remove")
    keys.press("Enter")
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#analyse")).to_be_focused()


def test_keyboard_switches_private_mode(keys: Keys) -> None:
    """Private mode is switched by keyboard."""
    page = keys.page
    keys.to("#private")
    keys.press("Space")
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "loading")
    keys.press("Space")
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "off")
    expect(page.locator("#private")).to_be_focused()


def test_keyboard_reloads_samples(keys: Keys) -> None:
    """By keyboard, samples that could not be loaded are loaded again."""
    page = keys.page
    page.route("**/api/samples", lambda route: route.abort())
    page.reload()
    expect(page.locator("#samples-problem")).to_be_visible()
    keys.to("#samples-retry")
    page.unroute("**/api/samples")
    page.keyboard.press("Enter")
    expect(page.locator("#gallery li:first-child button")).to_be_focused()
