"""Nothing is lost silently: a second photo, leaving the page, the browser's "back"."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.support.browser import wait_until
from tests.support.site.service import CARD, answer
from tests.support.site.visit import IMAGES, PHONE, answer_in_turn, named_files, short_answer, table_names


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Fills with the questions of the browser, each of which is answered with "stay"."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    return asked


def leave(page: Page) -> None:
    """Try to leave the page, as a reload or the browser's "back" do."""
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_timeout(400)
    page.wait_for_load_state()


def is_here(page: Page) -> bool:
    """Whether the photo is still there."""
    return page.locator("#photo-figure").is_visible()


def analyse_own(page: Page) -> None:
    """Analyse a photo of the person."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=answer(0.62, "malignant")))
    page.set_input_files("#file", IMAGES[0])
    # A browser asks only if the page was touched before.
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#answer")).to_be_visible()


def test_page_with_result_is_not_left_silently(page: Page, asked: list[str]) -> None:
    """With a result of an own photo the browser asks, until the result is printed."""
    analyse_own(page)
    leave(page)
    assert asked == ["beforeunload"] and is_here(page)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    leave(page)
    assert asked == ["beforeunload"] and not is_here(page)


def test_export_saves_results(page: Page, asked: list[str]) -> None:
    """The CSV file saves all results."""
    answer_in_turn(page, short_answer(0.62), short_answer(0.1))
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    leave(page)
    assert asked == ["beforeunload"]
    with page.expect_download():
        page.get_by_role("button", name="Save as CSV").click()
    page.wait_for_timeout(100)
    leave(page)
    assert len(asked) == 1 and not is_here(page)


@pytest.mark.parametrize("what", ["nothing", "sample", "file", "removed"])
def test_page_without_result_asks_nothing(page: Page, asked: list[str], what: str) -> None:
    """Samples and files can be had again; what was removed is not missed."""
    if what == "sample":
        page.route("**/api/classify**", lambda route: route.fulfill(json=answer(0.62, "malignant")))
        page.locator(".sample").first.click()
        page.get_by_role("button", name="Analyse", exact=True).click()
        expect(page.locator("#answer")).to_be_visible()
    elif what == "file":
        page.set_input_files("#file", IMAGES[0])
        expect(page.locator("#photo-figure")).to_be_visible()
    elif what == "removed":
        analyse_own(page)
        page.get_by_role("button", name="Remove", exact=True).click()
    page.locator("h1").click()
    leave(page)
    assert asked == []


def test_photo_of_the_camera_is_not_lost(page: Page, asked: list[str]) -> None:
    """A photo of the page's camera exists nowhere else."""
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("img", name="Photo from the camera")).to_be_visible()
    leave(page)
    assert asked == ["beforeunload"] and is_here(page)


def test_second_photo_is_added(open_page: Callable[..., Page]) -> None:
    """A second photo stands beside the first and its result; only a sample is replaced."""
    page = open_page(PHONE)
    page.locator(".sample").first.click()
    expect(page.get_by_role("img", name="Sample 1")).to_be_visible()
    analyse_own(page)
    expect(page.locator("#queue")).to_be_hidden()
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    assert table_names(page) == [IMAGES[0].name, "Photo from the camera"]
    page.get_by_role("button", name=IMAGES[0].name, exact=True).click()
    expect(page.locator("#answer")).to_be_visible()
    # Neither does a sample replace a photo of the person.
    page.locator(".sample").nth(1).click()
    expect(page.locator("#queue-rows tr")).to_have_count(3)


@pytest.mark.parametrize("dialog", ["camera", "crop"])
def test_back_closes_dialog(page: Page, dialog: str) -> None:
    """The browser's "back" closes a dialog, and keeps the photo."""
    page.set_input_files("#file", IMAGES[0])
    opener = page.locator("#crop-open" if dialog == "crop" else "#camera-again")
    for _ in range(2):
        opener.click()
        expect(page.locator(f"#{dialog}")).to_be_visible()
        page.go_back()
        expect(page.locator(f"#{dialog}")).to_be_hidden()
        assert is_here(page)
    # Closed by its own button, a dialog leaves no step behind.
    length = page.evaluate("history.length")
    for _ in range(3):
        opener.click()
        page.locator(f"#{dialog}-close").click()
        expect(page.locator(f"#{dialog}")).to_be_hidden()
    assert page.evaluate("history.length") <= length
    wait_until(page, "!history.state?.dialog")
    page.go_back()
    assert not is_here(page)
