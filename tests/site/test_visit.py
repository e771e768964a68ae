"""A whole visit: window sizes, hosts and content security policy."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.paths import PHONE_IMAGES
from tests.support.site.languages import EACH_LANGUAGE
from tests.support.site.visit import IMAGES, answer_in_turn, named_files, scrolls_sideways, short_answer


@pytest.mark.parametrize("locale", EACH_LANGUAGE)
def test_visit_fits_smallest_phone(open_page: Callable[..., Page], locale: str) -> None:
    """Every view fits the smallest phone without scrolling sideways."""
    page = open_page((320, 640), locale=locale)
    assert not scrolls_sideways(page)
    answer_in_turn(page, short_answer(0.62), short_answer(0, "too_dark"))
    page.set_input_files("#file", named_files("a-name-that-is-much-too-long-for-any-phone.jpg", "b.jpg"))
    page.locator("#queue-analyse").click()
    expect(page.locator("#queue-bar")).to_have_js_property("value", 2)
    assert not scrolls_sideways(page)
    fits = "(dialog) => dialog.scrollWidth <= dialog.clientWidth && dialog.getBoundingClientRect().right <= innerWidth"
    page.locator("#crop-open").click()
    expect(page.locator("#crop-work")).to_be_visible()
    assert page.locator("#crop").evaluate(fits)
    page.keyboard.press("Escape")
    page.locator("#queue-clear").click()
    page.locator("#camera-open").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    assert page.locator("#camera").evaluate(fits)


def test_visit_requests_own_host_and_keeps_csp(open_page: Callable[..., Page], base_url: str) -> None:
    """A visit with camera, crop and several photos stays on its host and within the CSP."""
    page = open_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    page.get_by_role("button", name="Crop and enlarge").click()
    page.get_by_role("button", name="Closer").click()
    page.get_by_role("button", name="Use this square").click()
    page.set_input_files("#file", [*IMAGES[:2], PHONE_IMAGES / "ISIC_0000026.heic"])
    page.get_by_role("button", name="Analyse all").click()
    # The photo from the camera is one of them.
    expect(page.locator("#queue-progress")).to_have_text("4 of 4 analysed")
    page.get_by_role("button", name="ISIC_0000026.heic", exact=True).click()
    page.get_by_role("button", name="Crop and enlarge").click()
    page.get_by_role("button", name="Use this square").click()
    with page.expect_download():
        page.get_by_role("button", name="Save as CSV").click()
    assert complaints == []
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
