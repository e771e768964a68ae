"""The report on paper: one page that says what was found, by which model, when, and what it is not."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.support.paths import PHONE_IMAGES, SAMPLES
from tests.support.site.service import CARD, answer, answer_with

BODIES = {
    "above": answer(0.62, "malignant"),
    "below": answer(0.034, "benign"),
    "uncertain": answer(0.309, "benign", "malignant"),
    "refused": answer(0),
}


def printed(page: Page, paper: str) -> tuple[str, int]:
    """The words of the only page, and how many pictures are on it."""
    reader = PdfReader(BytesIO(page.pdf(format=paper)))
    assert len(reader.pages) == 1
    # On paper some letters become one, such as f and i.
    text = normalize("NFKC", reader.pages[0].extract_text())
    return " ".join(text.split()), len(reader.pages[0].images)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("status", BODIES)
def test_every_result_is_one_page(opened: Callable[..., Page], status: str, paper: str) -> None:
    page = opened(width=1280)
    answer_with(page, BODIES[status])
    expect(page.locator("#answer")).to_be_visible()
    text, pictures = printed(page, paper)
    for said in (
        page.locator("#result-heading"),
        page.locator("#advice"),
        page.locator("#disclaimer"),
        page.locator(".notice"),
    ):
        assert " ".join(said.inner_text().split()) in text
    assert "Printed on " in text and "7, sha256 abababababab" in text
    assert "Samples" not in text and "Print a report" not in text
    # The square and the map over it; or the picture itself, which could not be judged.
    assert pictures >= (1 if status == "refused" else 3)
    if status != "refused":
        assert "Melanoma" in text and "of the 1,000 score" in text and "Evidence map" in text


@pytest.mark.parametrize("language", ["es", "de", "fr"])
def test_the_longer_languages_fit_a_page_with_the_service_s_own_answer(opened: Callable[..., Page], language: str) -> None:
    page = opened(language)
    page.locator(".sample").first.click()
    page.locator("#views").check()
    page.locator("#analyse").click()
    expect(page.locator("#answer")).to_be_visible()
    text, _ = printed(page, "Letter")
    assert " ".join(page.locator("#disclaimer").inner_text().split()) in text


DIAGNOSES = ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "nevus", "benign_keratosis", "dermatofibroma")


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
def test_paper_says_what_was_assumed_and_what_the_map_is_not(opened: Callable[..., Page], language: str) -> None:
    page = opened(language)
    body = answer(0.309, "benign", "malignant")
    # As long as a report becomes.
    body["prediction"]["classes"] = [{"code": code, "malignant": False, "probability": 0.12} for code in DIAGNOSES]
    answer_with(page, body)
    page.locator("#prevalence input").last.check(force=True)
    legend = page.locator("#meaning legend").inner_text()
    kept = [page.locator(part).inner_text() for part in ("#prevalence-example", "#evidence-note", "#name")]
    text, _ = printed(page, "Letter")
    percent = "20%" if language == "en" else "20 %"
    for said in (f"{legend} {percent}.", *kept):
        assert " ".join(said.split()) in text
    # The other choices are nobody's assumption.
    assert percent.replace("20", "10") not in text


def show(page: Page, photograph: Path) -> None:
    """Answer in the service's place about a file."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=BODIES["above"]))
    page.set_input_files("#file", photograph)
    page.locator("#analyse").click()
    expect(page.locator("#map")).to_be_visible()


def test_a_photograph_that_cannot_be_shown_is_printed_without_its_picture(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    with Image.open(SAMPLES / "ISIC_0000026.jpg") as photograph:
        photograph.save(tmp_path / "spot.tiff", compression="jpeg")
    show(page, tmp_path / "spot.tiff")
    expect(page.locator("#no-preview")).to_contain_text("cannot show this file")
    text, pictures = printed(page, "A4")
    assert "spot.tiff" in text and "sha256" in text
    # The map alone; it covers nothing.
    assert pictures == 1 and "With the evidence over it" not in text


def test_a_photograph_that_the_page_decodes_is_printed_with_its_picture(opened: Callable[..., Page]) -> None:
    page = opened()
    show(page, PHONE_IMAGES / "ISIC_0000026.heic")
    expect(page.locator("#evidence-under")).to_have_js_property("naturalWidth", 320)
    text, pictures = printed(page, "A4")
    assert "ISIC_0000026.heic" in text and "With the evidence over it" in text
    assert pictures >= 3


def test_the_button_prints_and_asks_nobody(opened: Callable[..., Page]) -> None:
    page = opened()
    answer_with(page, BODIES["above"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("() => { window.printings = 0; window.print = () => window.printings++; }")
    page.get_by_role("button", name="Print a report").click()
    assert page.evaluate("window.printings") == 1
    assert asked == []


def test_nothing_of_a_result_is_kept_in_the_browser(opened: Callable[..., Page]) -> None:
    page = opened()
    answer_with(page, BODIES["above"])
    expect(page.locator("#answer")).to_be_visible()
    kept: Mapping[str, Any] = page.evaluate("({ ...localStorage, ...sessionStorage })")
    assert kept == {}
