"""The report on paper: one page that says what was found, by which model, when, and what it is not."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.paths import TELEPHONE
from tests.site.service import answer, answer_with

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
    return " ".join(reader.pages[0].extract_text().split()), len(reader.pages[0].images)


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
    page.locator("#predict").click()
    expect(page.locator("#answer")).to_be_visible()
    text, _ = printed(page, "Letter")
    assert " ".join(page.locator("#disclaimer").inner_text().split()) in text


def test_a_photograph_that_cannot_be_shown_is_printed_without_its_picture(opened: Callable[..., Page]) -> None:
    page = opened()
    page.set_input_files("#file", TELEPHONE / "ISIC_0000026.heic")
    expect(page.locator("#no-preview")).to_be_visible()
    page.locator("#predict").click()
    expect(page.locator("#answer")).to_be_visible()
    text, _ = printed(page, "A4")
    assert "sha256" in text


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
