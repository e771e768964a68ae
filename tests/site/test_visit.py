"""Ways of a photograph to its answer: the camera, rotate and crop, several at once, and what is too large or unreadable."""

import csv
import json
import re
import struct
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, expect
from python_multipart.multipart import parse_options_header

from tests.support.browser import wait_until
from tests.support.paths import PHONE_IMAGES, SAMPLES

PHOTOGRAPHS = [SAMPLES / f"ISIC_{number}.jpg" for number in ("0000026", "0010021", "0000345", "0010587")]
LIMIT = 4_500_000
PHONE, DESK = (390, 844), (1280, 900)
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
STATUSES = re.compile(r"^(Above|Below|Uncertain, (above|below)) the threshold$|^Could not be analysed$")

# Keeps what the page asked of its camera, and lets a test say what the browser answers.
WATCHED = """
    window.streams = [];
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (window.refusal) throw new DOMException("", window.refusal);
        await window.delay;
        const stream = await open(wanted);
        window.wanted = wanted;
        window.streams.push(stream);
        return stream;
    };
"""
WITH_LIGHT = """
    const can = MediaStreamTrack.prototype.getCapabilities;
    MediaStreamTrack.prototype.getCapabilities = function () { return { ...can.call(this), torch: true }; };
    window.lights = [];
    MediaStreamTrack.prototype.applyConstraints = async (wanted) => { window.lights.push(wanted.advanced[0].torch); };
"""
# A dialog tells a moment later that it was closed.
FILMS = """new Promise((resolve) => setTimeout(resolve, 200)).then(() =>
    streams.some((stream) => stream.getTracks().some((track) => track.readyState === 'live')))"""


@pytest.fixture
def opened(browser: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the page: how wide, whether the camera may be used, and what runs before it."""
    contexts: list[BrowserContext] = []

    def opened(size: tuple[int, int] = DESK, *scripts: str, camera: bool = True, locale: str = "en") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            locale=locale,
            accept_downloads=True,
            service_workers="block",
        )
        contexts.append(context)
        if camera:
            context.grant_permissions(["camera"])
        page = context.new_page()
        for script in (WATCHED, *scripts):
            page.add_init_script(script)
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    return opened()


def sent(page: Page) -> list[bytes]:
    """Fills with the photographs that the page sends from here on."""
    photographs: list[bytes] = []

    def keep(route: Route) -> None:
        kind = route.request.headers["content-type"]
        boundary = parse_options_header(kind)[1][b"boundary"]
        part = (route.request.post_data_buffer or b"").split(b"--" + boundary)[1]
        photographs.append(part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n"))
        route.continue_()

    page.route(lambda url: "/api/classify" in url and "sample" not in url, keep)
    return photographs


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


# The camera


@SIZES
def test_the_camera_takes_a_photograph_by_keyboard_and_stops(opened: Callable[..., Page], size: tuple[int, int]) -> None:
    page = opened(size)
    photographs = sent(page)
    page.get_by_role("button", name="Use the camera").focus()
    page.keyboard.press("Enter")
    camera = page.get_by_role("dialog", name="Take a photo")
    expect(camera.get_by_role("button", name="Take the photo")).to_be_focused()
    expect(camera.locator(".guide-line")).to_be_visible()
    expect(camera.get_by_role("button", name="Light")).to_be_hidden()
    assert page.evaluate("wanted.video.facingMode.ideal") == "environment"
    assert page.evaluate("wanted.audio") is False
    resolution = page.evaluate("(({ width, height }) => [width, height])(streams[0].getVideoTracks()[0].getSettings())")
    assert not scrolls_sideways(page)
    page.keyboard.press("Enter")
    expect(camera).to_be_hidden()
    assert not page.evaluate(FILMS)
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    with Image.open(BytesIO(photographs[0])) as photograph:
        assert photograph.size == tuple(resolution)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("NotAllowedError", "not allowed to use the camera. Allow it in the settings of your browser"),
        ("NotFoundError", "No camera was found on this device."),
        ("OverconstrainedError", "No camera was found on this device."),
        ("NotReadableError", "Close other programs that use it"),
    ],
)
def test_a_camera_that_does_not_open_gives_a_sentence_and_may_be_tried_again(
    page: Page, refusal: str, sentence: str
) -> None:
    page.evaluate(f"window.refusal = '{refusal}'")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_role("alert")).to_contain_text("choose a photo instead", ignore_case=True)
    expect(page.locator("#camera-shutter")).to_be_hidden()
    page.evaluate("window.refusal = ''")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_person_may_say_no_to_the_camera(opened: Callable[..., Page]) -> None:
    page = opened(PHONE, camera=False)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("not allowed to use the camera")
    assert not scrolls_sideways(page)


def test_a_browser_without_cameras_says_so(opened: Callable[..., Page]) -> None:
    page = opened(DESK, "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("This browser does not offer a camera to pages.")
    expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()


def test_closing_lets_go_of_the_camera_even_while_it_starts(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    assert page.evaluate(FILMS)
    page.keyboard.press("Escape")
    assert not page.evaluate(FILMS)
    page.evaluate("void (window.delay = new Promise((resolve) => (window.goOn = resolve)))")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-starting")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.evaluate("goOn()")
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()
    assert not page.evaluate(FILMS)
    assert page.evaluate("streams.length") == 2


def test_the_light_is_offered_where_the_camera_has_one(opened: Callable[..., Page]) -> None:
    page = opened(DESK, WITH_LIGHT)
    page.get_by_role("button", name="Use the camera").click()
    light = page.get_by_role("button", name="Light")
    light.click()
    expect(light).to_have_attribute("aria-pressed", "true")
    light.click()
    expect(light).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("lights") == [True, False]


def test_a_camera_that_stops_says_so(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    page.evaluate("streams[0].getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("The camera stopped.")


def test_a_camera_that_takes_no_photograph_gives_a_frame(opened: Callable[..., Page]) -> None:
    page = opened(DESK, "ImageCapture.prototype.takePhoto = () => Promise.reject(new Error('no'));")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()


@SIZES
def test_what_was_refused_is_taken_again(opened: Callable[..., Page], size: tuple[int, int]) -> None:
    page = opened(size)
    fulfil(page, answer(0, "too_blurry"))
    page.set_input_files("#file", PHOTOGRAPHS[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    refused = page.get_by_role("region", name="What to do next")
    with page.expect_file_chooser():
        refused.get_by_role("button", name="Another photo").click()
    refused.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    # In place of the other one.
    expect(refused).to_be_hidden()
    expect(page.locator("#queue")).to_be_hidden()
    assert not scrolls_sideways(page)


def test_after_an_answer_nothing_has_to_be_taken_again(page: Page) -> None:
    fulfil(page, answer(0.62))
    page.set_input_files("#file", PHOTOGRAPHS[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    following = page.get_by_role("region", name="What to do next")
    expect(following.get_by_role("button")).to_have_text(["Print a report"])


def test_the_camera_adds_to_a_comparison(page: Page) -> None:
    page.set_input_files("#file", files("a.jpg", "b.jpg"))
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    for count in (3, 4):
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take the photo").click()
        expect(page.locator("#queue-rows tr")).to_have_count(count)
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()


# Rotate and crop


@pytest.fixture
def quarters() -> FilePayload:
    """A picture of four colours, 400 x 300, as it is chosen: red and blue above, yellow and green below."""
    picture = Image.new("RGB", (400, 300))
    for at, colour in (((0, 0), "red"), ((200, 0), "blue"), ((0, 150), "yellow"), ((200, 150), "green")):
        picture.paste(colour, (*at, at[0] + 200, at[1] + 150))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return {"name": "quarters.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def colours(data: bytes) -> tuple[int, list[str]]:
    """Side of a square picture, and the nearest plain colours in its corners."""
    plain = {"red": (255, 0, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "green": (0, 128, 0)}
    with Image.open(BytesIO(data)) as picture:
        assert picture.width == picture.height
        assert picture.format == "JPEG" and not picture.getexif()
        last = picture.width - 5
        pixels = [picture.convert("RGB").getpixel(at) for at in ((4, 4), (last, 4), (4, last), (last, last))]

    def name(pixel: Any) -> str:
        return min(plain, key=lambda each: sum((one - other) ** 2 for one, other in zip(plain[each], pixel, strict=True)))

    return picture.width, [name(pixel) for pixel in pixels]


@SIZES
def test_a_square_is_chosen_by_keyboard_alone(
    opened: Callable[..., Page], size: tuple[int, int], quarters: FilePayload
) -> None:
    page = opened(size)
    photographs = sent(page)
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
    assert colours(photographs[0]) == (300, ["yellow", "red", "green", "blue"])


@pytest.mark.parametrize(
    ("turns", "corners"),
    [
        (0, ["red", "blue", "yellow", "green"]),
        (2, ["green", "yellow", "blue", "red"]),
        (3, ["blue", "green", "red", "yellow"]),
        (4, ["red", "blue", "yellow", "green"]),
    ],
)
def test_every_turn_is_the_one_that_is_shown(page: Page, quarters: FilePayload, turns: int, corners: list[str]) -> None:
    photographs = sent(page)
    page.set_input_files("#file", quarters)
    page.get_by_role("button", name="Rotate and crop").click()
    for _ in range(turns):
        page.get_by_role("button", name="Rotate", exact=True).click()
    page.get_by_role("button", name="Use this square").click()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    assert colours(photographs[0]) == (300, corners)


def test_buttons_mouse_and_wheel_move_the_square_and_never_beyond_the_photograph(page: Page, quarters: FilePayload) -> None:
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


def test_a_crop_can_be_left_and_begins_from_the_whole_photograph(page: Page, quarters: FilePayload) -> None:
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


# Opens the first photograph only when it is told to, and says when its pixels are let go.
SLOW = """() => {
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


def test_a_crop_that_was_left_does_not_close_the_next_one(page: Page, quarters: FilePayload) -> None:
    page.set_input_files("#file", quarters)
    page.evaluate(SLOW)
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


def test_a_sample_is_not_cropped(page: Page) -> None:
    page.get_by_role("button", name="Sample 3").click()
    expect(page.get_by_role("button", name="Rotate and crop")).to_be_hidden()


def test_heic_is_shown_and_cropped_by_what_is_loaded_with_the_first_one(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#file", PHOTOGRAPHS[0])
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


def test_what_nobody_can_open_is_not_cropped(page: Page) -> None:
    page.set_input_files("#file", {"name": "notes.heic", "mimeType": "image/heic", "buffer": b"not a photograph"})
    page.get_by_role("button", name="Rotate and crop").click()
    expect(page.get_by_role("alert")).to_contain_text("This browser cannot open this photo")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rotate and crop")).to_be_focused()


# Too large


def test_a_photograph_above_the_limit_leaves_upright_and_without_its_metadata(page: Page, tmp_path: Path) -> None:
    photographs = sent(page)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif[0x010E] = "where I live"
    with Image.open(PHOTOGRAPHS[0]) as photograph:
        photograph.resize((3000, 2250)).save(tmp_path / "large.jpg", exif=exif, quality=100, subsampling=0)
    with open(tmp_path / "large.jpg", "ab") as file:
        file.write(bytes(max(0, LIMIT + 1 - file.tell())))
    page.set_input_files("#file", tmp_path / "large.jpg")
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")
    assert b"where I live" not in photographs[0]
    with Image.open(BytesIO(photographs[0])) as smaller:
        assert smaller.size == (1200, 1600)
        assert not smaller.getexif()


def test_heic_is_sent_as_it_is_whatever_is_shown_of_it(page: Page) -> None:
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 320)
    page.get_by_role("button", name="Analyse", exact=True).click()
    # What the service says of it.
    expect(page.locator("#details")).to_contain_text("ISIC_0000026.heic, 320 × 240 pixels, HEIC")


def test_heic_above_the_limit_is_decoded_here(page: Page, tmp_path: Path) -> None:
    photographs = sent(page)
    original = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    # A box that readers pass over.
    (tmp_path / "large.heic").write_bytes(original + struct.pack(">I4s", LIMIT, b"free") + bytes(LIMIT - 8))
    page.set_input_files("#file", tmp_path / "large.heic")
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")
    with Image.open(BytesIO(photographs[0])) as smaller:
        assert smaller.format == "JPEG"
        assert smaller.size == (320, 240)


# Several at once


def rows(page: Page) -> list[str]:
    """Names in the order of the table."""
    return page.locator("#queue-rows .name").all_inner_texts()


@SIZES
def test_several_photographs_are_looked_at_one_after_the_other(opened: Callable[..., Page], size: tuple[int, int]) -> None:
    page = opened(size)
    told: list[str] = []
    page.on("request", lambda request: told.append("asked") if request.method == "POST" else None)
    page.on("requestfinished", lambda request: told.append("answered") if request.method == "POST" else None)
    page.set_input_files("#file", PHOTOGRAPHS)
    expect(page.get_by_role("region", name="Photos")).to_contain_text("0 of 4 analysed")
    expect(page.locator("#queue-rows tr")).to_have_count(4)
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("4 of 4 analysed")
    expect(page.locator("#live")).to_have_text("All photos have been analysed.")
    assert told == ["asked", "answered"] * 4
    for row in page.locator("#queue-rows tr").all():
        expect(row.locator(".row-status span").last).to_have_text(STATUSES)
        expect(row.locator(".number")).to_have_text(re.compile(r"\d"))
    assert not scrolls_sideways(page)
    page.get_by_role("button", name=PHOTOGRAPHS[2].name, exact=True).click()
    expect(page.get_by_role("img", name=PHOTOGRAPHS[2].name)).to_be_visible()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.get_by_role("button", name=PHOTOGRAPHS[2].name, exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_role("columnheader", name="Résultat")).to_be_visible()
    expect(page.locator("#queue-progress")).to_have_text("4 sur 4 regardées")
    expect(page.locator("#queue-rows .row-status").first).to_contain_text("seuil")


def answer(probability: float, refusal: str | None = None) -> dict[str, Any]:
    """An answer of the contract, or a refusal."""
    prediction = {
        "decision": "above_threshold" if probability >= 0.3 else "below_threshold",
        "malignant_probability": probability,
        "threshold": 0.3,
        "prediction_set": ["malignant" if probability >= 0.3 else "benign"],
        "logit": 0.5,
        "classes": [
            {"code": "melanoma" if probability >= 0.5 else "nevus", "malignant": probability >= 0.5, "probability": 0.9},
        ],
    }
    return {
        "status": "refused" if refusal else "ok",
        "refusal": {"code": refusal, "message": "Said by its code."} if refusal else None,
        "prediction": None if refusal else prediction,
        "evidence": None,
        "image": {"width": 1504, "height": 1129, "format": "JPEG"},
        "model": {"version": "7", "sha256": "ab" * 32},
        "timing_ms": {"decode": 6.1, "infer": 9.0, "total": 15.9},
        "disclaimer": "Research demonstration.",
    }


def fulfil(page: Page, *answers: dict[str, Any] | int) -> None:
    """Answer in the service's place: one after the other; a number is the status of a failure."""
    left = list(answers)

    def next_one(route: Route) -> None:
        body = left.pop(0)
        if isinstance(body, int):
            route.fulfill(status=body, json={"message": "no"})
        else:
            route.fulfill(json=body)

    page.route("**/api/classify**", next_one)


def files(*names: str) -> list[Any]:
    """Photographs under these names."""
    return [{"name": name, "mimeType": "image/jpeg", "buffer": PHOTOGRAPHS[0].read_bytes()} for name in names]


def test_what_fails_or_is_refused_keeps_its_row_and_one_is_tried_again(page: Page) -> None:
    fulfil(page, answer(0.62), 503, answer(0, "too_dark"), answer(0.1), answer(0.2))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
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


def test_the_table_sorts_by_every_column_and_is_saved_in_that_order(page: Page) -> None:
    fulfil(page, answer(0.2), answer(0.62), 503, answer(0, "too_dark"), answer(0.4))
    page.set_input_files("#file", files("=cmd()|x.jpg", "a,b.jpg", "c.jpg", "d.jpg", "e10.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("4 of 5 analysed, 1 without a result")
    malignant = page.get_by_role("columnheader", name="Malignant")
    malignant.get_by_role("button").click()
    expect(malignant).to_have_attribute("aria-sort", "descending")
    assert rows(page) == ["a,b.jpg", "e10.jpg", "=cmd()|x.jpg", "c.jpg", "d.jpg"]
    expect(page.locator("#live")).to_have_text("Sorted by Malignant.")
    malignant.get_by_role("button").press("Enter")
    expect(malignant).to_have_attribute("aria-sort", "ascending")
    expect(malignant.get_by_role("button")).to_be_focused()
    assert rows(page) == ["=cmd()|x.jpg", "e10.jpg", "a,b.jpg", "c.jpg", "d.jpg"]
    page.get_by_role("columnheader", name="Most probable").get_by_role("button").click()
    expect(malignant).to_have_attribute("aria-sort", "none")
    assert rows(page)[0] == "a,b.jpg"
    page.get_by_role("columnheader", name="Remains possible").get_by_role("button").click()
    assert rows(page)[0] == "=cmd()|x.jpg"
    page.get_by_role("columnheader", name="Result").get_by_role("button").click()
    assert rows(page)[0] == "a,b.jpg"
    page.get_by_role("columnheader", name="Photo").get_by_role("button").click()
    expected = ["=cmd()|x.jpg", "a,b.jpg", "c.jpg", "d.jpg", "e10.jpg"]
    assert rows(page) == expected
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
        "set": "malignant",
        "top_diagnosis": "melanoma",
        "refusal": "",
        "problem": "",
        "model": "7",
        "views": "1",
    }
    assert (table[2]["status"], table[2]["problem"], table[2]["probability"]) == ("failed", "starting", "")
    assert (table[3]["status"], table[3]["refusal"], table[3]["model"]) == ("refused", "too_dark", "7")


def test_the_arrows_are_no_part_of_a_column_s_name(page: Page) -> None:
    page.set_input_files("#file", files("a.jpg", "b.jpg"))
    names = ("Photo", "Result", "Malignant", "Remains possible", "Most probable")
    for name in names:
        expect(page.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="Malignant", exact=True).click()
        expect(page.get_by_role("button", name="Malignant", exact=True)).to_be_focused()


@pytest.mark.parametrize("locale", ["en", "es", "de", "fr"])
def test_no_button_of_a_row_breaks_within_a_word(opened: Callable[..., Page], locale: str) -> None:
    page = opened(PHONE, locale=locale)
    fulfil(page, 503, 503)
    page.set_input_files("#file", files("a.jpg", "b.jpg"))
    page.locator("#queue-analyse").click()
    expect(page.locator("[data-state=failed]")).to_have_count(2)
    lines = """(button) => {
        const range = document.createRange();
        range.selectNodeContents(button);
        return range.getClientRects().length;
    }"""
    retry = page.locator("#queue-rows .row-status button").first
    assert retry.evaluate(lines) <= len(retry.inner_text().split())


def test_a_file_that_the_page_decodes_has_its_thumbnail(page: Page) -> None:
    heic = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    page.set_input_files("#file", [*files("a.jpg"), {"name": "b.heic", "mimeType": "image/heic", "buffer": heic}])
    row = page.get_by_role("row", name=re.compile("b.heic"))
    drawn = "(canvas) => canvas.getContext('2d').getImageData(44, 44, 1, 1).data[3] === 255"
    page.wait_for_function(drawn, arg=row.locator("canvas").element_handle())
    row.get_by_role("button", name="b.heic", exact=True).click()
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 320)


def test_a_queue_can_be_stopped_and_gone_on_with(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Being analysed")
    expect(page.get_by_role("row", name=re.compile("b.jpg"))).to_contain_text("Waiting")
    expect(page.locator("#result-heading")).to_have_text("Analysing the photo")
    waiting.pop().fulfill(json=answer(0.62))
    expect(page.locator("#queue-progress")).to_have_text("1 of 3 analysed")
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")
    page.keyboard.press("Enter")
    expect(page.locator("#queue-note")).to_have_text("Stopped. 1 of 3 have been analysed.")
    expect(page.locator("[data-state=new]")).to_have_count(2)
    expect(page.get_by_role("button", name="Analyse all")).to_be_focused()
    page.unroute("**/api/classify**")
    fulfil(page, answer(0.1), answer(0.2))
    page.keyboard.press("Enter")
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")


def test_what_is_said_of_a_stopped_queue_is_translated_and_goes_with_the_next_change(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
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


def test_one_of_several_can_be_cancelled_or_removed(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
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
    waiting[-1].fulfill(json=answer(0.62))
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")


def test_remove_beside_the_picture_leaves_the_others(page: Page) -> None:
    fulfil(page, answer(0.62), answer(0.1), answer(0.2))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")
    page.get_by_role("button", name="b.jpg", exact=True).click()
    remove = page.get_by_role("button", name="Remove", exact=True)
    remove.click()
    expect(page.locator("#live")).to_have_text("Removed b.jpg.")
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    assert rows(page) == ["a.jpg", "c.jpg"]
    expect(page.get_by_role("img", name="c.jpg")).to_be_visible()
    expect(page.locator("#answer")).to_be_visible()
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.get_by_role("img", name="a.jpg")).to_be_visible()
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")


def test_another_number_of_orientations_is_asked_anew_and_told_apart(page: Page) -> None:
    fulfil(page, *(answer(probability) for probability in (0.62, 0.1, 0.6, 0.2, 0.61)))
    page.set_input_files("#file", files("a.jpg", "b.jpg"))
    predict_all = page.get_by_role("button", name="Analyse all")
    progress = page.locator("#queue-progress")
    told = page.locator("#queue-rows").get_by_text("in eight orientations")
    predict_all.click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(predict_all).to_be_disabled()
    expect(told.filter(visible=True)).to_have_count(0)
    page.get_by_role("checkbox", name="Use eight orientations").check()
    with page.expect_request("**/api/classify?views=8"):
        predict_all.click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(told.filter(visible=True)).to_have_count(2)
    expect(predict_all).to_be_disabled()
    # One of them as before.
    page.get_by_role("checkbox", name="Use eight orientations").uncheck()
    expect(predict_all).to_be_enabled()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(progress).to_have_text("2 of 2 analysed")
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("61%")
    expect(told.filter(visible=True)).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    table = [(row["file"], row["probability"], row["views"]) for row in csv.DictReader(StringIO(text, newline=""))]
    assert table == [("a.jpg", "0.61", "1"), ("b.jpg", "0.2", "8")]


def test_at_most_twenty_are_taken_and_more_can_be_added_until_then(opened: Callable[..., Page]) -> None:
    page = opened(PHONE)
    page.set_input_files("#file", files(*(f"{number}.jpg" for number in range(18))))
    expect(page.locator("#queue-rows tr")).to_have_count(18)
    page.get_by_role("button", name="Sample 3").click()
    expect(page.locator("#queue-rows tr")).to_have_count(19)
    expect(page.get_by_role("img", name="Sample 3")).to_be_visible()
    page.get_by_role("button", name="Sample 3", exact=True).first.click()
    expect(page.locator("#queue-rows tr")).to_have_count(19)
    page.set_input_files("#file", files("one.jpg", "two.jpg", "three.jpg"))
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


def test_a_cropped_one_of_several_is_asked_anew(page: Page) -> None:
    fulfil(page, answer(0.62), answer(0.1), answer(0.2))
    page.set_input_files("#file", files("a.jpg", "b.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    page.get_by_role("button", name="Rotate and crop").click()
    page.get_by_role("button", name="Use this square").click()
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Not analysed yet")
    expect(page.locator("#answer")).to_be_hidden()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text("Below the threshold")
    expect(page.locator("#result-heading")).to_be_focused()


@pytest.mark.parametrize("locale", ["en", "es", "de", "fr"])
def test_the_smallest_telephone_shows_every_view_without_scrolling_sideways(
    opened: Callable[..., Page], locale: str
) -> None:
    page = opened((320, 640), locale=locale)
    assert not scrolls_sideways(page)
    fulfil(page, answer(0.62), answer(0, "too_dark"))
    page.set_input_files("#file", files("a-name-that-is-much-too-long-for-any-telephone.jpg", "b.jpg"))
    page.locator("#queue-analyse").click()
    expect(page.locator("#queue-bar")).to_have_js_property("value", 2)
    assert not scrolls_sideways(page)
    fits = "(dialog) => dialog.scrollWidth <= dialog.clientWidth && dialog.getBoundingClientRect().right <= innerWidth"
    page.locator("#crop-open").click()
    expect(page.locator("#crop-work")).to_be_visible()
    assert page.locator("#crop").evaluate(fits)
    page.keyboard.press("Escape")
    page.locator("#queue-clear").click()
    page.locator("#camera-open").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    assert page.locator("#camera").evaluate(fits)


def test_the_whole_visit_breaks_no_rule_and_asks_no_other_host(opened: Callable[..., Page], base_url: str) -> None:
    page = opened()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    page.get_by_role("button", name="Rotate and crop").click()
    page.get_by_role("button", name="Smaller").click()
    page.get_by_role("button", name="Use this square").click()
    page.set_input_files("#file", [*PHOTOGRAPHS[:2], PHONE_IMAGES / "ISIC_0000026.heic"])
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")
    page.get_by_role("button", name="ISIC_0000026.heic", exact=True).click()
    page.get_by_role("button", name="Rotate and crop").click()
    page.get_by_role("button", name="Use this square").click()
    with page.expect_download():
        page.get_by_role("button", name="Save as CSV").click()
    assert complaints == []
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
