"""Registration of two photos of a spot, and the measured change."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.site.diary import fill_diary
from tests.support.site.skin import SIDE, View, photo

COMPARE = """async ([one, other, side]) => {
    const { compare, prepare } = await import("/js/diary/change.js");
    const open = (text) => {
        const data = Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
        return prepare({ data, width: side, height: side });
    };
    return compare(open(one), open(other));
}"""
VIEWS = (
    View(),
    View(angle=20, scale=1.1, x=0.04, y=-0.03),
    View(angle=-35, scale=0.85, x=-0.05, y=0.02),
    View(angle=90),
    View(angle=170, scale=1.2, x=0.03, y=0.05),
)


@pytest.fixture(scope="module")
def diary_page(browser: Browser, base_url: str) -> Any:
    """Return one page for all tests here, which only call functions."""
    page = browser.new_page(service_workers="block")
    page.goto(f"{base_url}/diary")
    yield page
    page.close()


def compared(page: Page, one: str, other: str) -> Any:
    """Return what the page finds about two photos."""
    return page.evaluate(COMPARE, [one, other, SIDE])


def largest_error(similarity: dict[str, float], view: View) -> float:
    """Return the largest distance, in sides, between where points around the spot are and where they were found.

    The second photo shows at q what lies on the skin at scale · rotation(angle) · q + (x, y), the first one the skin itself.
    """
    turn = np.arange(0, 2 * np.pi, 0.5)
    points = 0.3 * np.stack([np.cos(turn), np.sin(turn)])
    cos, sin = math.cos(similarity["angle"]), math.sin(similarity["angle"])
    found = similarity["scale"] * np.array([[cos, -sin], [sin, cos]]) @ points + [[similarity["x"]], [similarity["y"]]]
    cos, sin = math.cos(math.radians(view.angle)), math.sin(math.radians(view.angle))
    skin = view.scale * np.array([[cos, -sin], [sin, cos]]) @ found + [[view.x], [view.y]]
    return float(np.hypot(*(skin - points)).max())


@pytest.mark.parametrize("view", [*VIEWS[:2], *(pytest.param(view, marks=pytest.mark.slow) for view in VIEWS[2:])], ids=str)
def test_known_transform_is_found(diary_page: Page, view: View) -> None:
    """Rotation, scale and shift are found within 1 % of the side, and the area does not change with the distance."""
    match = compared(diary_page, photo(1, View()), photo(1, view, noise=1))
    assert largest_error(match["similarity"], view) < 0.01
    assert abs(match["difference"]["area"]) < 0.08
    assert math.hypot(*match["difference"]["colour"]) < 3


@pytest.mark.parametrize("view", [VIEWS[0], *(pytest.param(view, marks=pytest.mark.slow) for view in VIEWS[1:3])], ids=str)
def test_growth_is_not_taken_for_distance(diary_page: Page, view: View) -> None:
    """A spot whose area grew by 44 % is measured as such, because the skin around it alone decides the scale."""
    match = compared(diary_page, photo(1, View()), photo(1, view, radius=0.16 * 1.2, noise=1))
    assert largest_error(match["similarity"], view) < 0.02
    assert match["difference"]["area"] == pytest.approx(math.log(1.44), abs=0.1)


def test_changed_colour_is_measured(diary_page: Page) -> None:
    """A darker spot differs in colour; its area stays."""
    match = compared(diary_page, photo(1, View()), photo(1, VIEWS[1], red=70, noise=1))
    assert math.hypot(*match["difference"]["colour"]) > 8
    assert abs(match["difference"]["area"]) < 0.12


@pytest.mark.parametrize("seed", [2, 3])
def test_other_skin_is_not_measured(diary_page: Page, seed: int) -> None:
    """A similar spot on other skin is aligned at most, never measured."""
    match = compared(diary_page, photo(1, View()), photo(seed, View(), noise=1))
    assert match is None or match["difference"] is None


def test_photos_without_match_are_not_aligned(diary_page: Page) -> None:
    """Photos without a common structure do not match."""
    assert compared(diary_page, photo(1, View(), radius=0.001), photo(2, View(), radius=0.001)) is None


JUDGE = """async (given) => {
    const { judge, scatterOf } = await import("/js/diary/change.js");
    return given.map(({ difference, days }) => judge(difference, scatterOf(days)));
}"""


def grey(area: float, colour: float = 0) -> dict[str, Any]:
    """Return a difference."""
    return {"area": area, "colour": [colour, 0, 0]}


@pytest.mark.parametrize(
    ("difference", "days", "expected"),
    [
        # Without a match or without two photos of one day nothing can be told.
        (None, [[grey(0.01)]], "unknown"),
        (grey(2, 50), [], "unknown"),
        (grey(2, 50), [[]], "unknown"),
        # One pair says little about the scatter: a limit of 25 times its difference.
        (grey(0.3), [[grey(0.02)]], "none"),
        (grey(0.6), [[grey(0.02)]], "changed"),
        # More photos of one day say more.
        (grey(0.3), [[grey(0.02), grey(-0.02), grey(0.01)]], "changed"),
        (grey(0.3), [[grey(0.2), grey(-0.2), grey(0.1)]], "none"),
        (grey(0, 9), [[grey(0, 1), grey(0, -1), grey(0, 1)]], "changed"),
        # However alike, the resolution of the measurement is a limit.
        (grey(0.1, 2), [[grey(0), grey(0), grey(0)]], "none"),
    ],
)
def test_change_is_judged_against_the_scatter(diary_page: Page, difference: Any, days: Any, expected: str) -> None:
    """A change is stated only beyond the scatter of photos of one day."""
    [judged] = diary_page.evaluate(JUDGE, [{"difference": difference, "days": days}])
    assert judged["verdict"] == expected


@pytest.mark.parametrize("others", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_unchanged_spots_are_rarely_called_changed(diary_page: Page, others: int) -> None:
    """Of 600 simulated spots without a change, at most about 5 % are called changed."""
    random = np.random.default_rng(others)
    given = []
    for _ in range(600):
        # Area, and three components of the colour, of one reference, its day's others, and two photos of other days.
        photos = random.normal(0, [1, 10, 10, 10], (others + 3, 4))
        differences = [{"area": each[0], "colour": list(each[1:])} for each in photos - photos[0]]
        later = photos[-1] - photos[-2]
        given.append({"difference": {"area": later[0], "colour": list(later[1:])}, "days": [differences[1 : others + 1]]})
    judged = diary_page.evaluate(JUDGE, given)
    # Three standard errors above 5 %.
    assert sum(each["verdict"] == "changed" for each in judged) / len(judged) < 0.077


@pytest.fixture
def spot(open_page: Callable[..., Page]) -> Callable[[float], Page]:
    """Opens a spot with two photos of one day and a later one, in which it has this radius."""

    def spot(radius: float) -> Page:
        page = open_page()
        fill_diary(page, radius)
        page.locator("#diary-open").click()
        page.locator(".spot").click()
        expect(page.locator(".timeline li")).to_have_count(3)
        return page

    return spot


@pytest.mark.parametrize(
    ("radius", "verdict", "sentence"),
    [
        (0.16, "none", "No change measurable, which does not rule out change."),
        (0.26, "changed", "Changed: the difference exceeds that of photos of one day. Its area differs by about +1"),
    ],
)
def test_comparison_says_what_was_measured(
    spot: Callable[[float], Page], radius: float, verdict: str, sentence: str
) -> None:
    """The view states a change that exceeds the scatter of the two photos of one day, and aligns the later photo."""
    page = spot(radius)
    later = page.locator(".compare-pair canvas").last
    before = later.evaluate("(canvas) => canvas.toDataURL()")
    page.get_by_role("button", name="Align and measure").click()
    said = page.locator(".compare-said[data-verdict]")
    expect(said).to_have_attribute("data-verdict", verdict)
    expect(said).to_contain_text(sentence)
    assert ("Show the spot to a doctor within two weeks." in (said.text_content() or "")) == (verdict == "changed")
    assert later.evaluate("(canvas) => canvas.toDataURL()") != before


def test_comparison_of_one_day_cannot_tell(spot: Callable[[float], Page]) -> None:
    """Two photos of one day show their scatter, and no change."""
    page = spot(0.16)
    page.locator(".compare-dates select").first.select_option("0")
    page.locator(".compare-dates select").last.select_option("1")
    page.get_by_role("button", name="Align and measure").click()
    expect(page.locator(".compare-said[data-verdict]")).to_contain_text("Cannot tell whether the spot changed.")


def test_photo_is_aligned_by_hand(spot: Callable[[float], Page]) -> None:
    """Dragging, wheel, buttons and keys move the later photo; the slider shows more or less of it."""
    page = spot(0.16)
    later = page.locator(".compare-pair canvas").last
    expect(later).to_have_attribute("aria-label", "Photo of June 2, 2026")
    seen = [later.evaluate("(canvas) => canvas.toDataURL()")]

    def moved() -> bool:
        seen.append(later.evaluate("(canvas) => canvas.toDataURL()"))
        return seen[-1] not in seen[:-1]

    later.scroll_into_view_if_needed()
    box = later.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 90)
    page.mouse.up()
    assert moved()
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(100)
    assert moved()
    tools = page.get_by_role("group", name="Align the later photo")
    for name in ("Move left", "Rotate clockwise", "Closer"):
        tools.get_by_role("button", name=name, exact=True).click()
        assert moved()
    for key in ("ArrowDown", "r", "-"):
        page.keyboard.press(key)
        assert moved()
    tools.get_by_role("button", name="Start again").click()
    assert later.evaluate("(canvas) => canvas.toDataURL()") == seen[0]
    expect(page.get_by_label("Show more of the earlier photo")).to_be_hidden()
    page.get_by_role("button", name="One over the other").click()
    page.get_by_label("Show more of the earlier photo").fill("80")
    expect(later).to_have_css("clip-path", "inset(0px 0px 0px 80%)")
