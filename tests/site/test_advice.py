"""Advice, status and evidence map of a result."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.service import CARD, answer, answer_with
from tests.support.site.visit import HEADINGS, open_experts


def map_colour(page: Page, at: int) -> list[int]:
    """Red, green, blue and opacity of the evidence map on its diagonal."""
    context = "document.getElementById('map').getContext('2d')"
    return [int(value) for value in page.evaluate(f"[...{context}.getImageData({at}, {at}, 1, 1).data]")]


def test_sample_diagnosis_appears_only_with_result(page: Page) -> None:
    """The diagnosis of a sample is hidden until its result is shown."""
    page.get_by_role("button", name="Sample 1", exact=True).click()
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()
    expect(page.locator("#analysis")).not_to_contain_text("elanoma")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#actual")).to_have_text("Actual diagnosis (from the archive): Melanoma")
    page.get_by_role("button", name="Sample 2", exact=True).click()
    expect(page.locator("#actual")).to_be_hidden()


@pytest.mark.parametrize(
    ("probability", "sides", "kind"),
    [
        (0.9, ("malignant",), "high"),
        (0.62, ("malignant",), "above"),
        (0.35, ("benign", "malignant"), "uncertain_above"),
        (0.35, ("benign",), "uncertain_above"),
        (0.309, ("benign", "malignant"), "uncertain_below"),
        (0.2, ("malignant",), "uncertain_below"),
        (0.034, ("benign",), "below"),
    ],
)
def test_heading_is_graded_and_names_time(page: Page, probability: float, sides: tuple[str, ...], kind: str) -> None:
    """The heading says what to do and until when; a set without the side of the threshold is uncertain."""
    answer_with(page, answer(probability, *sides))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS[kind])
    uncertain = kind.startswith("uncertain")
    expect(page.locator("#uncertain")).to_be_visible(visible=uncertain)
    assert ("is-uncertain" in (page.locator("#result").get_attribute("class") or "")) == uncertain


def test_advice_above_threshold_names_doctor_and_figures(page: Page) -> None:
    """Above the threshold, score, advice and number belong to the chosen prevalence and the figures of the test."""
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#score")).to_have_text(
        "9.1% malignant, above the threshold of 2.7%. This assumes that 2% of such spots are malignant."
    )
    expect(page.locator("#advice")).to_have_text(
        "In our test, 95 of 100 malignant and 38 of 100 benign lesions scored above the threshold, too. "
        "Only a doctor who sees the spot itself can say what it is."
    )
    scale = page.get_by_role(
        "img", name="Malignant 9.1%; the threshold is at 2.7%. Before the photo: 2% malignant", exact=True
    )
    expect(scale).to_be_visible()
    expect(page.locator("#classes li").nth(1)).to_contain_text("Melanoma, malignant9.1%")
    open_experts(page)
    expect(page.locator("#set")).to_contain_text("Prediction set: malignant only.")
    details = page.locator("#details")
    expect(details).to_contain_text("7, sha256 abababababab")
    # As the service answers.
    expect(details).to_contain_text("Probability as calibrated62% malignant, threshold 31%")
    expect(details).to_contain_text("Log odds before calibration0.50")


def test_expert_details_are_closed_at_first(page: Page) -> None:
    """Sets, log odds and versions are not in front of a layperson."""
    answer_with(page, answer(0.35, "benign"))
    expect(page.locator("#prediction")).to_be_visible()
    for part in ("#set", "#meaning", "#details"):
        expect(page.locator(part)).to_be_hidden()
    page.get_by_text("For experts").click()
    expect(page.locator("#set")).to_contain_text(
        "Prediction set: benign only. The set does not contain the side of the threshold"
    )


def test_advice_below_threshold_excludes_nothing(page: Page) -> None:
    """Below the threshold, the heading says that skin cancer is not ruled out, and the advice how often it is missed."""
    answer_with(page, answer(0.034, "benign"))
    expect(page.locator("#advice")).to_have_text(
        "In our test, 5 of 100 malignant lesions also scored below the threshold. "
        "If it is new, changing, bleeding, or worries you, see a doctor within two weeks."
    )
    expect(page.locator("#malignant")).to_have_text("0.2%")
    expect(page.locator("#score")).to_contain_text("0.2% malignant, below the threshold of 2.7%.")


def test_advice_is_uncertain_for_both_sides(page: Page) -> None:
    """An uncertain result below the threshold does not rule out skin cancer, and its number differs from the threshold's."""
    answer_with(page, answer(0.309, "benign", "malignant"))
    expect(page.locator("#advice strong")).to_have_text("This does not rule out skin cancer.")
    expect(page.locator("#uncertain")).to_contain_text("Show the spot to a doctor")
    # Not "2.7%, below 2.7%".
    expect(page.locator("#malignant")).to_have_text("2.66%")
    expect(page.locator("#scale-label")).to_have_text("Threshold 2.68% malignant")


def test_refusal_shows_reason_without_number(page: Page) -> None:
    """A refusal shows its reason and no probability."""
    answer_with(page, answer(0))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["refused"])
    expect(page.locator("#advice")).to_contain_text("The photo is too blurred to analyse.")
    expect(page.locator("#advice")).to_contain_text("see a doctor")
    expect(page.locator("#score")).to_be_hidden()
    assert "%" not in page.locator("#result").inner_text()
    expect(page.locator("#evidence")).to_be_hidden()
    open_experts(page)
    expect(page.locator("#details")).to_contain_text("sha256")
    assert "%" not in page.locator("#result").inner_text()


@pytest.mark.parametrize("metrics", [None, {}, {"auc": {"value": 0.9}}])
def test_advice_without_figures_is_complete(page: Page, metrics: Mapping[str, Any] | None) -> None:
    """The advice stays complete when the model card has no figures."""
    answer_with(page, answer(0.1, "benign"), {**CARD, "metrics": metrics})
    expect(page.locator("#advice")).to_have_text(
        "If it is new, changing, bleeding, or worries you, see a doctor within two weeks."
    )
    # At an unknown prevalence, as the service answers.
    expect(page.locator("#score")).to_have_text("10% malignant, below the threshold of 31%.")
    expect(page.locator("#probability-text")).to_contain_text("does not say for which share of malignant spots")
    expect(page.locator("#prevalence-choice")).to_be_hidden()
    page.get_by_role("link", name="About", exact=True).click()
    expect(page.locator("#test-figures")).to_contain_text("It has not been evaluated")


def test_figures_of_other_model_are_omitted(page: Page) -> None:
    """Figures of a model that did not produce the result are omitted."""
    answer_with(page, answer(0.62, "malignant"), {**CARD, "sha256": "cd" * 32})
    expect(page.locator("#advice")).to_have_text("Only a doctor who sees the spot itself can say what it is.")
    expect(page.locator("#score")).to_have_text("62% malignant, above the threshold of 31%.")


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


def test_diagnoses_agree_with_their_side(opened: Callable[..., Page]) -> None:
    """Each diagnosis has a side that agrees with its name, and the precancerous one is explained."""
    page = opened("fr")
    body = answer(0.62, "malignant")
    codes = {"melanoma": True, "actinic_keratosis": True, "benign_keratosis": False, "vascular_lesion": False, "new": False}
    body["prediction"]["classes"] = [
        {"code": code, "malignant": malignant, "probability": 0.2} for code, malignant in codes.items()
    ]
    answer_with(page, body)
    # At the chosen prevalence, the benign ones come first.
    expect(page.locator("#classes .class-name")).to_have_text(
        [
            "Kératose bénigne",
            "Lésion vasculaire bénigne",
            "New (bénigne)",
            "Mélanome malin",
            "Kératose actinique précancéreuse",
        ]
    )
    expect(page.locator("#precancerous")).to_have_text(
        "La kératose actinique est précancéreuse ; elle est comptée ici comme maligne."
    )
    body["prediction"]["classes"] = [{"code": "nevus", "malignant": False, "probability": 1.0}]
    answer_with(page, body)
    expect(page.locator("#classes .class-name")).to_have_text(["Nævus bénin"])
    expect(page.locator("#precancerous")).to_be_hidden()
