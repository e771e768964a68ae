"""How often each hint about a photo appears: `python -m tests.benchmarks.photo_quality DATA`, with node.

DATA contains `clinical/` (smartphone photos; `val` rows only) and `originals/` (dermoscopic; `train` rows, because none is in
`val`). Prints the table of docs/page.md: the share of unaltered and of altered images with each hint.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.support.site.photo_quality import SIDE, centre_square, qualities

HINTS = ("dark", "bright", "blurred", "none", "far", "glare", "several")


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    """Return the image out of focus by `sigma` pixels of `SIDE`."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Return the image with its levels multiplied by `factor`, up to white."""
    return image.point(lambda level: min(255, round(level * factor)))


def with_glare(image: Image.Image, diameter: float) -> Image.Image:
    """Return the image with a soft white reflection, `diameter` as a share of the side, near the middle."""
    light = Image.new("L", image.size)
    radius, middle = diameter * SIDE / 2, 0.45 * SIDE
    ImageDraw.Draw(light).ellipse([middle - radius, middle - radius, middle + radius, middle + radius], fill=255)
    return Image.composite(Image.new("RGB", image.size, "white"), image, light.filter(ImageFilter.GaussianBlur(2)))


def farther(image: Image.Image, factor: float) -> Image.Image:
    """Return the image at `factor` of its size, on skin of its own border colours."""
    side = round(factor * SIDE)
    before = (SIDE - side) // 2
    small = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), float)
    after = SIDE - side - before
    extended = np.pad(small, ((before, after), (before, after), (0, 0)), mode="edge")
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    soft = Image.fromarray(extended.astype(np.uint8)).filter(ImageFilter.GaussianBlur(SIDE / 12))
    skin = (np.asarray(soft, float) + np.median(border, axis=0)) / 2
    inside = Image.new("L", image.size)
    inside.paste(255, (before, before, before + side, before + side))
    # Fades within the small image, so that its border is no edge.
    faded = np.asarray(inside.filter(ImageFilter.GaussianBlur(side / 10)), float) / 255
    share = np.clip(2 * faded - 1, 0, 1)[..., None]
    noise = np.random.default_rng(0).normal(0, 2, extended.shape)
    return Image.fromarray(np.clip(extended * share + skin * (1 - share) + noise, 0, 255).astype(np.uint8))


def closer(image: Image.Image, factor: float) -> Image.Image:
    """Return the middle of the image, enlarged `factor` times."""
    before = SIDE * (1 - 1 / factor) / 2
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(before, before, SIDE - before, SIDE - before))


def twice(image: Image.Image) -> Image.Image:
    """Return two copies of the lesion beside each other, at half the size."""
    small = np.asarray(farther(image, 0.48))
    left, right = (np.roll(small, shift, axis=1) for shift in (-round(0.22 * SIDE), round(0.22 * SIDE)))
    return Image.fromarray(np.where((np.arange(SIDE) < SIDE // 2)[None, :, None], left, right))


def skin(image: Image.Image) -> Image.Image:
    """Return a corner of the image without its lesion, enlarged."""
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(4, 4, SIDE // 4, SIDE // 4))


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "unaltered": lambda image: image,
    **{f"blurred by {sigma:g} px": partial(blurred, sigma=sigma) for sigma in (1, 1.5, 2, 3)},
    **{f"darkened to {factor:.0%}": partial(scaled, factor=factor) for factor in (0.5, 0.35, 0.25)},
    **{f"brightened to {factor:.0%}": partial(scaled, factor=factor) for factor in (1.5, 2)},
    **{f"glare of {diameter:.0%} of the side": partial(with_glare, diameter=diameter) for diameter in (0.04, 0.08)},
    **{f"{1 / factor:.0f} times as far": partial(farther, factor=factor) for factor in (1 / 2, 1 / 3, 1 / 4, 1 / 5)},
    "2.5 times as near": partial(closer, factor=2.5),
    "twice in one photo": twice,
    "a corner, mostly without a lesion": skin,
}


def images(data: Path) -> Iterator[tuple[str, list[Image.Image]]]:
    """Yield the name and the images of each set."""
    for name, folder, split, column in (
        ("smartphone", data / "clinical" / "images", "val", "image"),
        ("dermoscopic", data / "originals", "train", "isic_id"),
    ):
        with (data / ("clinical" if column == "image" else "originals") / "metadata.csv").open(newline="") as file:
            rows = [row[column] for row in csv.DictReader(file) if row["split"] == split]
        read = []
        for row in rows:
            with Image.open(folder / f"{row}.jpg") as image:
                read.append(centre_square(image))
        yield name, read


def table(name: str, originals: Sequence[Image.Image]) -> Iterator[str]:
    """Yield the lines of the Markdown table of one set: the share of its images with each hint, in percent."""
    yield f"| {name}, {len(originals)} photos | {' | '.join(HINTS)} | any |"
    yield f"|---{'|---' * (len(HINTS) + 1)}|"
    for change, alter in CHANGES.items():
        found = [set(each["hints"]) for each in qualities([alter(image) for image in originals])]
        counts = [sum(hint in hints for hints in found) for hint in HINTS]
        cells = [f"{count / len(found):.0%}" for count in (*counts, sum(map(bool, found)))]
        yield f"| {change} | {' | '.join(cells)} |"


def main(data: Path) -> None:
    """Print the tables."""
    for name, originals in images(data):
        print("\n".join(table(name, originals)), end="\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
