"""ABCDE answers, which can only raise the advice, and the report for a doctor on paper and shared."""

import itertools
import re
from collections.abc import Callable
from io import BytesIO
from unicodedata import normalize

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.support.browser import wait_until
from tests.support.site.diary import fill_diary
from tests.support.site.languages import EACH_LANGUAGE, STRINGS
from tests.support.site.service import CARD, TYPES_CARD, answer, answer_with, typed
from tests.support.site.visit import HEADINGS, IMAGES, PHONE

QUESTIONS = ("asymmetry", "border", "colour", "diameter", "evolution")
RAISED = "Because of your answers: show this spot to a doctor within two weeks"
REFUSED_RAISED = "Not analysed. Because of your answers: show this spot to a doctor within two weeks"
DAYS = (
    ("this week", 7),
    ("within two weeks", 14),
    ("next few weeks", 60),
    ("every month", 365),
    ("could not be analysed", 1000),
)
"""Words of a heading -> days until something should happen; more than there are for what has no time frame."""


def days(heading: str) -> int:
    """Return the time frame that a heading states."""
    return next(number for words, number in DAYS if words in heading)


BODIES = {
    "high": answer(0.99, "malignant"),
    "above": answer(0.62, "malignant"),
    "uncertain_above": answer(0.4, "benign", "malignant"),
    "uncertain_below": answer(0.309, "benign", "malignant"),
    "below": answer(0.034, "benign"),
    "refused": answer(0),
}


def test_every_answer_can_only_raise_the_advice(page: Page) -> None:
    """All 32 combinations with all results: never a longer time frame, and without a tick none is changed."""
    combinations = [list(ticked) for count in range(6) for ticked in itertools.combinations(QUESTIONS, count)]
    assert len(combinations) == 32 and BODIES.keys() == HEADINGS.keys()
    said = page.evaluate(
        """async ([bodies, combinations]) => {
            const { heading, adviceOf } = await import("/js/result/verdict.js");
            const { URGENCY, raiseAdvice } = await import("/js/result/abcde.js");
            return bodies.map((body) => combinations.map((ticked) => {
                const advice = adviceOf(body, 0.25);
                const raised = raiseAdvice(advice, ticked.length);
                return [heading(body, 0.25, ticked.length), URGENCY[raised] - URGENCY[advice]];
            }));
        }""",
        [list(BODIES.values()), combinations],
    )
    for status, headings in zip(BODIES, said, strict=True):
        plain = HEADINGS[status]
        for ticked, (heading, urgency) in zip(combinations, headings, strict=True):
            assert urgency >= 0
            assert days(heading) <= days(plain)
            if ticked:
                assert days(heading) <= 14
            else:
                assert (heading, urgency) == (plain, 0)


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        ("below", RAISED),
        ("uncertain_below", HEADINGS["uncertain_above"]),
        ("high", HEADINGS["high"]),
        ("refused", REFUSED_RAISED),
    ],
)
def test_ticked_answer_changes_heading_and_back(page: Page, status: str, raised: str) -> None:
    """A tick is in heading and steps at once, survives a change of language, and can be taken back; the score stays."""
    answer_with(page, BODIES[status])
    heading, score = page.locator("#result-heading"), page.locator("#score")
    expect(heading).to_have_text(HEADINGS[status])
    before = score.text_content()
    box = page.get_by_role("checkbox", name=re.compile("^Evolution"))
    box.check()
    expect(heading).to_have_text(raised)
    expect(page.locator("#next-steps")).to_contain_text("You ticked: evolution.")
    assert score.text_content() == before
    if status == "below":
        expect(page.locator("#advice")).to_contain_text("This does not rule out skin cancer.")
        expect(page.locator("#live")).to_have_text(RAISED)
    page.locator("#language").select_option("de")
    expect(heading).to_contain_text(
        STRINGS["de"]["verdict.high" if status == "high" else "verdict.raised"].split(": ")[-1][-30:]
    )
    page.locator("#language").select_option("en")
    box.uncheck()
    expect(heading).to_have_text(HEADINGS[status])


def test_answers_belong_to_their_photo(page: Page) -> None:
    """Answers about one photo are not those of the next."""
    answer_with(page, BODIES["below"])
    page.get_by_role("checkbox", name=re.compile("^Border")).check()
    page.locator(".sample").nth(2).click()
    page.locator("#analyse").click()
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["below"])
    expect(page.locator("#over-time input:checked")).to_have_count(0)


def open_report(page: Page) -> None:
    """Fill in the report that is opened."""
    dialog = page.get_by_role("dialog", name="Report for a doctor")
    dialog.get_by_label("What has changed?").fill("darker at the lower edge")
    dialog.get_by_label("What has changed?").blur()
    dialog.get_by_role("checkbox", name=re.compile("^Diameter")).check()
    page.evaluate("window.print = () => { window.hasPrinted = true; }")
    dialog.get_by_role("button", name="Print or save as PDF").click()
    wait_until(page, "window.hasPrinted")


def paper(page: Page) -> tuple[str, int]:
    """Return the words and the number of images of what is printed."""
    reader = PdfReader(BytesIO(page.pdf(format="A4")))
    text = " ".join(normalize("NFKC", each.extract_text()) for each in reader.pages)
    return " ".join(text.split()), sum(len(each.images) for each in reader.pages)


def test_report_of_result_without_diary(open_page: Callable[..., Page]) -> None:
    """Without the diary, the report has what was filled in, the result, the kind of camera and the photo."""
    page = open_page()
    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=typed(BODIES["above"], "clinical")))
    page.set_input_files("#file", IMAGES[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    page.get_by_role("checkbox", name=re.compile("^Border")).check()
    page.get_by_role("button", name="Report for a doctor").click()
    dialog = page.get_by_role("dialog", name="Report for a doctor")
    expect(dialog.get_by_role("checkbox", name=re.compile("^Border"))).to_be_checked()
    dialog.get_by_label("Body site").select_option("front.hand.right")
    dialog.get_by_label("Since when?").fill("two months")
    dialog.get_by_label("Since when?").blur()
    open_report(page)
    text, images = paper(page)
    for said in (
        "Body site Hand, front, on the right",
        "Since when? two months",
        "What has changed? darker at the lower edge",
        "Border: uneven, ragged or blurred. Yes",
        "Diameter: larger than 6 mm. Yes",
        "Asymmetry: one half does not look like the other. Not ticked",
        "Kind of camera: With an ordinary camera.",
        "Probability as calibrated: 62% malignant, threshold 31%.",
        "Model 7.",
        "For the doctor",
        "Research demonstration. Not a medical device",
    ):
        assert said in text
    assert images == 1 and "Samples" not in text and "Evidence map" not in text
    # Afterwards the page prints as before.
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".report-sheet")).to_have_count(0)
    assert page.evaluate("indexedDB.databases()") == []


def test_report_of_spot_in_diary(page: Page) -> None:
    """With the diary, the report has all photos with their dates, and site and time of the spot."""
    fill_diary(page)
    page.locator("#diary-open").click()
    page.locator(".spot").click()
    page.get_by_role("button", name="Report for a doctor").click()
    open_report(page)
    text, images = paper(page)
    for said in (
        "Lower back, back, on the right",
        "Since when? May",
        "March 2, 2026",
        "June 2, 2026",
        "Border: uneven, ragged or blurred. Yes",
    ):
        assert said in text
    assert images == 3


@pytest.mark.parametrize("language", EACH_LANGUAGE[1:])
def test_report_of_one_photo_fits_a_page(opened: Callable[..., Page], language: str) -> None:
    """The report of one photo is one page in the longer languages."""
    page = opened(language)
    answer_with(page, BODIES["above"], CARD)
    page.locator("#over-time .controls button").first.click()
    page.evaluate("window.print = () => { window.hasPrinted = true; }")
    page.locator("dialog[open] .tool-controls .primary").click()
    wait_until(page, "window.hasPrinted")
    assert len(PdfReader(BytesIO(page.pdf(format="Letter"))).pages) == 1


SHARE = """
    navigator.canShare = () => true;
    navigator.share = async ({ title, text, files }) => {
        window.shared = { title, text, files: files.map(({ name, size }) => [name, size]) };
    };
"""


def test_report_is_shared_where_the_device_can(open_page: Callable[..., Page]) -> None:
    """Where there is a menu for sharing, it gets the text and the photos; elsewhere there is no button."""
    page = open_page(PHONE, SHARE)
    fill_diary(page)
    page.locator("#diary-open").click()
    page.locator(".spot").click()
    page.get_by_role("button", name="Report for a doctor").click()
    page.get_by_role("button", name="Share", exact=True).click()
    wait_until(page, "window.shared")
    shared = page.evaluate("window.shared")
    assert shared["title"] == "Report for a doctor"
    assert "Body site: Lower back, back, on the right" in shared["text"] and "June 2, 2026" in shared["text"]
    assert len(shared["files"]) == 3 and all(size > 1000 for _, size in shared["files"])


def test_report_has_no_share_button_without_menu(open_page: Callable[..., Page]) -> None:
    """Without Web Share there is no button for it."""
    page = open_page(PHONE, "navigator.canShare = undefined;")
    answer_with(page, BODIES["above"])
    page.get_by_role("button", name="Report for a doctor").click()
    expect(page.get_by_role("button", name="Print or save as PDF")).to_be_visible()
    expect(page.get_by_role("button", name="Share", exact=True)).to_have_count(0)
