"""The report on paper: one page that says what was found, by which model, when, and what it is not."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.paths import PHONE_IMAGES, SAMPLES
from tests.support.site.languages import EACH_LANGUAGE
from tests.support.site.report import DIAGNOSES, printed
from tests.support.site.service import CARD, answer, answer_with
from tests.support.site.visit import unfold

BODIES = {
    "above": answer(0.62, "malignant"),
    "below": answer(0.034, "benign"),
    "uncertain": answer(0.309, "benign", "malignant"),
    "refused": answer(0),
}


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("status", BODIES)
def test_report_of_each_result_is_one_page(opened: Callable[..., Page], status: str, paper: str) -> None:
    """The report of every kind of result fits one page."""
    page = opened(width=1280)
    answer_with(page, BODIES[status])
    expect(page.locator("#answer")).to_be_visible()
    text, images = printed(page, paper)
    for said in (
        page.locator("#result-heading"),
        *([page.locator("#score"), page.locator("#probability-text")] if status != "refused" else []),
        page.locator("#advice"),
        page.locator("#disclaimer"),
        page.locator(".notice"),
    ):
        assert " ".join(said.inner_text().split()) in text
    assert "Printed on " in text and "7, sha256 abababababab" in text
    assert "Samples" not in text and "Print a report" not in text
    # The square and the map over it; or the image itself, which could not be analysed.
    assert images >= (1 if status == "refused" else 3)
    if status != "refused":
        assert "Melanoma" in text and "of the 1,000 score" in text and "Evidence map" in text


@pytest.mark.parametrize("language", EACH_LANGUAGE[1:])
def test_report_fits_page_in_longer_languages(opened: Callable[..., Page], language: str) -> None:
    """The longer languages fit one page with a result of the service."""
    page = opened(language)
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#answer")).to_be_visible()
    text, _ = printed(page, "Letter")
    assert " ".join(page.locator("#disclaimer").inner_text().split()) in text


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_report_names_prevalence_and_map_limits(opened: Callable[..., Page], language: str) -> None:
    """The report names the assumed prevalence and the limits of the map."""
    page = opened(language)
    body = answer(0.309, "benign", "malignant")
    # As long as a report becomes.
    body["prediction"]["classes"] = [{"code": code, "malignant": False, "probability": 0.12} for code in DIAGNOSES]
    answer_with(page, body)
    unfold(page)
    page.locator("#prevalence input").last.check(force=True)
    legend = page.locator("#prevalence-choice legend").inner_text()
    kept = [page.locator(part).inner_text() for part in ("#prevalence-example", "#prior", "#evidence-note", "#name")]
    text, _ = printed(page, "Letter")
    percent = "20%" if language in ("en", "pt", "it") else "20 %"
    for said in (f"{legend} {percent}.", *kept):
        assert " ".join(said.split()) in text
    # The other choices are nobody's assumption.
    assert percent.replace("20", "10") not in text


def show(page: Page, image: Path) -> None:
    """Answer in the service's place about a file."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=BODIES["above"]))
    page.set_input_files("#file", image)
    page.locator("#analyse").click()
    expect(page.locator("#map")).to_be_visible()


def test_report_without_preview_has_no_image(opened: Callable[..., Page], tmp_path: Path) -> None:
    """A photo without a preview is printed without an image."""
    page = opened()
    with Image.open(SAMPLES / "ISIC_0000026.jpg") as image:
        image.save(tmp_path / "spot.tiff", compression="jpeg")
    show(page, tmp_path / "spot.tiff")
    expect(page.locator("#no-preview")).to_contain_text("cannot show this file")
    text, images = printed(page, "A4")
    assert "spot.tiff" in text and "sha256" in text
    # The map alone; it covers nothing.
    assert images == 1 and "With the evidence over it" not in text


def test_report_contains_decoded_preview(opened: Callable[..., Page]) -> None:
    """A photo that the page decodes is printed with its image."""
    page = opened()
    show(page, PHONE_IMAGES / "ISIC_0000026.heic")
    expect(page.locator("#evidence-under")).to_have_js_property("naturalWidth", 320)
    text, images = printed(page, "A4")
    assert "ISIC_0000026.heic" in text and "With the evidence over it" in text
    assert images >= 3


def test_print_button_sends_no_request(opened: Callable[..., Page]) -> None:
    """The button prints and sends no request."""
    page = opened()
    # The result has requests of its own.
    with page.expect_response("**/api/model"):
        answer_with(page, BODIES["above"])
    expect(page.locator("#answer")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("() => { window.printings = 0; window.print = () => window.printings++; }")
    page.get_by_role("button", name="Print a report").click()
    assert page.evaluate("window.printings") == 1
    assert asked == []


def test_browser_stores_nothing_of_result(opened: Callable[..., Page]) -> None:
    """The browser stores nothing of a result."""
    page = opened()
    answer_with(page, BODIES["above"])
    expect(page.locator("#answer")).to_be_visible()
    kept: Mapping[str, Any] = page.evaluate("({ ...localStorage, ...sessionStorage })")
    assert kept == {}
