"""The camera dialog."""

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import launch
from tests.support.site.visit import (
    DESKTOP,
    IMAGES,
    PHONE,
    SIZES,
    STATUSES,
    answer_in_turn,
    named_files,
    record_uploads,
    scrolls_sideways,
    short_answer,
)

WITH_TORCH = """
    const can = MediaStreamTrack.prototype.getCapabilities;
    MediaStreamTrack.prototype.getCapabilities = function () { return { ...can.call(this), torch: true }; };
    window.lights = [];
    MediaStreamTrack.prototype.applyConstraints = async (wanted) => { window.lights.push(wanted.advanced[0].torch); };
"""


# A dialog tells a moment later that it was closed.
IS_FILMING = """new Promise((resolve) => setTimeout(resolve, 200)).then(() =>
    streams.some((stream) => stream.getTracks().some((track) => track.readyState === 'live')))"""


@SIZES
def test_camera_takes_photo_by_keyboard_and_stops(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """The camera takes a photo by keyboard and is released."""
    page = open_page(size)
    images = record_uploads(page)
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
    assert not page.evaluate(IS_FILMING)
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    with Image.open(BytesIO(images[0])) as image:
        assert image.size == tuple(resolution)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("NotAllowedError", "not allowed to use the camera. Allow it in the settings of your browser"),
        ("NotFoundError", "No camera was found on this device."),
        ("OverconstrainedError", "No camera was found on this device."),
        ("NotReadableError", "Close other programs that use it"),
    ],
)
def test_camera_failure_shows_message_and_retry(page: Page, refusal: str, sentence: str) -> None:
    """A camera that does not open shows a message and can be retried."""
    page.evaluate(f"window.refusal = '{refusal}'")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_role("alert")).to_contain_text("choose a photo instead", ignore_case=True)
    expect(page.locator("#camera-shutter")).to_be_hidden()
    page.evaluate("window.refusal = ''")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_camera_denied_shows_message(browser: Browser, base_url: str) -> None:
    """A denied permission shows a message."""
    with launch(browser.browser_type, camera=False) as denying:
        page = denying.new_page(viewport={"width": PHONE[0], "height": PHONE[1]}, locale="en", service_workers="block")
        page.goto(base_url)
        page.get_by_role("button", name="Use the camera").click()
        expect(page.get_by_role("alert")).to_contain_text("not allowed to use the camera")
        assert not scrolls_sideways(page)


def test_camera_unsupported_shows_message(open_page: Callable[..., Page]) -> None:
    """A browser without camera support shows a message."""
    page = open_page(DESKTOP, "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("This browser does not offer a camera to pages.")
    expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()


def test_camera_is_released_when_closed_while_starting(page: Page) -> None:
    """Closing the dialog releases the camera, even while it starts."""
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    assert page.evaluate(IS_FILMING)
    page.keyboard.press("Escape")
    assert not page.evaluate(IS_FILMING)
    page.evaluate("void (window.delay = new Promise((resolve) => (window.goOn = resolve)))")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-starting")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.evaluate("goOn()")
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()
    assert not page.evaluate(IS_FILMING)
    assert page.evaluate("streams.length") == 2


def test_camera_torch_is_offered_when_supported(open_page: Callable[..., Page]) -> None:
    """The torch is offered when the camera has one."""
    page = open_page(DESKTOP, WITH_TORCH)
    page.get_by_role("button", name="Use the camera").click()
    light = page.get_by_role("button", name="Light")
    light.click()
    expect(light).to_have_attribute("aria-pressed", "true")
    light.click()
    expect(light).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("lights") == [True, False]


def test_camera_that_ends_shows_message(page: Page) -> None:
    """A camera that stops shows a message."""
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    page.evaluate("streams[0].getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("The camera stopped.")


def test_camera_without_photo_uses_video_frame(open_page: Callable[..., Page]) -> None:
    """A camera that takes no photo provides a frame of its video."""
    page = open_page(DESKTOP, "ImageCapture.prototype.takePhoto = () => Promise.reject(new Error('no'));")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()


@SIZES
def test_refused_photo_can_be_retaken(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """After a refusal another photo can be taken."""
    page = open_page(size)
    answer_in_turn(page, short_answer(0, "too_blurry"))
    page.set_input_files("#file", IMAGES[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    refused = page.get_by_role("region", name="What to do next")
    with page.expect_file_chooser():
        refused.get_by_role("button", name="Another photo").click()
    refused.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse", exact=True)).to_be_focused()
    expect(refused).to_be_hidden()
    # The other one is kept, because it may exist nowhere else.
    expect(page.locator("#queue-rows .row-status span").nth(1)).to_have_text("Could not be analysed")
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    assert not scrolls_sideways(page)


def test_retake_is_not_offered_after_result(page: Page) -> None:
    """After a result no retake is offered."""
    answer_in_turn(page, short_answer(0.62))
    page.set_input_files("#file", IMAGES[0])
    page.get_by_role("button", name="Analyse", exact=True).click()
    following = page.get_by_role("region", name="What to do next")
    expect(following.get_by_role("button")).to_have_text(["Report for a doctor", "Print a report"])


def test_camera_adds_to_comparison(page: Page) -> None:
    """With several photos, the camera adds one."""
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    for count in (3, 4):
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take the photo").click()
        expect(page.locator("#queue-rows tr")).to_have_count(count)
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()


def test_camera_draws_ghost_over_video(page: Page) -> None:
    """An earlier photo is drawn half transparent over the video, its centred square only, and not in the next use."""
    page.evaluate("""async () => {
        const { openCamera } = await import("/js/photo/camera.js");
        const canvas = new OffscreenCanvas(300, 100);
        const context = canvas.getContext("2d");
        context.fillStyle = "red";
        context.fillRect(0, 0, 300, 100);
        context.fillStyle = "blue";
        context.fillRect(100, 0, 100, 100);
        openCamera(() => {}, { ghost: await createImageBitmap(canvas) });
    }""")
    ghost = page.locator("#viewfinder .ghost")
    expect(ghost).to_have_css("opacity", "0.5")
    colour = "(canvas) => [...canvas.getContext('2d').getImageData(5, 300, 1, 1).data]"
    assert ghost.evaluate(colour) == [0, 0, 255, 255]
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()
    expect(ghost).to_have_count(0)


def test_camera_says_what_to_change(page: Page) -> None:
    """Words in a live region follow what the camera sees; they stay long enough to be read, and never block the shutter."""
    page.get_by_role("button", name="Use the camera").click()
    shutter = page.get_by_role("button", name="Take the photo")
    expect(shutter).to_be_enabled()
    told = page.locator("#camera-help")
    expect(told).to_have_attribute("role", "status")
    # Chromium's test image: bright green, with a sector of changing size in the middle.
    expect(told).to_have_text("Sharp, bright and close enough. Take the photo.")
    page.evaluate("""() => {
        const draw = CanvasRenderingContext2D.prototype.drawImage;
        CanvasRenderingContext2D.prototype.drawImage = function (...given) {
            this.filter = "brightness(0.2)";
            draw.apply(this, given);
            this.filter = "none";
        };
    }""")
    expect(told).to_have_text("Too dark: more light, please.")
    page.get_by_label("Language").evaluate("(menu) => { menu.value = 'de'; menu.dispatchEvent(new Event('change')); }")
    expect(told).to_have_text("Zu dunkel: bitte mehr Licht.")
    expect(page.locator("#camera-shutter")).to_be_enabled()
    page.locator("#camera-shutter").click()
    expect(page.locator("#camera")).to_be_hidden()
    expect(told).to_be_empty()
