"""What goes wrong: each code of the service has its sentence in each language, a way on, and takes nothing away."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lesion.web import problems
from playwright.sync_api import FileChooser, Page, expect

from tests.support.paths import REPOSITORY
from tests.support.site.languages import EACH_LANGUAGE
from tests.support.site.views import IMAGE

STRINGS: Mapping[str, Mapping[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in (REPOSITORY / "infra" / "site" / "strings").glob("*.json")
}
# What may succeed when the very same is sent again.
MAY_RETRY = {"invalid_request", "too_many_requests", "fetch_failed", "fault"}
# What stands before the service answers in its own way.
BEFORE = {413: "too_large", 429: "busy", 503: "starting", 504: "slow", 403: "unusable_photo", 502: "unusable"}


def ask(page: Page, status: int, body: Mapping[str, Any]) -> None:
    page.unroute_all()
    page.route("**/api/classify**", lambda route: route.fulfill(status=status, json=body))
    page.locator("#analyse").click()
    expect(page.locator("#result")).to_have_attribute("data-status", "problem")


def check(page: Page, sentence: str, *, may_retry: bool) -> None:
    expect(page.locator("#advice")).to_have_text(sentence)
    expect(page.locator("#result-heading")).to_be_focused()
    expect(page.locator("#retry")).to_be_visible(visible=may_retry)
    expect(page.locator("#problem-change")).to_be_visible()
    # Nothing is lost: the image is there, and may be asked for again.
    expect(page.locator("#preview")).to_be_visible()
    expect(page.locator("#analyse")).to_be_enabled()


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_problem_codes_have_message_and_next_step(opened: Callable[..., Page], language: str) -> None:
    """Every code has a message and a next step."""
    page = opened(language)
    page.set_input_files("#file", IMAGE)
    sentences = STRINGS[language]["problems"]
    for code, (status, title) in problems.codes().items():
        ask(page, status, {"type": "", "title": title, "status": status, "detail": "Said by its code.", "code": code})
        check(page, sentences[code], may_retry=code in MAY_RETRY)
    for status, name in BEFORE.items():
        ask(page, status, {"message": "no"})
        may_retry = status not in (403, 413)
        check(page, sentences[name].replace("{{status}}", str(status)), may_retry=may_retry)


def test_failed_photo_can_be_replaced(opened: Callable[..., Page]) -> None:
    """Another photo replaces the one that failed."""
    page = opened()
    page.set_input_files("#file", IMAGE)
    ask(page, 415, {"detail": "", "code": "unsupported_format"})
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.get_by_role("region", name="No result").get_by_role("button", name="Another photo").click()
    for _ in range(300):
        if choosers:
            break
        page.wait_for_timeout(100)
    choosers[0].set_files({"name": "other.jpg", "mimeType": "image/jpeg", "buffer": IMAGE.read_bytes()})
    expect(page.get_by_role("img", name="other.jpg")).to_be_visible()
    expect(page.locator("#analyse")).to_be_focused()
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("module", "panel"),
    [("photo/camera", "#camera"), ("photo/crop", "#crop"), ("result/comparison-table", "#queue")],
)
def test_lazy_module_failure_is_shown_and_retried(opened: Callable[..., Page], module: str, panel: str) -> None:
    """A lazily loaded module that fails shows a message and is requested again."""
    page = opened()
    page.set_input_files("#file", IMAGE)
    if panel == "#camera":
        page.locator("#clear").click()
    page.route(f"**/js/{module}.js", lambda route: route.abort())

    def act() -> None:
        if panel == "#queue":
            page.set_input_files("#file", [IMAGE, IMAGE])
        else:
            page.locator(f"{panel}-open").click()

    act()
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    page.unroute_all()
    act()
    expect(page.locator(panel)).to_be_visible()
    expect(page.locator("#missing")).to_be_hidden()
