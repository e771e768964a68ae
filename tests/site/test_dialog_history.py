"""The history of dialogs: "back" closes an open one, and a closed one leaves nothing in the way."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import wait_until
from tests.support.site.diary import fill_diary
from tests.support.site.visit import IMAGES


@pytest.fixture
def spot(open_page: Callable[..., Page]) -> Page:
    """Return a page that went from the analysis to the diary and to a spot."""
    page = open_page()
    fill_diary(page)
    page.locator("#diary-open").click()
    page.locator(".spot").click()
    expect(page).to_have_url(re.compile("/diary#"))
    return page


def open_report(page: Page) -> None:
    """Open a dialog."""
    page.get_by_role("button", name="Report for a doctor").click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "key", "backdrop"])
def test_back_after_closed_dialog_leaves_the_view(spot: Page, way: str) -> None:
    """However often a dialog was opened and closed, one "back" leads to the view before."""
    for _ in range(2):
        open_report(spot)
        if way == "button":
            spot.get_by_role("dialog").get_by_role("button", name="Close").click()
        elif way == "key":
            spot.keyboard.press("Escape")
        else:
            spot.mouse.click(2, 2)
        expect(spot.get_by_role("dialog")).to_have_count(0)
    wait_until(spot, "!history.state?.dialog")
    expect(spot).to_have_url(re.compile("/diary#"))
    spot.go_back()
    expect(spot).to_have_url(re.compile("/diary$"))
    expect(spot.locator(".spot")).to_be_visible()


def test_back_closes_open_dialog_only(spot: Page) -> None:
    """With an open dialog, "back" closes it; the next one leaves the view."""
    open_report(spot)
    spot.go_back()
    expect(spot.get_by_role("dialog")).to_have_count(0)
    expect(spot).to_have_url(re.compile("/diary#"))
    assert spot.evaluate("history.scrollRestoration") == "auto"
    spot.go_back()
    expect(spot).to_have_url(re.compile("/diary$"))


def test_view_opened_at_once_is_kept(spot: Page) -> None:
    """A dialog or a view that is opened before the entry of the last dialog is removed stays open."""
    open_report(spot)
    spot.evaluate(
        """async () => {
            const { openDialog } = await import("/js/app/dialog.js");
            const open = document.querySelector("dialog[open]");
            open.close();
            await new Promise((resolve) => open.addEventListener("close", resolve));
            openDialog("report.heading");
        }"""
    )
    wait_until(spot, "history.state?.dialog")
    expect(spot.get_by_role("dialog")).to_have_count(1)
    spot.evaluate(
        """async () => {
            const { openView } = await import("/js/app/navigation.js");
            const open = document.querySelector("dialog[open]");
            open.close();
            await new Promise((resolve) => open.addEventListener("close", resolve));
            openView("/about");
        }"""
    )
    expect(spot).to_have_url(re.compile("/about$"))
    expect(spot.locator("#about")).to_be_visible()
    spot.go_back()
    expect(spot).to_have_url(re.compile("/diary#"))


def test_page_stays_where_it_was_scrolled(page: Page) -> None:
    """Removing the entry of a closed dialog does not scroll the page back to where it was when the dialog was opened."""
    page.set_input_files("#file", IMAGES[0])
    page.locator("#crop-open").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("scrollTo(0, 300)")
    before = page.evaluate("scrollY")
    assert before > 0
    page.keyboard.press("Escape")
    wait_until(page, "!history.state?.dialog")
    page.wait_for_timeout(100)
    assert page.evaluate("scrollY") == before
    assert page.evaluate("history.scrollRestoration") == "auto"
