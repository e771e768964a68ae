"""How often each hint about a photo appears: `python -m tests.benchmarks.photo_quality DATA`, with node.

DATA contains `clinical/` (smartphone photos; `val` rows only) and `originals/` (dermoscopic; `train` rows, because none is
in `val`). Prints the table of docs/page.md: the share of unaltered and of altered images with each hint.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from tests.support.site.altered_photos import blurred, closer, farther, scaled, skin, twice, with_glare
from tests.support.site.photo_quality import centre_square, qualities

HINTS = ("dark", "bright", "blurred", "none", "far", "glare", "several")


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
