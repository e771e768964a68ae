"""How a photo was taken: what the page says about it, and the control that corrects it."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.site.report import printed
from tests.support.site.service import CARD, TYPES_CARD, answer, answer_with, typed
from tests.support.site.visit import named_files, set_views

ABOVE = answer(0.62, "malignant")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (typed(ABOVE, "dermoscopic"), "Analysed as a photo taken with a dermatoscope (detected, 97%)."),
        (
            typed(ABOVE, "clinical", probability=0.9999),
            "Analysed as a photo taken with an ordinary camera (detected, over 99%).",
        ),
        (typed(answer(0), "clinical"), "Analysed as a photo taken with an ordinary camera (detected, 97%)."),
        (
            typed(ABOVE, "clinical", "given", 0.03),
            "Analysed as a photo taken with an ordinary camera (your choice; the model’s own estimate for it: 3%).",
        ),
    ],
    ids=["dermoscopic", "clinical", "refused", "given"],
)
def test_type_is_shown_with_source_and_probability(page: Page, body: dict[str, Any], sentence: str) -> None:
    """The type is shown with its source and probability, and can be corrected."""
    answer_with(page, body, TYPES_CARD)
    expect(page.locator("#image-type-text")).to_have_text(sentence)
    expect(page.get_by_label("How was it taken?")).to_be_visible()
    expect(page.get_by_label("How was it taken?")).to_have_accessible_description(
        "If this is wrong, choose the right answer. The photo is then analysed again."
    )


@pytest.mark.parametrize("points", [{}, {"dermoscopic": {"1": {}, "8": {}}}, None])
def test_type_is_not_shown_for_model_of_one_type(page: Page, points: dict[str, Any] | None) -> None:
    """A model of format 1, or of one type, shows nothing and offers no control."""
    answer_with(page, ABOVE, CARD if points is None else {**CARD, "operating_points": points})
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#set")).not_to_be_empty()
    expect(page.locator("#image-type")).to_be_hidden()


def test_type_correction_analyses_again(page: Page) -> None:
    """A corrected type is sent, and kept for the photo until it is automatic again."""
    asked: list[str] = []

    def respond(route: Route) -> None:
        asked.append(route.request.url.split("?")[1])
        given = "image_type=clinical" in asked[-1]
        route.fulfill(json=typed(ABOVE, "clinical", "given", 0.03) if given else typed(ABOVE, "dermoscopic"))

    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.route("**/api/classify**", respond)
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    choice = page.get_by_label("How was it taken?")
    kinds = ["Detect automatically", "With a dermatoscope", "With an ordinary camera"]
    expect(choice.locator("option")).to_have_text(kinds)
    expect(choice).to_have_value("auto")
    choice.select_option("clinical")
    expect(page.locator("#image-type-text")).to_contain_text("ordinary camera (your choice")
    expect(page.locator("#result-heading")).to_be_focused()
    expect(choice).to_have_value("clinical")
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#image-type-text")).to_contain_text("gewöhnlichen Kamera (Ihre Wahl")
    expect(page.locator("#image-type-choice")).to_have_value("clinical")
    page.locator("#analyse").click()
    expect(page.locator("#image-type-choice")).to_be_visible()
    page.locator("#image-type-choice").select_option("auto")
    expect(page.locator("#image-type-text")).to_contain_text("Dermatoskop (erkannt")
    assert ["image_type=clinical" in query for query in asked] == [False, True, True, False]
    # Another photo is detected again.
    page.locator(".sample").nth(1).click()
    page.locator("#analyse").click()
    expect(page.locator("#image-type-choice")).to_have_value("auto")
    assert "image_type" not in asked[-1]


def test_type_that_model_lacks_is_not_sent_twice(page: Page) -> None:
    """A type that a new model does not support is given up after its problem."""
    answer_with(page, typed(ABOVE, "dermoscopic"), TYPES_CARD)
    expect(page.locator("#image-type")).to_be_visible()
    problem = {"type": "", "title": "", "status": 422, "detail": "Only dermoscopic.", "code": "unsupported_image_type"}
    page.route("**/api/classify**image_type=clinical", lambda route: route.fulfill(status=422, json=problem))
    with page.expect_response("**/api/classify**image_type=clinical"):
        page.get_by_label("How was it taken?").select_option("clinical")
    expect(page.locator("#advice")).to_contain_text("The model cannot treat the photo as the kind that you chose.")
    # Another model, without types.
    page.route("**/api/model", lambda route: route.fulfill(json={**CARD, "sha256": "cd" * 32}))
    body = {**ABOVE, "model": {"version": "8", "sha256": "cd" * 32}}
    page.route("**/api/classify**", lambda route: route.fulfill(json=body))
    with page.expect_request(lambda request: "/api/classify" in request.url) as asked:
        page.locator("#analyse").click()
    assert "image_type" not in asked.value.url
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#image-type")).to_be_hidden()


def test_type_is_exported(page: Page) -> None:
    """The CSV file contains type, source and probability."""
    bodies = [typed(ABOVE, "clinical"), typed(answer(0), "dermoscopic", "given", 0.4), ABOVE]
    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=bodies.pop(0)))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    page.locator("#queue-analyse").click()
    expect(page.locator("#queue-bar")).to_have_js_property("value", 3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    names = ("image_type", "image_type_source", "image_type_probability")
    assert [[row[name] for name in names] for row in csv.DictReader(StringIO(text, newline=""))] == [
        ["clinical", "detected", "0.97"],
        ["dermoscopic", "given", "0.4"],
        ["dermoscopic", "assumed", ""],
    ]


@pytest.mark.parametrize(
    "language", ["de", *(pytest.param(code, marks=pytest.mark.slow) for code in ("es", "fr", "pt", "it"))]
)
def test_type_is_printed_on_one_page(opened: Callable[..., Page], language: str) -> None:
    """The report contains the type, without the control, and still fits its page."""
    page = opened(language)
    # As the page does by default with a model of both types.
    set_views(page, 8)
    answer_with(page, typed(answer(0.309, "benign", "malignant"), "clinical", "given", 0.03), TYPES_CARD)
    sentence = page.locator("#image-type-text").inner_text()
    choice = page.locator("#image-type-control span").inner_text()
    text, _ = printed(page, "Letter")
    assert " ".join(sentence.split()) in text
    assert choice not in text
