"""Photos by file input, drop and paste, and files that the browser cannot display."""

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.site.views import hinted
from tests.support.site.visit import IMAGE, STATUSES


def drop_file(page: Page, target: str, name: str, kind: str, data: bytes) -> None:
    """Let go of a file over an element, as a browser reports it."""
    transfer = page.evaluate_handle(
        """([name, type, data]) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [name, kind, b64encode(data).decode()],
    )
    page.dispatch_event(target, "drop", {"dataTransfer": transfer})


@pytest.mark.parametrize("width", [390, 1280])
def test_file_input_classifies_and_focuses_result(open_page: Callable[..., Page], width: int) -> None:
    """A chosen file is classified, and the focus moves to the result."""
    page = open_page((width, 900))
    page.set_input_files("#file", IMAGE)
    expect(page.get_by_role("img", name=IMAGE.name)).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    heading = page.locator("#result-heading")
    expect(heading).to_have_text(STATUSES)
    expect(heading).to_be_focused()
    box = heading.bounding_box()
    assert box and 0 <= box["y"] < 320
    expect(page.locator("#details")).to_contain_text(re.compile("1504 . 1129 pixels, JPEG"))
    expect(page.locator("#disclaimer")).to_contain_text("Not a medical device")
    expect(page.locator("#actual")).to_be_hidden()


def test_drop_is_accepted_anywhere(page: Page) -> None:
    """A file may be dropped anywhere on the page."""
    drop_file(page, "footer", "spot.jpg", "image/jpeg", IMAGE.read_bytes())
    expect(page.get_by_role("img", name="spot.jpg")).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)


def test_drop_without_file_shows_message(page: Page) -> None:
    """A drop that contains no file shows a message beside the photo."""
    page.set_input_files("#file", IMAGE)
    transfer = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData("text/uri-list", "https://example.org/spot.jpg");
            return transfer;
        }"""
    )
    page.dispatch_event("#stage", "drop", {"dataTransfer": transfer})
    told = page.get_by_role("alert")
    expect(told).to_have_text("Only files can be dropped here. Save the photo first, then choose it.")
    expect(page.get_by_role("img", name=IMAGE.name)).to_be_visible()
    page.set_input_files("#file", IMAGE)
    expect(told).to_be_hidden()
    # Nobody is led to try it with a sample.
    expect(page.locator(".sample img[draggable=false]")).to_have_count(12)


def test_paste_adds_photo(page: Page) -> None:
    """An image on the clipboard is added by paste."""
    page.evaluate(
        """(data) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            clipboardData.items.add(new File([bytes], "image.jpg", { type: "image/jpeg" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        b64encode(IMAGE.read_bytes()).decode(),
    )
    expect(page.get_by_role("img", name="image.jpg")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()


def test_unreadable_file_shows_message(page: Page) -> None:
    """A file that is no image shows a message."""
    page.set_input_files("#file", {"name": "notes.heic", "mimeType": "image/heic", "buffer": b"not a image"})
    expect(page.locator("#no-preview")).to_have_text(
        "This browser cannot show this file. It may still be possible to analyse it."
    )
    # Its shape is unknown.
    expect(page.locator("#network-square")).to_be_hidden()
    expect(page.locator("#square")).to_be_hidden()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("No result")
    expect(page.locator("#advice")).to_contain_text("This format is not supported.")
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()


def test_file_without_preview_is_classified(page: Page, tmp_path: Path) -> None:
    """A file that the browser cannot display is classified all the same."""
    with Image.open(IMAGE) as image:
        image.save(tmp_path / "spot.tiff", compression="jpeg")
    page.set_input_files("#file", tmp_path / "spot.tiff")
    expect(page.locator("#no-preview")).to_contain_text("cannot show this file")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.locator("#details")).to_contain_text(re.compile("spot.tiff, 1504 . 1129 pixels, TIFF"))


def test_hints_about_chosen_photo(page: Page) -> None:
    """What could be better about a photo is said before it is sent, in the chosen language, and blocks nothing."""
    hinted(page)
    told = page.get_by_role("status", name="Before you send it")
    expect(told.get_by_role("listitem")).to_have_text([re.compile("is dark"), re.compile("is blurred")])
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#photo-check li").first).to_have_text(re.compile("ist dunkel"))
    expect(page.locator("#analyse")).to_be_enabled()
    page.locator("#clear").click()
    expect(page.locator("#photo-check")).to_be_empty()
    # A sample is as it is.
    page.locator(".sample").first.click()
    expect(page.locator("#preview")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator("#photo-check")).to_be_empty()
