"""Advice, status and evidence map of a result."""

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.service import CARD, answer, answer_with


def map_colour(page: Page, at: int) -> list[int]:
    """Red, green, blue and opacity of the evidence map on its diagonal."""
    context = "document.getElementById('map').getContext('2d')"
    return [int(value) for value in page.evaluate(f"[...{context}.getImageData({at}, {at}, 1, 1).data]")]


def test_sample_diagnosis_appears_only_with_result(page: Page) -> None:
    """The diagnosis of a sample is hidden until its result is shown."""
    page.get_by_role("button", name="Sample 1", exact=True).click()
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()
    expect(page.locator("main")).not_to_contain_text("elanoma")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#actual")).to_have_text("Actual diagnosis (from the archive): Melanoma")
    page.get_by_role("button", name="Sample 2", exact=True).click()
    expect(page.locator("#actual")).to_be_hidden()


def test_advice_above_threshold_names_doctor_and_figures(page: Page) -> None:
    """Above the threshold, the advice names a doctor and the figures of the test."""
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")
    expect(page.locator("#advice")).to_have_text(
        "In our test, 95 of 100 malignant and 38 of 100 benign lesions scored above the threshold, too. "
        "Show this spot to a doctor."
    )
    scale = page.get_by_role("img", name="Malignant 62%, benign 38%; the threshold is at 31%.")
    expect(scale).to_be_visible()
    expect(page.locator("#set")).to_contain_text("Prediction set: malignant only.")
    expect(page.locator("#classes li").first).to_contain_text("Melanoma malignant62%")
    expect(page.locator("#details")).to_contain_text("7, sha256 abababababab")


def test_advice_below_threshold_excludes_nothing(page: Page) -> None:
    """Below the threshold, the advice says that skin cancer is not ruled out."""
    answer_with(page, answer(0.034, "benign"))
    expect(page.locator("#result-heading")).to_have_text("Below the threshold")
    expect(page.locator("#advice")).to_have_text(
        "This does not rule out skin cancer: 5 of 100 malignant lesions also scored below. "
        "If it is new, changing, bleeding, or worries you, see a doctor."
    )
    expect(page.locator("#advice strong")).to_have_text("This does not rule out skin cancer")
    expect(page.locator("#malignant")).to_have_text("3.4%")
    expect(page.locator("#benign")).to_have_text("96.6%")


def test_advice_is_uncertain_for_both_sides(page: Page) -> None:
    """A prediction set of both sides is uncertain, above and below the threshold."""
    answer_with(page, answer(0.309, "benign", "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Uncertain, below the threshold")
    expect(page.locator("#uncertain")).to_contain_text("Show the spot to a doctor")
    # Not "31%, below 31%".
    expect(page.locator("#malignant")).to_have_text("30.9%")
    expect(page.locator("#scale-label")).to_have_text("Threshold 31.0% malignant")
    answer_with(page, answer(0.35, "benign", "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Uncertain, above the threshold")


def test_advice_follows_cautious_of_set_and_threshold(page: Page) -> None:
    """When set and threshold disagree, the more cautious one counts."""
    answer_with(page, answer(0.35, "benign"))
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")
    expect(page.locator("#set")).to_contain_text(
        "Prediction set: benign only. The prediction set and the threshold disagree. Follow the more cautious one"
    )


def test_refusal_shows_reason_without_number(page: Page) -> None:
    """A refusal shows its reason and no probability."""
    answer_with(page, answer(0))
    expect(page.locator("#result-heading")).to_have_text("Could not be analysed")
    expect(page.locator("#advice")).to_contain_text("The photo is too blurred to analyse.")
    expect(page.locator("#advice")).to_contain_text("see a doctor")
    expect(page.locator("#result")).not_to_contain_text("%")
    expect(page.locator("#evidence")).to_be_hidden()


@pytest.mark.parametrize("metrics", [None, {}, {"auc": {"value": 0.9}}])
def test_advice_without_figures_is_complete(page: Page, metrics: Mapping[str, Any] | None) -> None:
    """The advice stays complete when the model card has no figures."""
    answer_with(page, answer(0.1, "benign"), {**CARD, "metrics": metrics})
    expect(page.locator("#advice")).to_have_text(
        "This does not rule out skin cancer. If it is new, changing, bleeding, or worries you, see a doctor."
    )
    page.get_by_role("button", name="About", exact=True).click()
    expect(page.locator("#figures")).to_contain_text("It has not been evaluated")


def test_figures_of_other_model_are_omitted(page: Page) -> None:
    """Figures of a model that did not produce the result are omitted."""
    answer_with(page, answer(0.62, "malignant"), {**CARD, "sha256": "cd" * 32})
    expect(page.locator("#advice")).to_have_text("Show this spot to a doctor.")


def test_evidence_map_covers_network_square(page: Page) -> None:
    """The map covers the centred square that the network receives."""
    answer_with(page, answer(0.62, "malignant"))
    label = "Evidence map; most towards malignant: top left; most towards benign: bottom right."
    expect(page.get_by_role("img", name=label)).to_be_visible()
    for name in ("map", "evidence-under"):
        box = page.locator(f"#{name}").bounding_box()
        assert box == page.locator(f".square:has(#{name})").bounding_box()
        assert box and box["width"] == pytest.approx(box["height"], abs=0.1)
    # Of a image that is no square, its middle.
    expect(page.locator("#evidence-under")).to_have_css("object-fit", "cover")
    # Orange and opaque where the evidence is strongest; blue and paler where there is less of it.
    assert map_colour(page, 10) == [255, 138, 0, 255]
    assert map_colour(page, 214) == pytest.approx([24, 110, 255, 170], abs=2)
    page.get_by_label("Strength over the photo").fill("0")
    expect(page.locator("#map")).to_have_css("opacity", "0")


def test_evidence_map_of_weak_evidence_is_pale(page: Page) -> None:
    """Weak evidence is not stretched to full colour."""
    body = answer(0.62, "malignant")
    answer_with(page, {**body, "evidence": {"rows": 2, "columns": 2, "bias": 0.5, "values": [[0.02, 0], [0, 0]]}})
    expect(page.locator("#evidence")).to_be_visible()
    assert map_colour(page, 10)[3] <= 6
