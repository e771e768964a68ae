"""Figures of a model of two image types: those of the answer's type and number of views, where the model has them."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.service import TYPES_CARD, answer, answer_with, typed
from tests.support.site.visit import open_about, open_experts, set_views

ABOVE = answer(0.62, "malignant")
DERMATOSCOPE, CAMERA = (
    f"These figures are for photos taken with {how}." for how in ("a dermatoscope", "an ordinary camera")
)


def analyse(page: Page, body: dict[str, Any], card: dict[str, Any], views: int) -> None:
    set_views(page, views)
    answer_with(page, body, card)
    open_experts(page)


@pytest.mark.parametrize(
    ("image_type", "views", "above", "coverage"),
    [
        ("dermoscopic", 1, (95, 30), (95, 90)),
        ("dermoscopic", 8, (96, 25), (96, 91)),
        ("clinical", 1, (93, 50), (93, 80)),
        ("clinical", 8, (94, 45), (94, 81)),
    ],
)
def test_figures_follow_type_and_views(
    page: Page, image_type: str, views: int, above: tuple[int, int], coverage: tuple[int, int]
) -> None:
    """Advice, frequencies, base rate and coverage are those of the type and the number of views."""
    analyse(page, typed(ABOVE, image_type), dict(TYPES_CARD), views)
    malignant, benign = above
    expect(page.locator("#advice")).to_contain_text(f"{malignant} of 100 malignant and {benign} of 100 benign")
    expect(page.locator("#meaning-test")).to_contain_text(DERMATOSCOPE if image_type == "dermoscopic" else CAMERA)
    expect(page.locator("#meaning-test")).to_contain_text(f"{malignant} scored above the threshold")
    # At 20 % of 1,000.
    page.get_by_role("radio", name="20%").check(force=True)
    expect(page.locator("#people-true-positives")).to_have_text(f"{2 * malignant} malignant, above the threshold")
    expect(page.locator("#people-false-positives")).to_have_text(f"{8 * benign} benign, above the threshold")
    # Converted from the share of malignant images of this type in the calibration.
    prior, number = {"dermoscopic": ("25%", "55%"), "clinical": ("50%", "29%")}[image_type]
    expect(page.locator("#prior")).to_contain_text(f"of which {prior} show a malignant lesion")
    expect(page.locator("#malignant")).to_have_text(number)
    expect(page.locator("#set")).to_contain_text(
        f"for about {coverage[0]} of 100 malignant and {coverage[1]} of 100 benign lesions"
    )


@pytest.mark.parametrize("views", [1, 8])
def test_figures_of_other_types_are_omitted(page: Page, views: int) -> None:
    """A model of both types without figures of this type shows none, and no share to convert from."""
    metrics = {
        split: {name: value for name, value in TYPES_CARD["metrics"][split].items() if name != "types"}
        for split in ("val", "test")
    }
    analyse(page, typed(ABOVE, "clinical"), {**TYPES_CARD, "metrics": metrics}, views)
    expect(page.locator("#advice")).not_to_contain_text("of 100")
    expect(page.locator("#meaning")).to_be_hidden()
    expect(page.locator("#prevalence-choice")).to_be_hidden()
    expect(page.locator("#malignant")).to_have_text("62%")


def test_coverage_falls_back_to_that_of_the_card(page: Page) -> None:
    """A model card without operating points has one coverage for both sides."""
    analyse(page, typed(ABOVE, "clinical"), {**TYPES_CARD, "operating_points": {}, "coverage": 0.87}, 1)
    expect(page.locator("#set")).to_contain_text("for about 87 of 100 malignant and 87 of 100 benign lesions")


def test_figures_for_one_view_are_marked(page: Page) -> None:
    """A result of eight views says so when the type was tested with one."""
    types = {
        name: {key: value for key, value in figures.items() if key != "eight_views"}
        for name, figures in TYPES_CARD["metrics"]["test"]["types"].items()
    }
    card = {**TYPES_CARD, "metrics": {"test": {**TYPES_CARD["metrics"]["test"], "types": types}}}
    analyse(page, typed(ABOVE, "clinical"), card, 8)
    expect(page.locator("#advice")).to_contain_text("93 of 100")
    expect(page.locator("#meaning-test")).to_contain_text("The test used one view of each photo, this result eight")


def test_about_shows_figures_of_types(opened: Callable[..., Page]) -> None:
    """The About dialog shows the figures of each type and number of views."""
    page = opened()
    open_about(page, TYPES_CARD)
    rows = page.get_by_role("group", name="By kind of photo").get_by_role("row")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_have_text(
        "With a dermatoscopeone1,0000.930 (0.910 to 0.940)95.0% (90.0% to 99.0%)70.0% (50.0% to 70.0%)"
    )
    expect(rows.nth(4)).to_contain_text("With an ordinary cameraeight, averaged3500.880 (0.800 to 0.990)94.0%55.0%")
    expect(page.locator("#good-dermatoscope")).to_contain_text("Photos of an ordinary camera can be analysed too")


def test_missed_melanomas_are_named_below_the_threshold(page: Page) -> None:
    """Of the malignant lesions of an ordinary camera most are no melanomas, which are missed more often."""
    analyse(page, typed(answer(0.05, "benign"), "clinical"), dict(TYPES_CARD), 8)
    expect(page.locator("#advice")).to_contain_text(
        "6 of 100 malignant lesions also scored below the threshold. Of 100 melanomas, 20 did (51 tested)."
    )
    analyse(page, typed(answer(0.05, "benign"), "dermoscopic"), dict(TYPES_CARD), 8)
    expect(page.locator("#advice")).to_contain_text("4 of 100 malignant lesions also scored below the threshold. ")
    expect(page.locator("#advice")).not_to_contain_text("melanomas")
