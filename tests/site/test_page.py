"""A visit to the page in Chromium, from the photograph to the answer, against the service itself.

What depends on a model's numbers is answered by the tests in the service's place, so that any model passes.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.support.paths import PHONE_IMAGES, REPOSITORY, SAMPLES
from tests.support.site.service import CARD, SHA256, answer, answer_with

SITE = REPOSITORY / "infra" / "site"
PHOTOGRAPH = SAMPLES / "ISIC_0000026.jpg"
STATUSES = re.compile(r"^(Above|Below|Uncertain, (above|below)) the threshold$|^Could not be analysed$")

# Counts what moves while nobody touched anything.
SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shifted += entry.value)))
        .observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def visit(browser: Browser, base_url: str) -> Iterator[Callable[[int], Page]]:
    """Opens the page in a window of some width and waits for its samples."""
    context = browser.new_context(reduced_motion="reduce", service_workers="block")

    def visit(width: int) -> Page:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        return page

    yield visit
    context.close()


@pytest.fixture
def page(visit: Callable[[int], Page]) -> Page:
    return visit(1280)


def drop(page: Page, target: str, name: str, kind: str, data: bytes) -> None:
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


def colour(page: Page, at: int) -> list[int]:
    """Red, green, blue and opacity of the evidence map on its diagonal."""
    context = "document.getElementById('map').getContext('2d')"
    return [int(value) for value in page.evaluate(f"[...{context}.getImageData({at}, {at}, 1, 1).data]")]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_chosen_photograph_is_answered_and_the_focus_goes_to_the_answer(visit: Callable[[int], Page], width: int) -> None:
    page = visit(width)
    page.set_input_files("#file", PHOTOGRAPH)
    expect(page.get_by_role("img", name=PHOTOGRAPH.name)).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    heading = page.locator("#result-heading")
    expect(heading).to_have_text(STATUSES)
    expect(heading).to_be_focused()
    box = heading.bounding_box()
    assert box and 0 <= box["y"] < 320
    expect(page.locator("#details")).to_contain_text(re.compile("1504 . 1129 pixels, JPEG"))
    expect(page.locator("#disclaimer")).to_contain_text("Not a medical device")
    expect(page.locator("#actual")).to_be_hidden()


def test_a_photograph_may_be_dropped_anywhere(page: Page) -> None:
    drop(page, "footer", "spot.jpg", "image/jpeg", PHOTOGRAPH.read_bytes())
    expect(page.get_by_role("img", name="spot.jpg")).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)


def test_what_is_no_file_is_told_beside_the_picture(page: Page) -> None:
    page.set_input_files("#file", PHOTOGRAPH)
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
    expect(page.get_by_role("img", name=PHOTOGRAPH.name)).to_be_visible()
    page.set_input_files("#file", PHOTOGRAPH)
    expect(told).to_be_hidden()
    # Nobody is led to try it with a sample.
    expect(page.locator(".sample img[draggable=false]")).to_have_count(12)


def test_a_photograph_may_be_pasted(page: Page) -> None:
    page.evaluate(
        """(data) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            clipboardData.items.add(new File([bytes], "image.jpg", { type: "image/jpeg" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        b64encode(PHOTOGRAPH.read_bytes()).decode(),
    )
    expect(page.get_by_role("img", name="image.jpg")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()


def test_the_actual_diagnosis_of_a_sample_is_told_after_the_answer_only(page: Page) -> None:
    page.get_by_role("button", name="Sample 1", exact=True).click()
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()
    expect(page.locator("main")).not_to_contain_text("elanoma")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#actual")).to_have_text("Actual diagnosis (from the archive): Melanoma")
    page.get_by_role("button", name="Sample 2", exact=True).click()
    expect(page.locator("#actual")).to_be_hidden()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.get_by_role("button", name="Sample 3").focus()
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Use eight orientations").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("switch", name="Private mode")).to_be_focused()
    page.keyboard.press("Tab")
    with page.expect_request("**/api/classify?sample=ISIC_*&views=8"):
        page.keyboard.press("Enter")
    expect(page.locator("#result-heading")).to_be_focused()


def test_above_the_threshold_sends_to_a_doctor_and_tells_the_test_figures(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")
    expect(page.locator("#advice")).to_have_text(
        "In our test, 95 of 100 malignant and 38 of 100 benign lesions scored above the threshold, too. "
        "Show this spot to a doctor."
    )
    scale = page.get_by_role("img", name="Malignant 62%, benign 38%; the threshold is at 31%.")
    expect(scale).to_be_visible()
    expect(page.locator("#set")).to_contain_text("Prediction set: malignant only.")
    expect(page.locator("#classes li").first).to_contain_text("Melanoma malignant62%")
    expect(page.locator("#details")).to_contain_text("7, sha256 abababababab")


def test_below_the_threshold_rules_nothing_out(page: Page) -> None:
    answer_with(page, answer(0.034, "benign"))
    expect(page.locator("#result-heading")).to_have_text("Below the threshold")
    expect(page.locator("#advice")).to_have_text(
        "This does not rule out skin cancer: 5 of 100 malignant lesions also scored below. "
        "If it is new, changing, bleeding, or worries you, see a doctor."
    )
    expect(page.locator("#advice strong")).to_have_text("This does not rule out skin cancer")
    expect(page.locator("#malignant")).to_have_text("3.4%")
    expect(page.locator("#benign")).to_have_text("96.6%")


def test_a_prediction_set_of_both_sides_is_uncertain_on_either_side(page: Page) -> None:
    answer_with(page, answer(0.309, "benign", "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Uncertain, below the threshold")
    expect(page.locator("#uncertain")).to_contain_text("Show the spot to a doctor")
    # Not "31%, below 31%".
    expect(page.locator("#malignant")).to_have_text("30.9%")
    expect(page.locator("#scale-label")).to_have_text("Threshold 31.0% malignant")
    answer_with(page, answer(0.35, "benign", "malignant"))
    expect(page.locator("#result-heading")).to_have_text("Uncertain, above the threshold")


def test_a_set_that_disagrees_with_the_threshold_says_what_to_go_by(page: Page) -> None:
    answer_with(page, answer(0.35, "benign"))
    expect(page.locator("#result-heading")).to_have_text("Above the threshold")
    expect(page.locator("#set")).to_contain_text(
        "Prediction set: benign only. The prediction set and the threshold disagree. Follow the more cautious one"
    )


def test_a_refusal_gives_its_reason_and_no_number(page: Page) -> None:
    answer_with(page, answer(0))
    expect(page.locator("#result-heading")).to_have_text("Could not be analysed")
    expect(page.locator("#advice")).to_contain_text("The photo is too blurred to analyse.")
    expect(page.locator("#advice")).to_contain_text("see a doctor")
    expect(page.locator("#result")).not_to_contain_text("%")
    expect(page.locator("#evidence")).to_be_hidden()


@pytest.mark.parametrize("metrics", [None, {}, {"auc": {"value": 0.9}}])
def test_a_model_without_figures_keeps_the_advice(page: Page, metrics: Mapping[str, Any] | None) -> None:
    answer_with(page, answer(0.1, "benign"), {**CARD, "metrics": metrics})
    expect(page.locator("#advice")).to_have_text(
        "This does not rule out skin cancer. If it is new, changing, bleeding, or worries you, see a doctor."
    )
    page.get_by_role("button", name="About", exact=True).click()
    expect(page.locator("#figures")).to_contain_text("It has not been evaluated")


def test_figures_of_another_model_are_left_out(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"), {**CARD, "sha256": "cd" * 32})
    expect(page.locator("#advice")).to_have_text("Show this spot to a doctor.")


def test_the_evidence_map_covers_the_square_that_the_network_sees(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"))
    label = "Evidence map; most towards malignant: top left; most towards benign: bottom right."
    expect(page.get_by_role("img", name=label)).to_be_visible()
    for name in ("map", "evidence-under"):
        box = page.locator(f"#{name}").bounding_box()
        assert box == page.locator(f".square:has(#{name})").bounding_box()
        assert box and box["width"] == pytest.approx(box["height"], abs=0.1)
    # Of a picture that is no square, its middle.
    expect(page.locator("#evidence-under")).to_have_css("object-fit", "cover")
    # Orange and opaque where the evidence is strongest; blue and paler where there is less of it.
    assert colour(page, 10) == [255, 138, 0, 255]
    assert colour(page, 214) == pytest.approx([24, 110, 255, 170], abs=2)
    page.get_by_label("Strength over the photo").fill("0")
    expect(page.locator("#map")).to_have_css("opacity", "0")


def test_a_weak_map_is_not_stretched(page: Page) -> None:
    body = answer(0.62, "malignant")
    answer_with(page, {**body, "evidence": {"rows": 2, "columns": 2, "bias": 0.5, "values": [[0.02, 0], [0, 0]]}})
    expect(page.locator("#evidence")).to_be_visible()
    assert colour(page, 10)[3] <= 6


def test_an_unreadable_file_gets_a_sentence(page: Page) -> None:
    page.set_input_files("#file", {"name": "notes.heic", "mimeType": "image/heic", "buffer": b"not a photograph"})
    expect(page.locator("#no-preview")).to_have_text(
        "This browser cannot show this file. It may still be possible to analyse it."
    )
    # Of what shape it is, nobody knows.
    expect(page.locator("#network-square")).to_be_hidden()
    expect(page.locator("#square")).to_be_hidden()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("No result")
    expect(page.locator("#advice")).to_contain_text("This format is not supported.")
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()


def test_a_photograph_that_the_browser_cannot_show_is_judged_all_the_same(page: Page, tmp_path: Path) -> None:
    with Image.open(PHOTOGRAPH) as photograph:
        photograph.save(tmp_path / "spot.tiff", compression="jpeg")
    page.set_input_files("#file", tmp_path / "spot.tiff")
    expect(page.locator("#no-preview")).to_contain_text("cannot show this file")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.locator("#details")).to_contain_text(re.compile("spot.tiff, 1504 . 1129 pixels, TIFF"))


def answer_about(page: Page, photograph: Path) -> None:
    """Answer in the service's place about a file."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=answer(0.62, "malignant")))
    page.set_input_files("#file", photograph)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#map")).to_be_visible()


def test_a_picture_that_the_page_decodes_lies_under_its_map(page: Page) -> None:
    answer_about(page, PHONE_IMAGES / "ISIC_0000026.heic")
    for picture in ("#preview", "#evidence-alone", "#evidence-under"):
        expect(page.locator(picture)).to_have_js_property("naturalWidth", 320)
        expect(page.locator(picture)).to_be_visible()
    expect(page.locator("#network-square")).to_be_visible()


def decoder_held(page: Page) -> Callable[[], Route]:
    """Holds the first decoder back; gives a way to wait until it is asked for."""
    held: list[Route] = []
    page.route("**/private/parts.json", lambda route: held.append(route), times=1)

    def asked() -> Route:
        for _ in range(300):
            if held:
                return held[0]
            page.wait_for_timeout(100)
        raise AssertionError("No decoder was asked for.")

    return asked


def test_an_answer_that_is_faster_than_the_decoder_gets_its_picture_later(page: Page) -> None:
    decoder = decoder_held(page)
    answer_about(page, PHONE_IMAGES / "ISIC_0000026.heic")
    expect(page.locator("#no-preview")).to_have_text("The photo is being opened.")
    expect(page.locator("#evidence-under")).to_be_hidden()
    expect(page.locator("#evidence figcaption").last).to_be_hidden()
    page.get_by_role("radio", name="5%", exact=True).focus()
    decoder().continue_()
    expect(page.locator("#evidence-under")).to_have_js_property("naturalWidth", 320)
    expect(page.locator("#evidence-under")).to_be_visible()
    expect(page.locator("#no-preview")).to_be_hidden()
    # Nobody is disturbed by it.
    expect(page.get_by_role("radio", name="5%", exact=True)).to_be_focused()


def test_a_picture_that_is_decoded_too_late_is_not_shown(page: Page) -> None:
    decoder = decoder_held(page)
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026.heic")
    first = decoder()
    expect(page.locator("#no-preview")).to_have_text("The photo is being opened.")
    page.set_input_files("#file", PHOTOGRAPH)
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 1504)
    first.continue_()
    # The next one waits for the decoder: once it is shown, the one before it would have been.
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026-turned.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 240)
    expect(page.locator("#name")).to_have_text("ISIC_0000026-turned.heic")


def test_a_photograph_above_the_limit_is_made_smaller_first(page: Page, tmp_path: Path) -> None:
    with Image.open(PHOTOGRAPH) as photograph:
        photograph.resize((1800, 1350)).save(tmp_path / "large.bmp")
    assert (tmp_path / "large.bmp").stat().st_size > 4_718_592
    page.set_input_files("#file", tmp_path / "large.bmp")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#details")).to_contain_text(re.compile("1600 . 1200 pixels, JPEG"))
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")


def test_a_format_of_which_less_is_read_is_made_smaller_too(page: Page, tmp_path: Path) -> None:
    with Image.open(PHOTOGRAPH) as photograph:
        photograph.resize((5800, 4350)).save(tmp_path / "large.webp", quality=5, method=0)
    assert (tmp_path / "large.webp").stat().st_size < 4_500_000
    page.set_input_files("#file", tmp_path / "large.webp")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#details")).to_contain_text(re.compile("1600 . 1200 pixels, JPEG"))


def test_a_photograph_that_the_browser_cannot_make_smaller_is_not_sent(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.set_input_files("#file", {"name": "large.heic", "mimeType": "image/heic", "buffer": bytes(5_000_000)})
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_contain_text("Save it as a JPEG")
    assert "POST" not in asked


def test_a_service_that_is_down_gives_a_sentence_and_retry_works(page: Page) -> None:
    page.route("**/api/classify**", lambda route: route.abort("connectionrefused"))
    page.set_input_files("#file", PHOTOGRAPH)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_have_text("The service could not be reached. Check your connection and try again.")
    page.unroute("**/api/classify**")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)


@pytest.mark.parametrize("status", [429, 503])
def test_what_stands_before_the_service_gives_a_sentence_too(page: Page, status: int) -> None:
    page.route("**/api/classify**", lambda route: route.fulfill(status=status, json={"message": "Too Many Requests"}))
    page.get_by_role("button", name="Sample 3").click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_contain_text("Wait a few seconds and try again.")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_an_earlier_answer_does_not_outlive_the_next_question(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#map")).to_be_visible()
    page.route("**/api/classify**", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("No result")
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator("#answer")).to_be_hidden()


def test_samples_that_did_not_load_can_be_loaded_again(page: Page) -> None:
    page.route("**/api/samples", lambda route: route.abort("connectionrefused"))
    page.reload()
    expect(page.locator("#samples-problem")).to_contain_text("could not be reached")
    page.unroute("**/api/samples")
    page.get_by_role("button", name="Load the samples again").click()
    expect(page.locator(".sample")).to_have_count(12)


def test_waiting_is_explained_and_can_be_cancelled(page: Page) -> None:
    page.clock.install()
    waiting: list[Route] = []
    page.route("**/api/classify**", lambda route: waiting.append(route))
    page.get_by_role("button", name="Sample 3").click()
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text("Analysing the photo")
    expect(page.locator("#busy-text")).to_be_empty()
    page.clock.fast_forward(2000)
    expect(page.locator("#busy-text")).to_have_text("This takes longer: the connection is slow, or the service is starting.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#advice")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Analyse")).to_be_focused()


def test_another_picture_takes_the_answer_away(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    page.set_input_files("#file", PHOTOGRAPH)
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator('.sample[aria-pressed="true"]')).to_have_count(0)


def test_clear_goes_back_to_the_beginning(page: Page) -> None:
    answer_with(page, answer(0.62, "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#photo-figure")).to_be_hidden()
    expect(page.get_by_role("button", name="Analyse")).to_be_disabled()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def test_a_visit_asks_no_other_host_and_breaks_no_rule(base_url: str, browser: Browser) -> None:
    # With its service worker, which the other tests do without.
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.on("request", lambda request: asked.append(request.url))
    response = page.goto(base_url)
    assert response and "default-src 'none'" in response.headers["content-security-policy"]
    page.set_input_files("#file", PHOTOGRAPH)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    page.get_by_role("button", name="About", exact=True).click()
    expect(page.locator("#figures")).not_to_be_empty()
    assert complaints == []
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []
    context.close()


@pytest.mark.parametrize("width", [320, 390, 760, 1100])
def test_nothing_scrolls_sideways(visit: Callable[[int], Page], width: int) -> None:
    page = visit(width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    page.set_input_files("#file", {"name": f"{'long' * 40}.heic", "mimeType": "image/heic", "buffer": b"no picture"})
    expect(page.locator("#no-preview")).to_be_visible()
    assert page.evaluate(fits)
    answer_with(page, answer(0.99, "benign", "malignant"))
    expect(page.locator("#answer")).to_be_visible()
    assert page.evaluate(fits)
    page.get_by_role("button", name="About", exact=True).click()
    expect(page.locator("#figures table")).to_have_count(2)
    assert page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.about-body'))"
    )


def test_about_tells_the_figures_and_the_limits(page: Page) -> None:
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.get_by_role("button", name="About", exact=True).click()
    about = page.get_by_role("dialog", name="About")
    expect(about).to_contain_text("Measured on 1,350 photos, 400 of malignant lesions, that it was not trained on.")
    expect(about.get_by_role("row", name="Sensitivity")).to_contain_text("95.1%92.0% to 97.0%")
    # At 2 %: 0.951 * 0.02 of 0.951 * 0.02 + 0.38 * 0.98 above, and 0.049 * 0.02 of that + 0.62 * 0.98 below.
    expect(about.locator("table").last.get_by_role("row").nth(2)).to_have_text("2%5%0.16%")
    expect(about).to_contain_text("Only for tests.")
    page.keyboard.press("Escape")
    expect(about).to_be_hidden()
    expect(page.get_by_role("button", name="About", exact=True)).to_be_focused()


def test_the_hints_are_no_part_of_the_names(page: Page) -> None:
    views = page.get_by_role("checkbox", name="Use eight orientations", exact=True)
    expect(views).to_have_accessible_description(
        "Also analyses the photo rotated and mirrored, and averages the results. Slower."
    )
    private = page.get_by_role("switch", name="Private mode", exact=True)
    expect(private).to_have_accessible_description(re.compile("^The photo does not leave this device"))


@pytest.mark.parametrize(("touch", "words"), [(True, "Take a photo, choose one"), (False, "Drop or paste")])
def test_a_touch_screen_is_not_told_to_drop(browser: Browser, base_url: str, touch: bool, words: str) -> None:
    context = browser.new_context(service_workers="block", has_touch=touch)
    page = context.new_page()
    page.goto(base_url)
    expect(page.locator("#invitation p").filter(visible=True).first).to_contain_text(words)
    expect(page.locator("#invitation p").filter(visible=True)).to_have_count(2)
    context.close()


def test_what_comes_from_outside_is_shown_as_text(page: Page) -> None:
    body = answer(0.62, "malignant")
    markup = "<img src=x onerror=alert(1)>"
    refusal = {"code": "new", "message": markup}
    answer_with(
        page,
        {**body, "prediction": None, "evidence": None, "refusal": refusal, "model": {"version": markup, "sha256": SHA256}},
    )
    expect(page.locator("#advice")).to_contain_text(markup)
    expect(page.locator("#details")).to_contain_text(markup)
    page.set_input_files("#file", {"name": f"{markup}.jpg", "mimeType": "image/jpeg", "buffer": PHOTOGRAPH.read_bytes()})
    expect(page.locator("#name")).to_have_text(f"{markup}.jpg")
    assert page.locator("img[src=x]").count() == 0


@pytest.fixture
def speaking(browser: Browser, base_url: str) -> Iterator[Callable[[str], Page]]:
    """Opens the page in a browser that asks for a language."""
    contexts: list[BrowserContext] = []

    def speaking(locale: str) -> Page:
        context = browser.new_context(locale=locale, reduced_motion="reduce", viewport={"width": 390, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        return page

    yield speaking
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("locale", "language", "heading", "button"),
    [
        ("en-GB", "en", "Skin-lesion classifier", "Analyse"),
        ("es-MX", "es", "Clasificador de lesiones cutáneas", "Analizar"),
        ("de-AT", "de", "Klassifikator für Hautläsionen", "Auswerten"),
        ("fr", "fr", "Classificateur de lésions cutanées", "Analyser"),
        ("nl", "en", "Skin-lesion classifier", "Analyse"),
    ],
)
def test_the_browser_chooses_the_language_and_nothing_jumps(
    speaking: Callable[[str], Page], locale: str, language: str, heading: str, button: str
) -> None:
    page = speaking(locale)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_role("button", name=button)).to_be_visible()
    expect(page).to_have_title(heading)
    assert page.evaluate("shifted") < 0.02


def test_a_chosen_language_is_spoken_at_once_and_remembered(page: Page) -> None:
    answer_with(page, answer(0.034, "benign"))
    expect(page.locator("#result-heading")).to_have_text("Below the threshold")
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#result-heading")).to_have_text("Unter dem Schwellenwert")
    expect(page.locator("#advice")).to_have_text(
        "Das schließt Hautkrebs nicht aus: 5 von 100 bösartigen Läsionen lagen ebenfalls darunter. Ist die Stelle neu, "
        "verändert sie sich, blutet sie oder beunruhigt sie Sie, gehen Sie zu einer Ärztin oder einem Arzt."
    )
    expect(page.locator("#malignant")).to_have_text("3,4\N{NO-BREAK SPACE}%")
    expect(page.locator("#classes li").first).to_contain_text("Melanom")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.reload()
    expect(page.get_by_role("button", name="Beispiel 3")).to_be_visible()
    expect(page.get_by_label("Sprache")).to_have_value("de")


def test_a_language_that_cannot_be_had_leaves_the_page_as_it_was(page: Page) -> None:
    page.route("**/strings/fr.json", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_label("Language")).to_have_value("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Skin-lesion classifier")


def test_problems_are_told_in_the_chosen_language(speaking: Callable[[str], Page]) -> None:
    page = speaking("es")
    problem = {"type": "", "title": "", "status": 500, "detail": "English.", "code": "fault"}
    page.route("**/api/classify**", lambda route: route.fulfill(status=500, json=problem))
    page.get_by_role("button", name="Ejemplo 6").click()
    page.get_by_role("button", name="Analizar").click()
    expect(page.locator("#advice")).to_have_text("El servicio ha fallado. No es culpa suya. Inténtelo de nuevo más tarde.")
    page.route("**/api/classify**", lambda route: route.fulfill(status=422, json={**problem, "code": "new"}))
    page.get_by_role("button", name="Analizar").click()
    expect(page.locator("#advice")).to_have_text("English.")


def test_the_samples_are_what_they_say() -> None:
    samples = json.loads((SAMPLES / "samples.json").read_text())
    assert [sample["title"] for sample in samples] == [f"Sample {number}" for number in range(1, 13)]
    assert sum(sample["malignant"] for sample in samples) == 6
    for sample in samples:
        assert sample["licence"] == "CC0 1.0"
        assert (SITE / sample["image"].lstrip("/")).stat().st_size < 500_000
        with Image.open(BytesIO((SITE / sample["thumbnail"].lstrip("/")).read_bytes())) as thumbnail:
            assert thumbnail.size == (208, 208)
