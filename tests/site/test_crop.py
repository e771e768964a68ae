"""The crop dialog."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import wait_until
from tests.support.paths import PHONE_IMAGES
from tests.support.site.visit import IMAGES, SIZES, STATUSES, corner_colours, record_uploads, scrolls_sideways


@SIZES
def test_crop_works_by_keyboard(open_page: Callable[..., Page], size: tuple[int, int], quarters: FilePayload) -> None:
    """A square is chosen with the keyboard only."""
    page = open_page(size)
    images = record_uploads(page)
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name="Rotate and crop").focus()
    page.keyboard.press("Enter")
    where = page.locator("#crop-where")
    expect(page.get_by_role("application", name="Square that is kept")).to_be_focused()
    expect(where).to_have_text("300 × 300 pixels, 50 across and 0 down, rotated by 0°.")
    assert not scrolls_sideways(page)
    page.keyboard.press("r")
    expect(where).to_have_text("300 × 300 pixels, 0 across and 50 down, rotated by 90°.")
    page.keyboard.press("ArrowUp")
    expect(where).to_have_text("300 × 300 pixels, 0 across and 44 down, rotated by 90°.")
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    expect(where).to_have_text("300 × 300 pixels, 0 across and 0 down, rotated by 90°.")
    page.keyboard.press("-")
    expect(where).to_contain_text("278 × 278 pixels")
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("ArrowDown")
    expect(where).to_have_text("300 × 300 pixels, 0 across and 6 down, rotated by 90°.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    expect(page.get_by_role("img", name="quarters.png")).to_have_js_property("naturalWidth", 300)
    expect(page.locator("#square")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.locator("#details")).to_contain_text("cropped in your browser to 300 × 300 pixels")
    # Turned clockwise, what was at the bottom left is at the top left.
    assert corner_colours(images[0]) == (300, ["yellow", "red", "green", "blue"])


@pytest.mark.parametrize(
    ("turns", "corners"),
    [
        (0, ["red", "blue", "yellow", "green"]),
        (2, ["green", "yellow", "blue", "red"]),
        (3, ["blue", "green", "red", "yellow"]),
        (4, ["red", "blue", "yellow", "green"]),
    ],
)
def test_crop_rotation_matches_display(page: Page, quarters: FilePayload, turns: int, corners: list[str]) -> None:
    """Each rotation cuts out what is displayed."""
    images = record_uploads(page)
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name="Rotate and crop").click()
    for _ in range(turns):
        page.get_by_role("button", name="Rotate", exact=True).click()
    page.get_by_role("button", name="Use this square").click()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    assert corner_colours(images[0]) == (300, corners)


def test_crop_square_stays_inside_photo(page: Page, quarters: FilePayload) -> None:
    """Buttons, mouse and wheel move the square, never beyond the photo."""
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name="Rotate and crop").click()
    where = page.locator("#crop-where")
    for _ in range(5):
        page.get_by_role("button", name="Smaller").click()
    expect(where).to_have_text("204 × 204 pixels, 98 across and 48 down, rotated by 0°.")
    page.get_by_role("button", name="Move left").click()
    page.get_by_role("button", name="Move up").click()
    expect(where).to_contain_text("92 across and 42 down")
    page.get_by_role("button", name="Move right").click()
    page.get_by_role("button", name="Move down").click()
    page.get_by_role("button", name="Larger").click()
    expect(where).to_contain_text("220 × 220 pixels")
    box = page.locator("cropper-selection").bounding_box()
    area = page.locator("#crop-area").bounding_box()
    assert box and area
    assert box["x"] - area["x"] == pytest.approx(90 * area["width"] / 400, abs=2)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1], steps=4)
    page.mouse.move(middle[0] + 2000, middle[1], steps=8)
    page.mouse.up()
    expect(where).to_contain_text("220 × 220 pixels, 180 across")
    corner = page.locator("cropper-handle[action=nw-resize]").bounding_box()
    assert corner
    page.mouse.move(corner["x"] + 18, corner["y"] + 18)
    page.mouse.down()
    page.mouse.move(corner["x"] + 80, corner["y"] + 80, steps=6)
    page.mouse.up()
    smaller = where.inner_text()
    assert int(smaller.split(" ")[0]) < 200
    page.mouse.wheel(0, 200)
    expect(where).not_to_have_text(smaller)
    page.get_by_role("button", name="Start again").click()
    expect(where).to_have_text("300 × 300 pixels, 50 across and 0 down, rotated by 0°.")


def test_crop_can_be_cancelled_and_repeated(page: Page, quarters: FilePayload) -> None:
    """A crop can be cancelled, and the next one starts from the original."""
    page.set_input_files("#file", quarters)
    preview = page.get_by_role("img", name="quarters.png")
    open_crop = page.get_by_role("button", name="Rotate and crop")
    open_crop.click()
    page.get_by_role("button", name="Smaller").click()
    page.keyboard.press("Escape")
    expect(open_crop).to_be_focused()
    expect(preview).to_have_js_property("naturalWidth", 400)
    open_crop.click()
    page.get_by_role("button", name="Smaller").click()
    page.get_by_role("button", name="Use this square").click()
    expect(preview).to_have_js_property("naturalWidth", 278)
    open_crop.click()
    expect(page.locator("#crop-where")).to_contain_text("300 × 300 pixels")


# Opens the first image only when it is told to, and says when its pixels are let go.
SLOW_DECODER = """() => {
    const open = createImageBitmap.bind(window);
    window.openings = 0;
    window.createImageBitmap = async (...given) => {
        const bitmap = await open(...given);
        if (openings++) return bitmap;
        bitmap.close = () => (window.isLetGo = true);
        await new Promise((resolve) => (window.goOn = resolve));
        return bitmap;
    };
}"""


def test_crop_closed_while_opening_keeps_next_open(page: Page, quarters: FilePayload) -> None:
    """A crop that was closed while it open_page does not close the next one."""
    page.set_input_files("#file", quarters)
    page.evaluate(SLOW_DECODER)
    open_crop = page.get_by_role("button", name="Rotate and crop")
    open_crop.click()
    wait_until(page, "() => Boolean(window.goOn)")
    page.get_by_role("button", name="Cancel").click()
    expect(open_crop).to_be_focused()
    open_crop.click()
    page.get_by_role("button", name="Smaller").click()
    page.evaluate("goOn()")
    wait_until(page, "() => Boolean(window.isLetGo)")
    expect(page.locator("#crop-where")).to_contain_text("278 × 278 pixels")
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("img", name="quarters.png")).to_have_js_property("naturalWidth", 278)


def test_crop_is_not_offered_for_sample(page: Page) -> None:
    """Samples cannot be cropped."""
    page.get_by_role("button", name="Sample 3").click()
    expect(page.get_by_role("button", name="Rotate and crop")).to_be_hidden()


def test_crop_decodes_heic(page: Page) -> None:
    """HEIC is displayed and cropped with the decoder of the page."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#file", IMAGES[0])
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 1504)
    assert not [url for url in asked if "heic" in url or "cropper" in url]
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026-turned.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 240)
    expect(page.locator("#preview")).to_have_js_property("naturalHeight", 320)
    assert [url for url in asked if "/private/heic" in url] and not [url for url in asked if "cropper" in url]
    page.get_by_role("button", name="Rotate and crop").click()
    expect(page.locator("#crop-where")).to_contain_text("240 × 240 pixels, 0 across and 40 down")
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("img", name="ISIC_0000026-turned.heic")).to_be_visible()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#details")).to_contain_text("240 × 240 pixels, JPEG")


def test_crop_of_unreadable_file_shows_message(page: Page) -> None:
    """A file that cannot be decoded shows a message instead of a crop."""
    page.set_input_files("#file", {"name": "notes.heic", "mimeType": "image/heic", "buffer": b"not a image"})
    page.get_by_role("button", name="Rotate and crop").click()
    expect(page.get_by_role("alert")).to_contain_text("This browser cannot open this photo")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rotate and crop")).to_be_focused()
