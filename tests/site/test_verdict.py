"""The verdict: in view after every analysis, and without a contradiction on the page."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.site.service import TYPES_CARD, answer, answer_with, typed

SIZES = [(1280, 720), (1366, 768), (1536, 864), (390, 844), (320, 568)]
PRIORS = {kind: entry["malignant"] / entry["n"] for kind, entry in TYPES_CARD["metrics"]["val"]["types"].items()}
PREVALENCES = (0.01, 0.02, 0.05, 0.1, 0.2)
# Shows each answer with the page's own functions, and returns what a person reads, without the part for experts.
SHOW = """async ([cases, model]) => {
    const { showAnswer } = await import("/js/result/panel.js");
    const text = (id) => document.getElementById(id).textContent;
    const read = [];
    const none = () => [];
    const nothing = { address: null, evidence: null, sample: null, names: () => [[], ""], details: none, concerns: none };
    for (const { answer, prevalence } of cases) {
        showAnswer({ answer, model, views: 1, note: () => "" }, { ...nothing, imageType: "auto" });
        document.querySelector(`#prevalence input[value="${prevalence}"]`).click();
        read.push({
            heading: text("result-heading"),
            score: text("score"),
            number: text("malignant"),
            sentence: text("probability-text"),
            scale: document.getElementById("scale").getAttribute("aria-label"),
            fill: parseFloat(document.getElementById("scale-fill").style.width) / 100,
            isUncertain: !document.getElementById("uncertain").hidden,
            all: document.getElementById("result").innerText,
        });
    }
    return read;
}"""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", ["en", pytest.param("de", marks=pytest.mark.slow)])
def test_verdict_is_in_view_after_analysis(opened: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    """Heading and score are in view after an analysis, wherever the page was scrolled."""
    width, height = size
    page = opened(language, width, height)
    answer_with(page, answer(0.309, "benign", "malignant"))
    for place in (0, 0.5, 1):
        expect(page.locator("#map")).to_be_visible()
        page.evaluate(
            "(place) => scrollTo({ top: place * document.documentElement.scrollHeight, behavior: 'instant' })", place
        )
        # Not a click of Playwright, which scrolls the button into view.
        page.evaluate("document.getElementById('analyse').click()")
        expect(page.locator("#result-heading")).to_be_focused()
        expect(page.locator("#score")).to_be_visible()
        page.wait_for_timeout(200)
        for part in ("#result-heading", "#score"):
            box = page.locator(part).bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] <= height, (place, part, box)


@pytest.mark.parametrize("size", SIZES[:3], ids=lambda size: f"{size[0]}x{size[1]}")
def test_photo_stays_beside_map(opened: Callable[..., Page], size: tuple[int, int]) -> None:
    """In a wide window the photo is in view when the map is, and its buttons can be reached."""
    page = opened("en", *size)
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#map")).to_be_visible()
    page.locator("#map").evaluate("(map) => map.scrollIntoView({ block: 'center', behavior: 'instant' })")
    for part in ("#map", "#preview"):
        box = page.locator(part).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1]
    button = page.get_by_role("button", name="Analyse")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1]


def percents(sentence: str) -> list[float]:
    """Return the percentages of a sentence, in order."""
    return [float(number) for number in re.findall(r"([\d.]+)%", sentence)]


def synthetic() -> list[dict[str, Any]]:
    """Return 400 answers: any probability, threshold, prediction set and image type, and any choice of the prevalence."""
    rng = np.random.default_rng(1)
    cases = []
    for _ in range(400):
        probability, threshold = float(rng.beta(0.6, 0.9)), float(rng.uniform(0.05, 0.6))
        probability = min(max(round(probability, 6), 1e-6), 1 - 1e-6)
        sides = [("benign",), ("malignant",), ("benign", "malignant")][rng.integers(3)]
        body = typed(answer(probability, *sides), ("dermoscopic", "clinical")[rng.integers(2)])
        decision = "above_threshold" if probability >= threshold else "below_threshold"
        body["prediction"] |= {"threshold": threshold, "decision": decision}
        cases.append({"answer": body, "prevalence": PREVALENCES[rng.integers(5)]})
    return cases


def test_page_does_not_contradict_itself(opened: Callable[..., Page]) -> None:
    """Of 400 answers, set, threshold, prevalence and probability agree in everything that a layperson reads."""
    page = opened("en", 1280, 720)
    cases = synthetic()
    # The panel needs the modules of the page only; the answers come from here.
    shown = page.evaluate(SHOW, [cases, TYPES_CARD])
    assert len(shown) == 400
    kinds = set()
    for case, read in zip(cases, shown, strict=True):
        prediction, prevalence = case["answer"]["prediction"], case["prevalence"]
        prior = PRIORS[case["answer"]["image"]["type"]]
        above = prediction["decision"] == "above_threshold"
        agrees = prediction["prediction_set"] == (("malignant",) if above else ("benign",))
        # Set against threshold.
        assert read["isUncertain"] is not agrees
        assert read["heading"].startswith("Uncertain") is not agrees
        assert ("above the threshold" in read["score"]) is above
        assert ("below the threshold" in read["score"]) is not above
        assert above or re.search("does not rule out skin cancer", read["all"])
        assert "Prediction set" not in read["all"] and "og odds" not in read["all"]
        # Prevalence against probability: the same number everywhere, by Bayes' rule.
        odds = prediction["malignant_probability"] / (1 - prediction["malignant_probability"])
        odds *= prevalence / (1 - prevalence) / (prior / (1 - prior))
        expected = odds / (1 + odds)
        assert read["fill"] == pytest.approx(expected, abs=1e-5)
        [number] = percents(read["number"])
        assert number == pytest.approx(100 * expected, abs=0.51 if 0.1 <= expected <= 0.9 else 0.11)
        score, limit, supposed = percents(read["score"])
        assert (score, supposed) == (number, round(100 * prevalence))
        assert score > limit if above else score < limit
        assert percents(read["sentence"]) == [supposed, number]
        assert percents(read["scale"]) == [number, limit, supposed]
        of_1000 = read["sentence"].removesuffix(".").split(": ")[-1]
        assert of_1000 == (str(round(1000 * expected)) if 1000 * expected >= 0.5 else "fewer than 1")
        kinds.add(read["heading"])
    assert len(kinds) == 5
