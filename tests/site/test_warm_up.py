"""The function starts while a person chooses a photo; a visit alone and private mode send no such request."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    return opened(width=1280)


def pings(page: Page) -> list[str]:
    """Return a list that fills with requests to `/api/ping` from here on."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/api/ping") else None)
    return sent


def open_file_dialog(page: Page) -> None:
    with page.expect_file_chooser():
        page.locator("#choose").click()


def test_file_dialog_starts_the_function_once(page: Page) -> None:
    sent = pings(page)
    with page.expect_response("**/api/ping") as response:
        open_file_dialog(page)
    assert response.value.json() == "pong"
    open_file_dialog(page)
    assert len(sent) == 1


def test_private_mode_sends_nothing(page: Page) -> None:
    page.route("**/private/**", lambda route: route.abort())
    page.get_by_role("switch", name="Private mode").check()
    expect(page.locator("#private-state")).not_to_be_empty()
    sent = pings(page)
    open_file_dialog(page)
    assert sent == []
