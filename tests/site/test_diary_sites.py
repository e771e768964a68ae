"""Body sites: every one can be chosen in the menu, by typing and in the figures, and has a name in each language."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.diary import fill_diary
from tests.support.site.languages import LANGUAGES

NAMES = """async () => {
    const { SITES, siteName } = await import("/js/diary/sites.js");
    return SITES.map((site) => [site, siteName(site)]);
}"""
ADDED = {
    "detail.palm.left": "Palm of the hand, on the left",
    "detail.sole.right": "Sole of the foot, on the right",
    "detail.ear.left": "Ear, on the left",
    "detail.scalp": "Scalp",
    "detail.fingernail.right": "Fingernail, on the right",
    "detail.toenail.left": "Toenail, on the left",
    "front.genital_area": "Genital area",
}


@pytest.fixture
def spot(page: Page) -> Page:
    """Return the page with an open spot."""
    fill_diary(page)
    page.locator("#diary-open").click()
    page.locator(".spot").click()
    expect(page.locator(".body-figure svg")).to_have_count(3)
    return page


def test_sites_are_tapped_typed_and_selected(spot: Page) -> None:
    """A tap on the figure, the first letters in the menu, and the menu itself choose the same sites."""
    menu = spot.get_by_label("Body site")
    for site, name in ADDED.items():
        shape = spot.locator(f"[data-site='{site}']")
        box = shape.bounding_box()
        assert box and min(box["width"], box["height"]) >= 12
        shape.click()
        expect(menu).to_have_value(site)
        expect(shape).to_have_class("is-chosen")
        expect(spot.get_by_role("heading", name=name, exact=True)).to_be_visible()
    for word, site in (("palm", "detail.palm.left"), ("genital", "front.genital_area")):
        menu.select_option("")
        menu.focus()
        # Browsers take letters that follow each other within a second for one word.
        spot.wait_for_timeout(1100)
        spot.keyboard.type(word)
        expect(menu).to_have_value(site)


def test_sides_of_figures_are_those_of_the_person(spot: Page) -> None:
    """From the front, and of shown palms and soles, the left is at the right of the drawing; from behind at the left."""
    lefts = {
        "front.thigh.left": False,
        "back.thigh.left": True,
        "detail.palm.left": False,
        "detail.toenail.left": False,
    }
    for left, is_at_left in lefts.items():
        places = [spot.locator(f"[data-site='{site}']").bounding_box() for site in (left, left.replace("left", "right"))]
        assert places[0] and places[1] and (places[0]["x"] < places[1]["x"]) == is_at_left


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_site_has_its_own_name(opened: Callable[..., Page], language: str) -> None:
    """No two sites have the same name, and none names a key."""
    names = dict(opened(language).evaluate(NAMES))
    assert len(set(names.values())) == len(names) == 54
    assert not [name for name in names.values() if "." in name or "_" in name]
    assert set(ADDED) <= set(names)
