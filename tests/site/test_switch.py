"""Private mode switched on or off while something is under way: which side classifies then, and what is sent."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.support.browser import wait_until
from tests.support.site.service import CARD, answer
from tests.support.site.views import IMAGE, files
from tests.support.site.visit import HEADINGS

# Above the service's limit, so that it is opened here and made smaller first.
LARGE: FilePayload = {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": IMAGE.read_bytes() + bytes(4_500_000)}
# Opens a image only when it is told to.
SLOW = """() => {
    const open = createImageBitmap.bind(window);
    window.createImageBitmap = async (...given) => {
        await new Promise((resolve) => (window.goOn = resolve));
        return open(...given);
    };
}"""
# A worker that is asked for an answer and never gives one.
SILENT = """() => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (data, ...given) {
        if ("file" in data) window.isAsked = true;
        else post.call(this, data, ...given);
    };
}"""


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    return opened(width=1280)


def sent(page: Page) -> list[str]:
    """Fills with what the service is asked to classify from here on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/classify" in request.url else None)
    return asked


def hold(page: Page, address: str) -> list[Route]:
    """Fills with the requests that wait for the test from here on."""
    held: list[Route] = []
    page.route(address, lambda route: held.append(route))
    return held


def switched(page: Page, state: str) -> None:
    expect(page.locator("#private-mode")).to_have_attribute("data-state", state, timeout=120_000)


@pytest.mark.slow
def test_resizing_photo_is_not_sent_in_private_mode(page: Page) -> None:
    """A photo that is being made smaller is not sent once private mode is on."""
    asked = sent(page)
    page.evaluate(SLOW)
    page.set_input_files("#file", LARGE)
    page.locator("#analyse").click()
    wait_until(page, "() => Boolean(window.goOn)")
    page.locator("#private").check()
    page.evaluate("goOn()")
    expect(page.locator("#answer")).to_be_visible(timeout=120_000)
    assert asked == []
    expect(page.locator("#details")).to_contain_text("nothing; analysed on this device")


def test_service_answer_does_not_wait_for_download(page: Page) -> None:
    """An answer of the service does not wait for the download."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    asked = hold(page, "**/api/classify**")
    hold(page, "**/*.onnx.gz")
    page.locator(".sample").first.click()
    with page.expect_request("**/api/classify**"):
        page.locator("#analyse").click()
    page.locator("#private").check()
    switched(page, "loading")
    asked[0].fulfill(json=answer(0.62, "malignant"))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])
    # With the figures of the model that gave it.
    expect(page.locator("#advice")).to_contain_text("95 of 100")
    switched(page, "loading")


@pytest.mark.slow
def test_switch_off_leaves_running_photo_repeatable(page: Page) -> None:
    """A photo in progress when private mode is switched off can be analysed again."""
    page.locator("#private").check()
    switched(page, "ready")
    page.evaluate(SILENT)
    asked = sent(page)
    page.set_input_files("#file", IMAGE)
    page.locator("#analyse").click()
    wait_until(page, "() => Boolean(window.isAsked)")
    page.locator("#private").uncheck()
    expect(page.locator("#advice")).to_have_text("Press Analyse to analyse this photo.")
    expect(page.locator("#private")).to_be_focused()
    assert asked == []
    page.route("**/api/classify**", lambda route: route.fulfill(json=answer(0.62, "malignant")))
    page.locator("#analyse").click()
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])


@pytest.mark.slow
def test_switch_off_sends_no_waiting_photo(page: Page) -> None:
    """No photo that waited for the download is sent when private mode is switched off."""
    asked = sent(page)
    hold(page, "**/*.onnx.gz")
    page.locator("#private").check()
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
    page.locator("#queue-analyse").click()
    expect(page.locator("[data-state=running]")).to_have_count(1)
    page.locator("#private").uncheck()
    expect(page.locator("#live")).to_have_text("Private mode is off. Photos are sent to the service.")
    expect(page.locator("#queue-note")).to_have_text("Stopped. 0 of 3 have been analysed.")
    expect(page.locator("[data-state=new]")).to_have_count(3)
    expect(page.locator("#advice")).to_have_text("Press Analyse to analyse this photo.")
    assert asked == []
