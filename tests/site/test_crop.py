"""The crop dialog."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import wait_until
from tests.support.paths import PHONE_IMAGES
from tests.support.site.languages import LANGUAGES
from tests.support.site.visit import (
    IMAGES,
    PHONE,
    SIZES,
    STATUSES,
    answer_in_turn,
    corner_colours,
    record_uploads,
    scrolls_sideways,
    short_answer,
)
from tests.support.site.words import switch_language

OPEN = "Crop and enlarge"


@SIZES
def test_crop_works_by_keyboard(open_page: Callable[..., Page], size: tuple[int, int], quarters: FilePayload) -> None:
    """A square is chosen with the keyboard only."""
    page = open_page(size)
    images = record_uploads(page)
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name=OPEN).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("application", name="Square that is kept")).to_be_focused()
    assert not scrolls_sideways(page)
    # Down to 240 pixels, turned clockwise, and back to all 300; the square stays in the photo.
    for key in ("+", "r", *["ArrowUp"] * 20, "-"):
        page.keyboard.press(key)
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
    page.get_by_role("button", name=OPEN).click()
    for _ in range(turns):
        page.get_by_role("button", name="Rotate", exact=True).click()
    page.get_by_role("button", name="Use this square").click()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    assert corner_colours(images[0]) == (300, corners)


SHOWN = """(place) => {
    const canvas = document.querySelector("#crop-area canvas");
    const at = place.map((share) => Math.round((0.07 + 0.86 * share) * canvas.width));
    return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
}"""


def shown(page: Page, across: float, down: float) -> list[int]:
    """Return the colour that the crop dialog shows at a place in the square, as shares of its side."""
    return list(page.evaluate(SHOWN, [across, down]))[:3]


def test_crop_shows_what_it_cuts_out(page: Page, quarters: FilePayload) -> None:
    """Buttons and mouse move the photo under the square, never beyond its edge."""
    red, blue, yellow, green = [255, 0, 0], [0, 0, 255], [255, 255, 0], [0, 128, 0]
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("#crop-area")).to_be_focused()
    corners = [(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)]
    assert [shown(page, *corner) for corner in corners] == [red, blue, yellow, green]
    for _ in range(4):
        page.get_by_role("button", name="Closer").click()
    for _ in range(20):
        page.get_by_role("button", name="Move left").click()
        page.get_by_role("button", name="Move up").click()
    assert [shown(page, *corner) for corner in corners] == [red] * 4
    box = page.locator("#crop-area").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    # Dragged to the left, the photo shows what is to the right, up to its edge.
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 2000, middle[1], steps=5)
    page.mouse.up()
    assert [shown(page, *corner) for corner in corners] == [blue] * 4
    for _ in range(20):
        page.get_by_role("button", name="Move down").click()
        page.get_by_role("button", name="Move right").click()
    assert [shown(page, *corner) for corner in corners] == [green] * 4
    page.get_by_role("button", name="Start again").click()
    assert [shown(page, *corner) for corner in corners] == [red, blue, yellow, green]


SPOT_SIDE = 170


def distant_spot(across: int, down: int) -> FilePayload:
    """Return a photo of 12 megapixels whose spot has a diameter of 170 pixels, as a phone takes it from too far away."""
    pixels = np.full((3000, 4000, 3), (222, 180, 150), np.uint8)
    image = Image.fromarray(pixels)
    radius = SPOT_SIDE // 2
    ImageDraw.Draw(image).ellipse([across - radius, down - radius, across + radius, down + radius], fill=(92, 58, 44))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return {"name": "far.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


DARK_SHARE = """(image) => {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let dark = 0;
    for (let at = 0; at < data.length; at += 4) dark += data[at] < 150;
    return dark / (data.length / 4);
}"""


def closer_by_keyboard(page: Page) -> None:
    # The square can move down only when it is smaller than the photo is high.
    for key in ("+", "ArrowRight", "ArrowRight", "ArrowDown", *["+"] * 8):
        page.keyboard.press(key)


def closer_by_buttons(page: Page) -> None:
    for name in ("Closer", "Move right", "Move right", "Move down", *["Closer"] * 8):
        page.get_by_role("button", name=name).click()


def spot_on_screen(page: Page) -> tuple[float, float]:
    """Return where the dialog shows the spot at first: 300 of 3000 pixels right of the middle and 150 below it."""
    box = page.locator("#crop-area").bounding_box()
    assert box
    return box["x"] + box["width"] * (0.5 + 0.86 * 0.1), box["y"] + box["height"] * (0.5 + 0.86 * 0.05)


def closer_by_wheel(page: Page) -> None:
    page.mouse.move(*spot_on_screen(page))
    for _ in range(21):
        page.mouse.wheel(0, -100)
        # Cropper.js limits the wheel to twenty steps a second.
        page.wait_for_timeout(70)


def closer_by_pinch(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    x, y = spot_on_screen(page)

    def touch(kind: str, *distances: float) -> None:
        points = [{"x": x + distance, "y": y, "id": number} for number, distance in enumerate(distances)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for _ in range(2):
        touch("touchStart", -20, 20)
        for distance in range(25, 65, 5):
            touch("touchMove", -distance, distance)
        touch("touchEnd")


@pytest.mark.parametrize(
    "get_closer",
    [closer_by_keyboard, pytest.param(closer_by_buttons, marks=pytest.mark.slow), closer_by_wheel, closer_by_pinch],
)
def test_crop_magnifies_twelve_megapixels(page: Page, get_closer: Callable[[Page], None]) -> None:
    """A spot of 170 of 4000 pixels is enlarged until it fills the square, in words and without a number of pixels."""
    page.set_input_files("#file", distant_spot(2300, 1650))
    expect(page.locator("#photo-check")).to_contain_text("in this photo. Crop and enlarge it")
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("#crop-area")).to_be_focused()
    told = page.locator("#crop-where")
    expect(told).to_have_text("Closer: the spot is still small in the square.")
    assert not any(character.isdigit() for character in page.get_by_role("dialog").inner_text())
    get_closer(page)
    expect(told).to_have_text("Close enough: the spot is large in the square.")
    page.get_by_role("button", name="Use this square").click()
    preview = page.get_by_role("img", name="far.jpg")
    expect(page.locator("#square")).to_be_hidden()
    side = preview.evaluate("(image) => image.naturalWidth")
    # Nothing of it was cut off, and its own pixels were kept.
    share = preview.evaluate(DARK_SHARE)
    assert share * side**2 == pytest.approx(np.pi * (SPOT_SIDE / 2) ** 2, rel=0.05)
    assert 0.08 < share < 0.6
    expect(page.locator("#photo-check")).to_be_empty()


def test_crop_says_when_pixels_are_used_up(page: Page, quarters: FilePayload) -> None:
    """The smallest square is one that the service still reads."""
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name=OPEN).click()
    for _ in range(12):
        page.get_by_role("button", name="Closer").click()
    expect(page.locator("#crop-where")).to_contain_text("as close as the photo’s pixels allow")
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("img", name="quarters.png")).to_have_js_property("naturalWidth", 128)


@pytest.mark.parametrize("code", ["not_a_lesion", "too_blurry"])
def test_refusal_without_spot_offers_crop(page: Page, code: str) -> None:
    """A refusal because no lesion was found offers to enlarge the spot; what a crop cannot improve does not."""
    answer_in_turn(page, short_answer(0, code), short_answer(0.1))
    page.set_input_files("#file", IMAGES[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    following = page.get_by_role("region", name="What to do next")
    enlarge = following.get_by_role("button", name="Enlarge the spot")
    if code == "too_blurry":
        expect(following).to_be_visible()
        expect(enlarge).to_be_hidden()
        return
    enlarge.click()
    closer = page.get_by_role("button", name="Closer")
    expect(closer).to_be_visible()
    page.keyboard.press("Escape")
    expect(enlarge).to_be_focused()
    page.keyboard.press("Enter")
    closer.click()
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    expect(enlarge).to_be_hidden()


UNREACHABLE = """(id) => [...document.querySelectorAll(`#${id} button`)].flatMap((button) => {
    if (!button.checkVisibility()) return [];
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const isIn = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return isIn && button.contains(hit) ? [] : [button.id || button.dataset.move];
})"""


@pytest.mark.parametrize(
    "size",
    [(320, 568), (844, 390), pytest.param(PHONE, marks=pytest.mark.slow)],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_dialog_buttons_are_in_the_window(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """All buttons of camera and crop can be pressed without scrolling, in every language."""
    page = open_page(size)
    out: dict[str, Any] = {}
    for dialog in ("camera", "crop"):
        if dialog == "crop":
            page.set_input_files("#file", IMAGES[0])
        page.locator(f"#{dialog}-open").click()
        expect(page.locator("#camera-shutter" if dialog == "camera" else "#crop-use")).to_be_enabled()
        for language in LANGUAGES:
            switch_language(page, language)
            out[f"{dialog} in {language}"] = page.evaluate(UNREACHABLE, dialog)
        page.keyboard.press("Escape")
    assert {place: buttons for place, buttons in out.items() if buttons} == {}


def test_crop_can_be_cancelled_and_repeated(page: Page, quarters: FilePayload) -> None:
    """A crop can be cancelled, and the next one starts from the original."""
    page.set_input_files("#file", quarters)
    preview = page.get_by_role("img", name="quarters.png")
    open_crop = page.get_by_role("button", name=OPEN)
    open_crop.click()
    page.get_by_role("button", name="Closer").click()
    page.keyboard.press("Escape")
    expect(open_crop).to_be_focused()
    expect(preview).to_have_js_property("naturalWidth", 400)
    for presses, side in ((1, 240), (2, 192)):
        open_crop.click()
        for _ in range(presses):
            page.get_by_role("button", name="Closer").click()
        page.get_by_role("button", name="Use this square").click()
        expect(preview).to_have_js_property("naturalWidth", side)


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
    """A crop that was closed while it opened does not close the next one."""
    page.set_input_files("#file", quarters)
    page.evaluate(SLOW_DECODER)
    open_crop = page.get_by_role("button", name=OPEN)
    open_crop.click()
    wait_until(page, "() => Boolean(window.goOn)")
    page.get_by_role("button", name="Cancel").click()
    expect(open_crop).to_be_focused()
    open_crop.click()
    page.get_by_role("button", name="Closer").click()
    page.evaluate("goOn()")
    wait_until(page, "() => Boolean(window.isLetGo)")
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("img", name="quarters.png")).to_have_js_property("naturalWidth", 240)


def test_crop_is_not_offered_for_sample(page: Page) -> None:
    """Samples cannot be cropped."""
    page.get_by_role("button", name="Sample 3").click()
    expect(page.get_by_role("button", name=OPEN)).to_be_hidden()


def test_crop_decodes_heic(page: Page) -> None:
    """HEIC is displayed and cropped with the decoder of the page."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#file", IMAGES[0])
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 1504)
    assert not [url for url in asked if "heic" in url or "cropper" in url]
    page.get_by_role("button", name="Remove").click()
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026-turned.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 240)
    expect(page.locator("#preview")).to_have_js_property("naturalHeight", 320)
    assert [url for url in asked if "/private/heic" in url] and not [url for url in asked if "cropper" in url]
    page.get_by_role("button", name=OPEN).click()
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("img", name="ISIC_0000026-turned.heic")).to_be_visible()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#details")).to_contain_text("240 × 240 pixels, JPEG")


def test_crop_of_unreadable_file_shows_message(page: Page) -> None:
    """A file that cannot be decoded shows a message instead of a crop."""
    page.set_input_files("#file", {"name": "notes.heic", "mimeType": "image/heic", "buffer": b"not a image"})
    page.get_by_role("button", name=OPEN).click()
    expect(page.get_by_role("alert")).to_contain_text("This browser cannot open this photo")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=OPEN)).to_be_focused()
