"""The page as a whole: controls, samples, errors of the service, layout."""

import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.site.service import CARD, SHA256, answer, answer_with
from tests.support.site.visit import IMAGE, STATUSES, set_views

SITE = REPOSITORY / "infra" / "site"


def test_page_works_by_keyboard(page: Page) -> None:
    """From a sample to its result with the keyboard only."""
    page.get_by_role("button", name="Sample 3").focus()
    page.keyboard.press("Enter")
    page.get_by_role("switch", name="Private mode").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Expert settings")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Analyse")).to_be_focused()
    with page.expect_request("**/api/classify?sample=ISIC_*&views=8"):
        page.keyboard.press("Enter")
    expect(page.locator("#result-heading")).to_be_focused()


def test_unreachable_service_can_be_retried(page: Page) -> None:
    """A service that is down shows a message, and the retry succeeds."""
    page.route("**/api/classify**", lambda route: route.abort("connectionrefused"))
    page.set_input_files("#file", IMAGE)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_have_text("The service could not be reached. Check your connection and try again.")
    page.unroute("**/api/classify**")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)


@pytest.mark.parametrize("status", [429, 503])
def test_gateway_error_shows_message(page: Page, status: int) -> None:
    """An error of the gateway, without a problem body, shows a message."""
    page.route("**/api/classify**", lambda route: route.fulfill(status=status, json={"message": "Too Many Requests"}))
    page.get_by_role("button", name="Sample 3").click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_contain_text("Wait a few seconds and try again.")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_result_is_hidden_by_next_analysis(page: Page) -> None:
    """An earlier result disappears when the next analysis starts."""
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#map")).to_be_visible()
    page.route("**/api/classify**", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("No result")
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator("#answer")).to_be_hidden()


def test_samples_can_be_loaded_again(page: Page) -> None:
    """Samples that could not be loaded can be loaded again."""
    page.route("**/api/samples", lambda route: route.abort("connectionrefused"))
    page.reload()
    expect(page.locator("#samples-problem")).to_contain_text("could not be reached")
    page.unroute("**/api/samples")
    page.get_by_role("button", name="Load the samples again").click()
    expect(page.locator(".sample")).to_have_count(12)


def test_slow_analysis_is_explained_and_cancellable(page: Page) -> None:
    """A slow analysis is explained and can be cancelled."""
    page.clock.install()
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.get_by_role("button", name="Sample 3").click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("Analysing the photo")
    expect(page.locator("#busy-text")).to_be_empty()
    page.clock.fast_forward(2000)
    expect(page.locator("#busy-text")).to_have_text("This takes longer: the connection is slow, or the service is starting.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#advice")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Analyse")).to_be_focused()


def test_new_photo_clears_result(page: Page) -> None:
    """Another photo clears the result."""
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    page.set_input_files("#file", IMAGE)
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator('.sample[aria-pressed="true"]')).to_have_count(0)


def test_remove_returns_to_start(page: Page) -> None:
    """Remove returns to the start view."""
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#photo-figure")).to_be_hidden()
    expect(page.locator("#analyse")).to_be_hidden()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def test_page_requests_own_host_and_keeps_csp(base_url: str, browser: Browser) -> None:
    """A visit sends requests to its own host only and does not violate the CSP."""
    # With its service worker, which the other tests do without.
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.on("request", lambda request: asked.append(request.url))
    response = page.goto(base_url)
    assert response and "default-src 'none'" in response.headers["content-security-policy"]
    page.set_input_files("#file", IMAGE)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    page.get_by_role("link", name="About", exact=True).click()
    expect(page.locator("#test-figures")).not_to_be_empty()
    assert complaints == []
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []
    context.close()


@pytest.mark.parametrize("width", [320, 390, 760, 1100])
def test_page_does_not_scroll_sideways(open_page: Callable[..., Page], width: int) -> None:
    """No view scrolls sideways at any width."""
    page = open_page((width, 900))
    fits = "document.documentElement.scrollWidth <= innerWidth"
    page.set_input_files("#file", {"name": f"{'long' * 40}.heic", "mimeType": "image/heic", "buffer": b"no image"})
    expect(page.locator("#no-preview")).to_be_visible()
    assert page.evaluate(fits)
    answer_with(page, answer(0.99, "benign", "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    assert page.evaluate(fits)
    page.get_by_role("link", name="About", exact=True).click()
    expect(page.locator("#test-figures table")).to_have_count(2)
    assert page.evaluate(fits)


def test_about_shows_figures_and_limits(page: Page) -> None:
    """The About view shows figures and limits of use."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.get_by_role("link", name="About", exact=True).click()
    about = page.get_by_role("main", name="About")
    expect(about).to_contain_text("Measured on 1,350 photos, 400 of malignant lesions, that it was not trained on.")
    expect(about.get_by_role("row", name="Sensitivity")).to_contain_text("95.1%92.0% to 97.0%")
    # At 2 %: 0.951 * 0.02 of 0.951 * 0.02 + 0.38 * 0.98 above, and 0.049 * 0.02 of that + 0.62 * 0.98 below.
    expect(about.locator("table").last.get_by_role("row").nth(2)).to_have_text("2%5%0.16%")
    expect(about).to_contain_text("Only for tests.")
    page.get_by_role("link", name="Back to the photo").click()
    expect(about).to_be_hidden()
    expect(page.get_by_role("link", name="About", exact=True)).to_be_focused()


def test_hints_are_not_part_of_accessible_names(page: Page) -> None:
    """Hints are descriptions, not part of the accessible names."""
    page.get_by_text("Expert settings").click()
    views = page.get_by_role("checkbox", name="Use one view only", exact=True)
    expect(views).to_have_accessible_description(re.compile("^Faster. Otherwise eight views are analysed"))
    private = page.get_by_role("switch", name="Private mode", exact=True)
    expect(private).to_have_accessible_description(re.compile("^The photo does not leave this device"))


@pytest.mark.parametrize(("touch", "words"), [(True, "Take a photo, choose one"), (False, "Drop or paste")])
def test_invitation_suits_touch_screen(browser: Browser, base_url: str, touch: bool, words: str) -> None:
    """On a touch screen the invitation does not mention drop and paste."""
    context = browser.new_context(service_workers="block", has_touch=touch)
    page = context.new_page()
    page.goto(base_url)
    expect(page.locator("#invitation p").filter(visible=True).first).to_contain_text(words)
    expect(page.locator("#invitation p").filter(visible=True)).to_have_count(2)
    context.close()


def test_foreign_markup_is_shown_as_text(page: Page) -> None:
    """Markup from the service or a file name is shown as text."""
    body = answer(0.62, "malignant")
    markup = "<img src=x onerror=alert(1)>"
    refusal = {"code": "new", "message": markup}
    answer_with(
        page,
        {**body, "prediction": None, "evidence": None, "refusal": refusal, "model": {"version": markup, "sha256": SHA256}},
    )
    expect(page.locator("#advice")).to_contain_text(markup)
    expect(page.locator("#details")).to_contain_text(markup)
    page.set_input_files("#file", {"name": f"{markup}.jpg", "mimeType": "image/jpeg", "buffer": IMAGE.read_bytes()})
    expect(page.locator("#name")).to_have_text(f"{markup}.jpg")
    assert page.locator("img[src=x]").count() == 0


def test_samples_match_their_table() -> None:
    """The sample files match samples.json."""
    samples = json.loads((SAMPLES / "samples.json").read_text())
    assert [sample["title"] for sample in samples] == [f"Sample {number}" for number in range(1, 13)]
    assert sum(sample["malignant"] for sample in samples) == 6
    for sample in samples:
        assert sample["licence"] == "CC0 1.0"
        assert (SITE / sample["image"].lstrip("/")).stat().st_size < 500_000
        with Image.open(BytesIO((SITE / sample["thumbnail"].lstrip("/")).read_bytes())) as thumbnail:
            assert thumbnail.size == (208, 208)


@pytest.mark.parametrize("views", [1, 8])
def test_page_uses_the_views_that_the_model_is_made_for(open_page: Callable[..., Page], views: int) -> None:
    """Unless the person chooses otherwise, which a later configuration does not undo."""
    page = open_page()

    def configured(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "default_views": views})

    page.route("**/api/config", configured)
    with page.expect_response("**/api/config"):
        page.reload()
    page.get_by_text("Expert settings").click()
    choice = page.get_by_role("checkbox", name="Use one view only")
    expect(choice).to_be_checked(checked=views == 1)
    set_views(page, 9 - views)
    page.get_by_role("button", name="Sample 3").click()
    with page.expect_request(f"**/api/classify?sample=ISIC_*&views={9 - views}"):
        page.get_by_role("button", name="Analyse", exact=True).click()


@pytest.mark.parametrize("size", [(1024, 730), (1280, 800)])
def test_nothing_covers_samples_and_hints(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """The photo, which stays in the window, covers no sample, and its action no hint."""
    page = open_page(size)
    covered = """(parts) => {
        const found = parts.map((each) => {
            each.scrollIntoView({ block: "end", behavior: "instant" });
            const { left, bottom, width } = each.getBoundingClientRect();
            return each.contains(document.elementFromPoint(left + width / 2, bottom - 8)) ? "" : each.id || each.className;
        });
        return found.filter(Boolean);
    }"""
    for parts in ("#samples li", "#private-hint", "#private-state", "#photo .action button:not([hidden])"):
        assert page.locator(parts).filter(visible=True).evaluate_all(covered) == []
