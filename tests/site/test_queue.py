"""The queue of several photos."""

import csv
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.support.site.visit import (
    HEADINGS,
    IMAGES,
    PHONE,
    ROW_STATUSES,
    SIZES,
    STATUSES,
    answer_in_turn,
    named_files,
    scrolls_sideways,
    set_views,
    short_answer,
    table_names,
)


@SIZES
def test_queue_classifies_one_after_the_other(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """Several photos are classified one after the other."""
    page = open_page(size)
    told: list[str] = []
    page.on("request", lambda request: told.append("asked") if request.method == "POST" else None)
    page.on("requestfinished", lambda request: told.append("answered") if request.method == "POST" else None)
    page.set_input_files("#file", IMAGES)
    expect(page.get_by_role("region", name="Photos")).to_contain_text("0 of 4 analysed")
    expect(page.locator("#queue-rows tr")).to_have_count(4)
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("4 of 4 analysed")
    expect(page.locator("#live")).to_have_text("All photos have been analysed.")
    assert told == ["asked", "answered"] * 4
    # With nothing left to analyse, the button does not cover the table.
    action = page.locator("#queue .action")
    assert action.evaluate("element => getComputedStyle(element).position") == "static"
    for row in page.locator("#queue-rows tr").all():
        expect(row.locator(".row-status span").last).to_have_text(ROW_STATUSES)
        # A refused photo has a dash.
        expect(row.locator(".number")).to_have_text(re.compile(r"\d|–"))
    assert not scrolls_sideways(page)
    page.get_by_role("button", name=IMAGES[2].name, exact=True).click()
    expect(page.get_by_role("img", name=IMAGES[2].name)).to_be_visible()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.get_by_role("button", name=IMAGES[2].name, exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_role("columnheader", name="Résultat")).to_be_visible()
    expect(page.locator("#queue-progress")).to_have_text("4 sur 4 analysées")
    expect(page.locator("#queue-rows .row-status").first).to_contain_text("seuil")


def test_queue_can_be_stopped_and_resumed(page: Page) -> None:
    """A queue can be stopped and resumed."""
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Being analysed")
    expect(page.get_by_role("row", name=re.compile("b.jpg"))).to_contain_text("Waiting")
    expect(page.locator("#result-heading")).to_have_text("Analysing the photo")
    waiting.pop().fulfill(json=short_answer(0.62))
    expect(page.locator("#queue-progress")).to_have_text("1 of 3 analysed")
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])
    page.keyboard.press("Enter")
    expect(page.locator("#queue-note")).to_have_text("Stopped. 1 of 3 have been analysed.")
    expect(page.locator("[data-state=new]")).to_have_count(2)
    expect(page.get_by_role("button", name="Analyse all")).to_be_focused()
    page.unroute("**/api/classify**")
    answer_in_turn(page, short_answer(0.1), short_answer(0.2))
    page.keyboard.press("Enter")
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")


def test_queue_note_is_translated_and_cleared(page: Page) -> None:
    """The note about a stopped queue is translated and disappears with the next change."""
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    note = page.locator("#queue-note")

    def stop() -> None:
        page.locator("#queue-analyse").click()
        expect(note).to_be_hidden()
        page.locator("#queue-stop").click()
        expect(note).to_be_visible()

    stop()
    expect(note).to_have_text("Stopped. 0 of 3 have been analysed.")
    page.get_by_label("Language").select_option("de")
    expect(note).to_have_text("Angehalten. 0 von 3 wurden ausgewertet.")
    page.locator("#analyse").click()
    expect(note).to_be_hidden()
    page.locator("#cancel").click()
    stop()
    page.locator("#queue-rows .remove").last.click()
    expect(page.locator("#queue-progress")).to_have_text("0 von 2 ausgewertet")
    expect(note).to_be_hidden()


def test_queue_entry_can_be_cancelled_or_removed(page: Page) -> None:
    """One of several photos can be cancelled or removed."""
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Not analysed yet")
    expect(page.get_by_role("row", name=re.compile("b.jpg"))).to_contain_text("Being analysed")
    page.get_by_role("button", name="Remove b.jpg").click()
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    expect(page.get_by_role("row", name=re.compile("c.jpg"))).to_contain_text("Being analysed")
    page.get_by_role("button", name="Remove a.jpg").click()
    # One alone needs no table.
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.get_by_role("img", name="c.jpg")).to_be_visible()
    waiting[-1].fulfill(json=short_answer(0.62))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])


def test_remove_current_keeps_other_photos(page: Page) -> None:
    """Remove beside the photo keeps the other photos."""
    answer_in_turn(page, short_answer(0.62), short_answer(0.1), short_answer(0.2))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")
    page.get_by_role("button", name="b.jpg", exact=True).click()
    remove = page.get_by_role("button", name="Remove", exact=True)
    remove.click()
    expect(page.locator("#live")).to_have_text("Removed b.jpg.")
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    assert table_names(page) == ["a.jpg", "c.jpg"]
    expect(page.get_by_role("img", name="c.jpg")).to_be_visible()
    expect(page.locator("#answer")).to_be_visible()
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.get_by_role("img", name="a.jpg")).to_be_visible()
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])


def test_queue_repeats_for_other_number_of_views(page: Page) -> None:
    """Another number of views is requested again and marked in the table."""
    answer_in_turn(page, *(short_answer(probability) for probability in (0.62, 0.1, 0.6, 0.2, 0.61)))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    predict_all = page.get_by_role("button", name="Analyse all")
    progress = page.locator("#queue-progress")
    told = page.locator("#queue-rows").get_by_text("in one view")
    set_views(page, 8)
    predict_all.click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(predict_all).to_be_disabled()
    expect(told.filter(visible=True)).to_have_count(0)
    set_views(page, 1)
    with page.expect_request("**/api/classify?views=1"):
        predict_all.click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(told.filter(visible=True)).to_have_count(2)
    expect(predict_all).to_be_disabled()
    # One of them as before.
    set_views(page, 8)
    expect(predict_all).to_be_enabled()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("61%")
    expect(told.filter(visible=True)).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    table = [(row["file"], row["probability"], row["views"]) for row in csv.DictReader(StringIO(text, newline=""))]
    assert table == [("a.jpg", "0.61", "8"), ("b.jpg", "0.2", "1")]


def test_queue_accepts_at_most_twenty_photos(open_page: Callable[..., Page]) -> None:
    """At most twenty photos are accepted, and more can be added until then."""
    page = open_page(PHONE)
    page.set_input_files("#file", named_files(*(f"{number}.jpg" for number in range(18))))
    expect(page.locator("#queue-rows tr")).to_have_count(18)
    page.get_by_role("button", name="Sample 3").click()
    expect(page.locator("#queue-rows tr")).to_have_count(19)
    expect(page.get_by_role("img", name="Sample 3")).to_be_visible()
    page.get_by_role("button", name="Sample 3", exact=True).first.click()
    expect(page.locator("#queue-rows tr")).to_have_count(19)
    page.set_input_files("#file", named_files("one.jpg", "two.jpg", "three.jpg"))
    expect(page.locator("#queue-rows tr")).to_have_count(20)
    expect(page.locator("#queue-note")).to_have_text("At most 20 photos at once: 2 were left out.")
    expect(page.get_by_role("button", name="Add photos")).to_be_disabled()
    expect(page.get_by_role("button", name="Use the camera")).to_be_disabled()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#photo-figure")).to_be_hidden()
    expect(page.locator("#live")).to_have_text("All photos were removed.")
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def test_cropped_photo_is_classified_again(page: Page) -> None:
    """A cropped photo of several is classified again."""
    answer_in_turn(page, short_answer(0.62), short_answer(0.1), short_answer(0.2))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    page.get_by_role("button", name="Crop and enlarge").click()
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Not analysed yet")
    expect(page.locator("#answer")).to_be_hidden()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["below"])
    expect(page.locator("#result-heading")).to_be_focused()
