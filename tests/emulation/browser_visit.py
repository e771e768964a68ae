"""A complete visit of the page in a browser; raises AssertionError where the page misbehaves.

Nothing stands in for anything: each answer comes from the function, through the edge.
"""

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.emulation.checks import LIMIT, Visitor
from tests.support.paths import SAMPLES

IMAGE_FILE = SAMPLES / "ISIC_0000026.jpg"
_ANSWERED = re.compile(r"^(Uncertain: s|S)how this spot to a doctor |^This does not rule out skin cancer: ")
_IS_DRAWN = """() => {
    const map = document.getElementById("map");
    // On a copy: a canvas that is read twice is complained of.
    const copy = new OffscreenCanvas(map.width, map.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(map, 0, 0);
    return copy.getImageData(0, 0, map.width, map.height).data.some((value) => value > 0);
}"""
_RULES_NOTHING_OUT = "This does not rule out skin cancer"


def visit_page(browser: Browser, url: str, below: str, folder: Path) -> None:
    """Visit the page.

    Args:
        browser: in which.
        url: of the page, without a slash at the end.
        below: title of a sample that the model puts below its threshold.
        folder: for photographs that are made here.
    """
    context = browser.new_context(reduced_motion="reduce")
    try:
        _visit(context.new_page(), url, below, folder)
    finally:
        context.close()


def view_page(browser: Browser, visitor: Visitor) -> None:
    """View the page without classifying anything: no request may reach the function before a person opens a dialog."""
    context = browser.new_context(reduced_motion="reduce")
    try:
        page = context.new_page()
        visitor.cloud.api.event = {}
        page.goto(visitor.cloud.url, wait_until="networkidle")
        expect(page.locator(".sample")).to_have_count(12)
        page.get_by_role("link", name="About", exact=True).click()
        expect(page.locator("#test-figures")).to_contain_text(re.compile(r"Measured on [\d,]+ photos"))
        page.get_by_role("link", name="Back to the photo").click()
        assert visitor.cloud.api.event == {}, "the view of the page reached the function"
        with page.expect_response("**/api/ping") as ping, page.expect_file_chooser():
            page.locator("#choose").click()
        assert ping.value.status == 200
        assert visitor.cloud.api.event["rawPath"] == "/api/ping"
    finally:
        context.close()


def sample_below_threshold(visitor: Visitor) -> str:
    """Return the title of a sample that the page shows as below the threshold, and not as uncertain."""
    views = visitor.get("/api/config").json()["default_views"]
    for sample in visitor.get("/api/samples").json():
        answer = visitor.get(f"/api/classify?sample={sample['id']}&views={views}&evidence=false")
        assert answer.status_code == 200, answer.text
        prediction = answer.json()["prediction"]
        if prediction and prediction["prediction_set"] == ["benign"]:
            return str(sample["title"])
    raise AssertionError("The model puts no sample below its threshold.")


def _visit(page: Page, url: str, below: str, folder: Path) -> None:
    complaints: list[str] = []
    asked: list[tuple[str, str]] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append((request.method, request.url)))
    # The console may report violations of the policy late; the event is immediate.
    page.add_init_script("addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))")

    page.goto(url)
    assert complaints == []
    # Whichever comes first, so that a missing service fails at once.
    expect(page.locator(".sample, #samples-problem:not([hidden])").first).to_be_visible()
    assert page.locator("#samples-problem").is_hidden()
    expect(page.locator(".sample")).to_have_count(12)
    for thumbnail in page.locator(".sample img").all():
        # Not with wait_for_function, which the page's Content-Security-Policy forbids.
        expect(thumbnail).to_have_js_property("naturalWidth", 208)
    _sample(page, below)
    _own_image(page)
    _too_large(page, folder)
    _too_large_to_be_helped(page, asked)
    _private(page, asked)
    _about(page)

    assert complaints == []
    assert [address for _, address in asked if not address.startswith((url, f"blob:{url}"))] == []
    assert page.context.cookies() == []


def _sample(page: Page, title: str) -> None:
    page.get_by_role("button", name=title, exact=True).click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#score")).to_contain_text("below the threshold")
    expect(page.locator("#verdict")).to_contain_text(_RULES_NOTHING_OUT)
    expect(page.locator("#actual")).to_contain_text("Actual diagnosis")
    _evidence(page)


def _own_image(page: Page) -> None:
    # Replaces the sample; later photos would be added to it.
    page.set_input_files("#file", IMAGE_FILE)
    preview, no_preview = page.get_by_role("img", name=IMAGE_FILE.name), page.locator("#no-preview")
    expect(preview.or_(no_preview).filter(visible=True).first).to_be_visible()
    assert no_preview.is_hidden()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(_ANSWERED)
    expect(page.locator("#details")).to_contain_text(re.compile("1504 . 1129 pixels, JPEG"))
    expect(page.locator("#disclaimer")).to_contain_text("Not a medical device")
    _evidence(page)


def _evidence(page: Page) -> None:
    expect(page.locator("#map")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Evidence map; "))).to_be_visible()
    assert page.evaluate(_IS_DRAWN)


def _choose(page: Page, file: Path | FilePayload) -> None:
    """Choose a file in place of the photo that is there."""
    page.get_by_role("button", name="Remove", exact=True).click()
    page.set_input_files("#file", file)


def _too_large(page: Page, folder: Path) -> None:
    large = folder / "large.bmp"
    with Image.open(IMAGE_FILE) as original:
        original.resize((1500, 1126)).save(large)
    assert large.stat().st_size > LIMIT
    _choose(page, large)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(_ANSWERED)
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")


def _too_large_to_be_helped(page: Page, asked: list[tuple[str, str]]) -> None:
    before = [method for method, _ in asked].count("POST")
    _choose(page, {"name": "large.heic", "mimeType": "image/heic", "buffer": bytes(4_800_000)})
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_contain_text("Save it as a JPEG")
    assert [method for method, _ in asked].count("POST") == before


def _private(page: Page, asked: list[tuple[str, str]]) -> None:
    page.get_by_role("switch", name="Private mode").check()
    expect(page.locator("#private-state")).to_contain_text("The model is on this device", timeout=120_000)
    before = len(asked)
    _choose(page, IMAGE_FILE)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(_ANSWERED, timeout=120_000)
    expect(page.locator("#details")).to_contain_text("analysed on this device")
    assert [address for _, address in asked[before:] if not address.startswith("blob:")] == []


def _about(page: Page) -> None:
    page.get_by_role("link", name="About", exact=True).click()
    about = page.get_by_role("main", name="About")
    expect(about.locator("#test-figures")).to_contain_text(re.compile(r"Measured on [\d,]+ photos"))
    expect(about.locator("#limits li").nth(1)).to_be_visible()
    # By a request of its own, as from a bookmark; the browser asks about the result.
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(about.locator("#limits li").nth(1)).to_be_visible()
    page.get_by_role("link", name="Back to the photo").click()
    expect(about).to_be_hidden()
