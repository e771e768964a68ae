"""What a result tells: how often it is right, at a prevalence of the reader's choice, and what to do next."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.languages import EACH_LANGUAGE
from tests.support.site.service import CARD, answer, answer_with
from tests.support.site.visit import HEADINGS, open_experts, set_views, unfold

ABOVE, BELOW = answer(0.62, "malignant"), answer(0.034, "benign")
UNCERTAIN = answer(0.309, "benign", "malignant")


@pytest.mark.parametrize("body", [BELOW, UNCERTAIN], ids=["below", "uncertain"])
@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_warning_below_threshold_needs_no_scrolling(
    opened: Callable[..., Page], language: str, body: dict[str, object]
) -> None:
    """Below the threshold, the warning is visible without scrolling."""
    page = opened(language)
    answer_with(page, body)
    expect(page.locator("#result-heading")).to_be_focused()
    for part in ("#result-heading", "#score", "#advice"):
        box = page.locator(part).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= 844


def test_prevalence_applies_bayes_rule_to_1000_people(opened: Callable[..., Page]) -> None:
    """1,000 people are divided by Bayes' rule."""
    page = opened(width=1280)
    set_views(page, 1)
    answer_with(page, ABOVE)
    open_experts(page)
    meaning = page.locator("#meaning")
    expect(meaning.locator("#meaning-test")).to_have_text(
        "Of 100 malignant lesions in our test, 95 scored above the threshold. Of 100 benign ones, 38 did so too. "
        "These figures are for photos taken with a dermatoscope."
    )
    # At 2 %: 0.951 of 20 is 19; 0.38 of 980 is 372.
    expect(meaning.locator("#meaning-people")).to_have_text(
        "Of 1,000 people with such a spot, 20 have a malignant one. "
        "391 of the 1,000 score above the threshold, like this photo; 19 of them have a malignant spot. "
        "These counts are for all results on this side of the threshold, not for this photo alone."
    )
    page.get_by_role("radio", name="10%").check(force=True)
    # 0.951 of 100 is 95; 0.38 of 900 is 342.
    expect(meaning.locator("#meaning-people")).to_contain_text("437 of the 1,000 score above")
    expect(meaning.locator("#meaning-people")).to_contain_text("95 of them have")
    expect(page.locator("#prevalence-example")).to_have_text("The number for your spot is unknown.")
    expect(meaning.locator("#people")).to_have_attribute("aria-label", re.compile("100 have a malignant one"))
    counts = [
        meaning.locator(f"#people path.{part}").get_attribute("d")
        for part in ("true-positives", "false-negatives", "false-positives", "true-negatives")
    ]
    assert [path and path.count("M") for path in counts] == [95, 5, 342, 558]


@pytest.mark.parametrize(("prevalence", "collection"), [("2%", "ISIC 2020"), ("20%", "HAM10000")])
def test_prevalence_example_names_its_source(opened: Callable[..., Page], prevalence: str, collection: str) -> None:
    """An example of a prevalence names its source."""
    page = opened()
    answer_with(page, ABOVE)
    unfold(page)
    page.get_by_role("radio", name=prevalence, exact=True).check(force=True)
    example = page.locator("#prevalence-example")
    expect(example).to_contain_text(collection)
    expect(example).to_contain_text("The number for your spot is unknown.")
    counted, among = (int(number.replace(",", "")) for number in re.findall(r"[\d,]+(?= of| photos)", example.inner_text()))
    assert counted / among == pytest.approx(float(prevalence.rstrip("%")) / 100, rel=0.15)
    expect(page.locator("#licences ~ p", has_text=collection)).to_contain_text("Scientific Data")


EIGHT = {
    **CARD["metrics"]["test"]["all"],
    "sensitivity": {"value": 0.971},
    "specificity": {"value": 0.7},
}


@pytest.mark.parametrize("measured", [True, False])
def test_eight_views_quote_figures_for_eight(opened: Callable[..., Page], measured: bool) -> None:
    """A result of eight views quotes the figures for eight."""
    page = opened()
    card = {**CARD, "metrics": {"test": {**CARD["metrics"]["test"], **({"eight_views": EIGHT} if measured else {})}}}
    set_views(page, 8)
    answer_with(page, ABOVE, card)
    expect(page.locator("#advice")).to_contain_text("97 of 100" if measured else "95 of 100")
    expect(page.locator("#meaning-test")).to_contain_text("30 did so too" if measured else "38 did so too")
    said = "eight views of each photo, like this result" if measured else "one view of each photo, this result eight"
    expect(page.locator("#meaning-test")).to_contain_text(said)
    page.locator("#about-open").click()
    expect(page.locator("#test-figures table").first).to_be_attached()
    expect(page.locator("#test-figures", has_text="Averaged over eight views: area under the curve 0.930")).to_have_count(
        int(measured)
    )


def test_false_negatives_are_never_shown_as_none(opened: Callable[..., Page]) -> None:
    """Below the threshold, false negatives are named and never shown as none."""
    page = opened()
    answer_with(page, BELOW)
    people = page.locator("#meaning-people")
    expect(people).to_contain_text("1 of them has a malignant spot.")
    figures = {**CARD["metrics"]["test"]["all"], "sensitivity": {"value": 0.99}}
    answer_with(page, BELOW, {**CARD, "metrics": {"test": {"all": figures}}, "sha256": "cd" * 32})
    answer_with(
        page,
        {**BELOW, "model": {"version": "8", "sha256": "cd" * 32}},
        {**CARD, "metrics": {"test": {"all": figures}}, "sha256": "cd" * 32},
    )
    expect(people).to_contain_text("fewer than 1 of them has a malignant spot.")


def test_prevalence_choice_by_keyboard_persists(opened: Callable[..., Page]) -> None:
    """The prevalence is chosen by keyboard and persists for the next photo."""
    page = opened(width=1280)
    answer_with(page, ABOVE)
    page.get_by_role("radio", name="2%", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#meaning-people")).to_contain_text("50 have a malignant one")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_be_focused()
    expect(page.get_by_role("radio", name="5%", exact=True)).to_be_checked()


def test_number_follows_prevalence_everywhere(opened: Callable[..., Page]) -> None:
    """Score, sentence, scale and diagnoses show the probability at the chosen prevalence; the heading stays."""
    page = opened(width=1280)
    answer_with(page, ABOVE)
    for prevalence, malignant, limit, number in (
        ("1%", "4.7%", "1.3%", 47),
        ("5%", "20%", "6.6%", 205),
        ("20%", "55%", "25%", 550),
    ):
        page.get_by_role("radio", name=prevalence, exact=True).check(force=True)
        expect(page.locator("#score")).to_have_text(
            f"{malignant} malignant, above the threshold of {limit}. "
            f"This assumes that {prevalence} of such spots are malignant."
        )
        expect(page.locator("#malignant")).to_have_text(malignant)
        expect(page.locator("#probability-text")).to_have_text(
            f"If {prevalence} of such spots are malignant, the probability for this one is {malignant}. "
            f"Malignant among 1,000 such results: {number}."
        )
        expect(page.locator("#classes li", has_text="Melanoma")).to_contain_text(malignant)
        bar, base, mark, fill = (
            page.locator(name).bounding_box() for name in (".scale-bar", "#base-mark", "#scale-mark", "#scale-fill")
        )
        assert bar and base and mark and fill
        for place, text in (
            (base["x"] + base["width"] / 2, prevalence),
            (mark["x"] + mark["width"] / 2, limit),
            (fill["x"] + fill["width"], malignant),
        ):
            assert (place - bar["x"]) / bar["width"] == pytest.approx(float(text.rstrip("%")) / 100, abs=0.012)
        expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])
    expect(page.locator("#prior")).to_contain_text("of which 25% show a malignant lesion")
    expect(page.locator("#prior")).to_contain_text("Saerens et al., Neural Computation, 2002")


@pytest.mark.parametrize(
    ("body", "step"),
    [
        (ABOVE, "Make an appointment with a doctor"),
        (BELOW, "This result is no reason to wait"),
        (UNCERTAIN, "Show the spot to a doctor"),
        (answer(0), "Take another photo"),
    ],
    ids=["above", "below", "uncertain", "refused"],
)
def test_each_status_has_next_steps(opened: Callable[..., Page], body: dict[str, object], step: str) -> None:
    """Every status names the next steps."""
    page = opened()
    answer_with(page, body)
    expect(page.locator("#next-steps")).to_contain_text(step)


def test_frequencies_need_figures(opened: Callable[..., Page]) -> None:
    """Without figures no frequency is shown."""
    page = opened()
    answer_with(page, ABOVE, {**CARD, "metrics": None})
    expect(page.locator("#prediction")).to_be_visible()
    open_experts(page)
    expect(page.locator("#meaning")).to_be_hidden()
    expect(page.locator("#base-mark")).to_be_hidden()


@pytest.mark.parametrize(("width", "beside"), [(390, False), (1280, True)])
def test_photo_and_map_are_side_by_side_when_wide(opened: Callable[..., Page], width: int, beside: bool) -> None:
    """Photo and map are side by side when there is room."""
    page = opened(width=width)
    answer_with(page, ABOVE)
    expect(page.locator("#map")).to_be_visible()
    expect(page.locator("#evidence-alone")).to_be_visible(visible=beside)
    if beside:
        alone, under = (page.locator(name).bounding_box() for name in ("#evidence-alone", "#evidence-under"))
        assert alone and under and alone["y"] == under["y"] and alone["x"] < under["x"]
