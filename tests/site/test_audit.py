"""Every view of the page in every language: before axe-core, in a narrow window, under its security rules; what moves while
nobody touched it; and what a visit weighs."""

import gzip
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, FileChooser, Page, Route, expect

from tests.support.site.audit import AXE, too_wide, violations
from tests.support.site.views import RULES, VIEWS, files
from tests.support.site.words import broken_words

MOST_BYTES = 150_000
MOST_SHIFT = 0.02


@pytest.fixture
def visitor(browser: Browser, base_url: str, language: str, scheme: str, width: int) -> Iterator[Page]:
    """Return the page for somebody new, watched."""
    with browser.new_context(
        locale=language,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        service_workers="block",
        viewport={"width": width, "height": 844},
    ) as context:
        context.add_init_script(RULES)
        context.add_init_script(path=AXE)
        page = context.new_page()
        page.goto(base_url)
        expect(page.locator(".sample")).to_have_count(12)
        yield page


# Colours and wide windows are the same in every language; German has the longest words. test_words.py has the others.
# Private mode downloads and compiles the model first.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name.startswith("private_") else ()) for name in VIEWS]
)
@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [
        ("de", "light", 320),
        pytest.param("de", "dark", 1280, marks=pytest.mark.slow),
    ],
)
def test_view_passes_axe_and_fits_its_window(visitor: Page, base_url: str, name: str, width: int) -> None:
    """A view has no violation, and no request to another host; with text of twice the size too, nothing is too wide and no
    word of a button or heading is broken.
    """
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    VIEWS[name](visitor)
    # Before axe-core, which is not of the page.
    objections = [*visitor.evaluate("broken"), *violations(visitor)]
    if name != "printed":
        objections += [*too_wide(visitor), *broken_words(visitor)]
    # Paper is wider, and its text has one size.
    if width == 320 and name != "printed":
        objections += broken_words(visitor, 200)
        objections += [f"with text twice as large: {objection}" for objection in too_wide(visitor)]
    assert objections == []
    assert [url for url in asked if not url.startswith((base_url, f"blob:{base_url}"))] == []


def test_axe_reports_violations(opened: Callable[..., Page]) -> None:
    """The audit fails for a view with a violation."""
    page = opened()
    page.evaluate(AXE.read_text())
    page.evaluate("document.getElementById('camera-open').textContent = ''")
    assert any(objection.startswith("button-name") for objection in violations(page))


SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().filter((shift) => !shift.hadRecentInput)))
        .observe({ type: "layout-shift", buffered: true });
"""
MOVED = """() => shifts.map(({ value, sources }) =>
    [value, sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join(", ")])"""
# Longer after the press than a shift counts as its doing.
LATE_MS = 700


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_visit_has_no_layout_shift(opened: Callable[..., Page], width: int) -> None:
    """A visit has no unexpected layout shift."""
    page = opened(width=width)
    page.add_init_script(SHIFTS)
    page.reload()
    expect(page.locator(".sample")).to_have_count(12)

    def late(route: Route) -> None:
        page.wait_for_timeout(LATE_MS)
        route.continue_()

    def rest() -> None:
        page.wait_for_timeout(LATE_MS)

    for address in (
        "**/api/classify**",
        "**/api/model",
        "**/strings/*",
        "**/js/result/comparison-table.js",
        "**/js/about/model-figures.js",
    ):
        page.route(address, late)
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#map")).to_be_visible()
    rest()
    page.locator("#language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    rest()
    page.locator("#about-open").click()
    expect(page.locator("#test-figures table").first).to_be_attached()
    rest()
    page.locator("#about-close").click()
    page.locator("#clear").click()
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.locator("#choose").click()
    for _ in range(300):
        if choosers:
            break
        page.wait_for_timeout(100)
    choosers[0].set_files(files("a.jpg", "b.jpg"))
    expect(page.locator("#queue")).to_be_visible()
    rest()
    page.locator("#queue-analyse").click()
    expect(page.locator("#queue-bar")).to_have_js_property("value", 2)
    rest()
    moved = page.evaluate(MOVED)
    assert sum(value for value, _ in moved) <= MOST_SHIFT, moved


def test_first_view_weighs_at_most_150_kb(browser: Browser, base_url: str) -> None:
    """The first view transfers at most 150 kB."""
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
    # One language only.
    assert {path for path in weights if path.startswith("/strings/")} == {"/strings/en.json"}
    # Of private mode only the list of what it would download.
    assert {path for path in weights if path.startswith("/private/")} <= {"/private/parts.json"}
    assert not any("chart" in path for path in weights)
    # Pictures of samples are not counted: they come after the page can be used.
    assert sum(size for path, size in weights.items() if not path.startswith("/samples/")) <= MOST_BYTES
