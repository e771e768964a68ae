"""Previews that the page decodes itself."""

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.support.paths import PHONE_IMAGES
from tests.support.site.visit import IMAGE, answer_file


def test_preview_of_heic_lies_under_evidence_map(page: Page) -> None:
    """The preview that the page decodes is shown under the evidence map."""
    answer_file(page, PHONE_IMAGES / "ISIC_0000026.heic")
    for image in ("#preview", "#evidence-alone", "#evidence-under"):
        expect(page.locator(image)).to_have_js_property("naturalWidth", 320)
        expect(page.locator(image)).to_be_visible()
    expect(page.locator("#network-square")).to_be_visible()


def hold_decoder(page: Page) -> Callable[[], Route]:
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


def test_preview_may_arrive_after_result(page: Page) -> None:
    """A result that arrives before the decoder receives its preview later."""
    decoder = hold_decoder(page)
    answer_file(page, PHONE_IMAGES / "ISIC_0000026.heic")
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


def test_preview_of_replaced_photo_is_dropped(page: Page) -> None:
    """A preview that is ready after the photo was replaced is not shown."""
    decoder = hold_decoder(page)
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026.heic")
    first = decoder()
    expect(page.locator("#no-preview")).to_have_text("The photo is being opened.")
    page.set_input_files("#file", IMAGE)
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 1504)
    first.continue_()
    # The next one waits for the decoder: once it is shown, the one before it would have been.
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026-turned.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 240)
    expect(page.locator("#name")).to_have_text("ISIC_0000026-turned.heic")
