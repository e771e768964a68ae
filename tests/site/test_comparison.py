"""The comparison table of several photos."""

import csv
import re
from io import StringIO
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.paths import PHONE_IMAGES
from tests.support.site.visit import answer_in_turn, named_files, short_answer, table_names


def test_table_keeps_failed_rows_and_retries_one(page: Page) -> None:
    """A failed or refused photo keeps its row, and one can be retried."""
    answer_in_turn(page, short_answer(0.62), 503, short_answer(0, "too_dark"), short_answer(0.1), short_answer(0.2))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("3 of 4 analysed, 1 without a result")
    expect(page.locator("#queue-bar")).to_have_js_property("value", 3)
    expect(page.locator("#live")).to_have_text("3 of 4 analysed, 1 without a result")
    row = page.get_by_role("row", name=re.compile("b.jpg"))
    expect(row).to_contain_text("No result")
    expect(row).to_contain_text("The service is busy or starting.")
    refused = page.get_by_role("row", name=re.compile("c.jpg"))
    expect(refused).to_contain_text("Could not be analysed")
    expect(refused).to_contain_text("The photo is too dark to analyse.")
    row.get_by_role("button", name="Retry b.jpg").click()
    expect(row).to_contain_text("Below the threshold")
    expect(row).to_contain_text("20%")
    expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
    expect(page.locator("#queue-progress")).to_have_text("4 of 4 analysed")
    expect(page.locator("#live")).to_have_text("All photos have been analysed.")


def test_table_sorts_and_exports_in_order(page: Page) -> None:
    """The table sorts by every column and is exported in that order."""
    answer_in_turn(page, short_answer(0.2), short_answer(0.62), 503, short_answer(0, "too_dark"), short_answer(0.4))
    page.set_input_files("#file", named_files("=cmd()|x.jpg", "a,b.jpg", "c.jpg", "d.jpg", "e10.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("4 of 5 analysed, 1 without a result")
    malignant = page.get_by_role("columnheader", name="Malignant")
    malignant.get_by_role("button").click()
    expect(malignant).to_have_attribute("aria-sort", "descending")
    assert table_names(page) == ["a,b.jpg", "e10.jpg", "=cmd()|x.jpg", "c.jpg", "d.jpg"]
    expect(page.locator("#live")).to_have_text("Sorted by Malignant.")
    malignant.get_by_role("button").press("Enter")
    expect(malignant).to_have_attribute("aria-sort", "ascending")
    expect(malignant.get_by_role("button")).to_be_focused()
    assert table_names(page) == ["=cmd()|x.jpg", "e10.jpg", "a,b.jpg", "c.jpg", "d.jpg"]
    page.get_by_role("columnheader", name="Most probable").get_by_role("button").click()
    expect(malignant).to_have_attribute("aria-sort", "none")
    assert table_names(page)[0] == "a,b.jpg"
    page.get_by_role("columnheader", name="Result").get_by_role("button").click()
    assert table_names(page)[0] == "a,b.jpg"
    page.get_by_role("columnheader", name="Photo").get_by_role("button").click()
    expected = ["=cmd()|x.jpg", "a,b.jpg", "c.jpg", "d.jpg", "e10.jpg"]
    assert table_names(page) == expected
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    assert download.value.suggested_filename == "photos.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(StringIO(text, newline="")))
    # What a spreadsheet would run is text for it.
    assert [row["file"] for row in table] == ["'=cmd()|x.jpg", *expected[1:]]
    assert table[1] == {
        "file": "a,b.jpg",
        "status": "ok",
        "decision": "above_threshold",
        "probability": "0.62",
        "threshold": "0.3",
        "prevalence": "",
        "probability_at_prevalence": "",
        "set": "malignant",
        "top_diagnosis": "melanoma",
        "refusal": "",
        "problem": "",
        "model": "7",
        "views": "8",
        "image_type": "dermoscopic",
        "image_type_source": "assumed",
        "image_type_probability": "",
        "images": "",
        "agreement": "",
    }
    assert (table[2]["status"], table[2]["problem"], table[2]["probability"]) == ("failed", "starting", "")
    assert (table[3]["status"], table[3]["refusal"], table[3]["model"]) == ("refused", "too_dark", "7")


def test_table_arrows_are_not_part_of_column_names(page: Page) -> None:
    """The sort arrows are not part of the accessible column names."""
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    names = ("Photo", "Result", "Malignant", "Most probable")
    for name in names:
        expect(page.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    # Prediction sets are for experts.
    expect(page.get_by_role("columnheader")).to_have_count(len(names))
    for _ in range(2):
        page.get_by_role("button", name="Malignant", exact=True).click()
        expect(page.get_by_role("button", name="Malignant", exact=True)).to_be_focused()


def test_table_shows_thumbnail_of_heic(page: Page) -> None:
    """A file that the page decodes has a thumbnail."""
    heic = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    page.set_input_files("#file", [*named_files("a.jpg"), {"name": "b.heic", "mimeType": "image/heic", "buffer": heic}])
    row = page.get_by_role("row", name=re.compile("b.heic"))
    drawn = "(canvas) => canvas.getContext('2d').getImageData(44, 44, 1, 1).data[3] === 255"
    page.wait_for_function(drawn, arg=row.locator("canvas").element_handle())
    row.get_by_role("button", name="b.heic", exact=True).click()
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 320)
