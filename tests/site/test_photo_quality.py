"""What the page measures on a small image of a photo, in node, with the sample photos and with faults made from them."""

from collections.abc import Callable
from functools import partial

import pytest
from PIL import Image, ImageDraw

from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.site.altered_photos import blurred, farther, scaled, skin, twice, with_glare
from tests.support.site.photo_quality import centre_square, node, qualities

MODULE = (REPOSITORY / "infra" / "site" / "js" / "photo" / "photo-quality.js").as_uri()


@pytest.fixture(scope="module")
def samples() -> list[Image.Image]:
    """Return the sample photos, as the page measures them."""
    images = []
    for path in sorted(SAMPLES.glob("*.jpg")):
        with Image.open(path) as image:
            images.append(centre_square(image))
    return images


def test_good_photos_get_no_hint(samples: list[Image.Image]) -> None:
    """Of twelve photos that can be analysed, at most one gets a hint."""
    assert sum(bool(each["hints"]) for each in qualities(samples)) <= 1


@pytest.mark.parametrize(
    ("change", "hints", "least"),
    [
        (partial(blurred, sigma=3), {"blurred"}, 12),
        (partial(scaled, factor=0.2), {"dark"}, 12),
        (partial(scaled, factor=2.5), {"bright", "glare"}, 11),
        (partial(with_glare, diameter=0.1), {"glare"}, 12),
        (partial(farther, factor=0.2), {"far", "none"}, 8),
        (twice, {"several"}, 6),
    ],
    ids=["blurred", "dark", "bright", "glare", "far", "several"],
)
def test_fault_gets_its_hint(
    samples: list[Image.Image], change: Callable[[Image.Image], Image.Image], hints: set[str], least: int
) -> None:
    """A photo with a fault gets the hint about it."""
    found = [set(each["hints"]) & hints for each in qualities([change(image) for image in samples])]
    assert sum(map(bool, found)) >= least


def test_skin_without_a_spot_has_no_area() -> None:
    """On even skin under light from one side no spot stands out."""
    gradient = Image.linear_gradient("L").rotate(90)
    channels = [gradient.point([round(top * (0.75 + level / 1020)) for level in range(256)]) for top in (215, 170, 140)]
    image = Image.merge("RGB", channels)
    [quality] = qualities([image])
    assert quality["area"] == 0 and quality["count"] == 0
    # The light is no spot, and neither is the corner of a photo.
    assert qualities([skin(image)])[0]["area"] == 0


@pytest.mark.parametrize("diameter", [0.1, 0.2, 0.31, 0.45])
def test_area_is_that_of_the_spot(diameter: float) -> None:
    """The area of a drawn spot is measured to 15 %, as a share of the circle."""
    side, radius = 2048, round(diameter * 1024)
    image = Image.new("RGB", (side, side), (222, 180, 150))
    ImageDraw.Draw(image).circle((side / 2, side / 2), radius, fill=(92, 58, 44))
    [quality] = qualities([centre_square(image)])
    assert quality["area"] == pytest.approx((diameter / 0.54) ** 2, rel=0.15)
    assert quality["count"] == 1


FLICKER = """
const {{ SteadyHint }} = await import({module!r});
const good = {{ sharpness: 50, light: 140, glare: 0, area: 0.4, count: 1 }};
const steady = new SteadyHint();
const read = {frames}.map((change, frame) => steady.update({{ ...good, ...change }}, 330 * frame));
process.stdout.write(JSON.stringify(read));
"""


def steady(frames: str) -> list[str | None]:
    """Return what is shown after each frame, three of them a second, whose measures differ so from a good photo."""
    read: list[str | None] = node(FLICKER.format(module=MODULE, frames=frames))
    return read


def test_words_do_not_flicker() -> None:
    """Single frames change nothing; a measure at its limit keeps its words; other words stay long enough to be read."""
    shown = steady("Array.from({ length: 40 }, (_, frame) => (frame % 2 ? { sharpness: 2 } : {}))")
    assert set(shown) == {None}
    # Around the limit of 5, once it was below.
    shown = steady("Array.from({ length: 40 }, (_, frame) => ({ sharpness: frame < 4 ? 3 : frame % 2 ? 4.9 : 6 }))")
    assert shown[0] is None and set(shown[2:]) == {"blurred"}
    shown = steady("Array.from({ length: 20 }, (_, frame) => (frame < 3 ? { light: 20 } : {}))")
    first = shown.index("good")
    assert shown[2] == "dark" and first - shown.index("dark") >= 1.5 / 0.33 - 1
    assert set(shown[first:]) == {"good"}


def test_most_important_hint_comes_first() -> None:
    """What hides the spot comes first, and then nothing is said about the spot."""
    script = f"""
        const {{ hintsOf }} = await import({MODULE!r});
        const hints = hintsOf({{ sharpness: 2, light: 20, glare: 0.1, area: 0, count: 3 }});
        process.stdout.write(JSON.stringify(hints));
    """
    assert node(script) == ["dark", "blurred", "glare"]
