"""Every view of the page before axe-core, in every language; what moves while nobody touched it; and what a visit weighs."""

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.paths import REPOSITORY
from tests.site.service import answer, answer_with
from tests.site.test_about import RICH

AXE = REPOSITORY / "infra" / "vendor" / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 150_000
MOST_SHIFT = 0.02
LANGUAGES = ("en", "es", "de", "fr")
ANSWERS = {
    "above": answer(0.62, "malignant"),
    "below": answer(0.034, "benign"),
    "uncertain": answer(0.309, "benign", "malignant"),
    "refused": answer(0),
}
PROBLEM = {"type": "", "title": "", "status": 500, "detail": "English.", "code": "fault"}


def start(page: Page) -> None:
    """The page as it opens."""


def chosen(page: Page) -> None:
    page.locator(".sample").first.click()
    expect(page.locator("#predict")).to_be_enabled()


def busy(page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/classify**", lambda route: held.append(route))
    page.locator(".sample").first.click()
    page.locator("#predict").click()
    expect(page.locator("#busy-text")).not_to_be_empty()


def problem(page: Page) -> None:
    page.route("**/api/classify**", lambda route: route.fulfill(status=500, json=PROBLEM))
    page.locator(".sample").first.click()
    page.locator("#predict").click()
    expect(page.locator("#result")).to_have_attribute("data-status", "problem")


def about(page: Page) -> None:
    page.route("**/api/model", lambda route: route.fulfill(json=RICH))
    page.locator("#about-open").click()
    expect(page.locator("#figures figure")).to_have_count(4)
    for summary in page.locator("#figures summary").all():
        summary.click()


def answered(body: Mapping[str, Any]) -> Callable[[Page], None]:
    def view(page: Page) -> None:
        answer_with(page, body)
        expect(page.locator("#answer")).to_be_visible()

    return view


VIEWS: Mapping[str, Callable[[Page], None]] = {
    "start": start,
    "chosen": chosen,
    "busy": busy,
    "problem": problem,
    "about": about,
    **{name: answered(body) for name, body in ANSWERS.items()},
}


def violations(page: Page) -> list[str]:
    """What axe-core objects to, with the elements that it means."""
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_passes_axe(browser: Browser, base_url: str, language: str, scheme: str, width: int) -> None:
    found = {}
    for name, view in VIEWS.items():
        context = browser.new_context(
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            service_workers="block",
            viewport={"width": width, "height": 844},
        )
        context.add_init_script(path=AXE)
        page = context.new_page()
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        view(page)
        if objections := violations(page):
            found[name] = objections
        context.close()
    assert found == {}


def test_what_axe_objects_to_is_seen(opened: Callable[..., Page]) -> None:
    page = opened()
    page.evaluate(AXE.read_text())
    page.evaluate("document.getElementById('predict').textContent = ''")
    assert any(objection.startswith("button-name") for objection in violations(page))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_visit_moves_nothing_that_nobody_touched(opened: Callable[..., Page], width: int) -> None:
    page = opened(width=width)
    page.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver((list) => window.shifts.push(...list.getEntries()))
                .observe({ type: "layout-shift", buffered: true });
        }"""
    )
    page.locator(".sample").first.click()
    # Longer after the press than a shift counts as its doing.

    def late(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route("**/api/classify**", late)
    page.locator("#predict").click()
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#map")).to_be_visible()
    page.wait_for_timeout(300)
    moved = "window.shifts.filter((shift) => !shift.hadRecentInput).reduce((sum, shift) => sum + shift.value, 0)"
    assert page.evaluate(moved) <= MOST_SHIFT


def test_the_first_view_is_light(browser: Browser, base_url: str) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    weights: dict[str, int] = {}

    def weigh(route: Route) -> None:
        response = route.fetch()
        path = route.request.url.removeprefix(base_url)
        weights[path] = len(gzip.compress(response.body(), 6))
        route.fulfill(response=response)

    page.route("**/*", weigh)
    page.goto(base_url)
    expect(page.locator(".sample")).to_have_count(12)
    page.wait_for_load_state("networkidle")
    context.close()
    assert {"/", "/style.css", "/js/main.js", "/strings/en.json"} <= weights.keys()
    # Of private mode only the list of what it would download.
    assert {path for path in weights if path.startswith("/private/")} <= {"/private/parts.json"}
    assert not any("chart" in path for path in weights)
    # Pictures of samples are not counted: they come after the page can be used.
    assert sum(size for path, size in weights.items() if not path.startswith("/samples/")) <= MOST_BYTES
