"""What axe-core objects to in a view, and what does not fit its window."""

from playwright.sync_api import Page

from tests.support.paths import REPOSITORY

AXE = REPOSITORY / "infra" / "vendor" / "node_modules" / "axe-core" / "axe.min.js"
# What is wider than its place: beyond the window, or beyond its own box, where nothing is meant to scroll.
_WIDE = """() => {
    const found = [];
    const page = document.documentElement;
    if (page.scrollWidth > innerWidth) found.push(`the page is ${page.scrollWidth} wide`);
    for (const element of document.querySelectorAll("body *")) {
        if (element.closest(".gallery, .wide-table, .for-ears, .skip, cropper-canvas, svg")) continue;
        if (!element.checkVisibility()) continue;
        const { left, right } = element.getBoundingClientRect();
        const isOut = left < -1 || right > innerWidth + 1;
        const isPlace = element.matches(
            "td, th, button, label, legend, dialog, dialog > *, .card, .card section, p, li, h1, h2, h3, h4",
        );
        const isFull = isPlace && element.scrollWidth > element.clientWidth + 1;
        if (isOut || isFull) found.push(`${element.outerHTML.slice(0, 90)} ${isOut ? "is out of sight" : "is too full"}`);
    }
    return found;
}"""


def too_wide(page: Page) -> list[str]:
    """Return what does not fit; plots take a moment to take their new size."""
    for _ in range(20):
        if not (found := list(page.evaluate(_WIDE))):
            break
        page.wait_for_timeout(100)
    return found


def violations(page: Page) -> list[str]:
    """Return what axe-core, which the page has loaded, objects to, with the elements that it means."""
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
