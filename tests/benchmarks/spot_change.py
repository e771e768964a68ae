"""How well the diary aligns and compares real photos: `python -m tests.benchmarks.spot_change DATA`, with node.

DATA contains `isic/` with lesions of HAM10000 that were photographed several times. Prints the table of docs/page.md. The
lesions are in two halves by a hash of their group: one to set limits of `change.js` and `register.js`, the other to report.
"""

import csv
import hashlib
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from tests.support.site.photo_quality import centre_square
from tests.support.site.spot_change import Pair, compare, judge

LESIONS = 100
"""At most as many pairs of each kind; each lesion has one."""
TURNS, FACTORS, SHIFT = (-60, 60), (0.85, 1.18), 0.08
"""Ranges of the known transforms: degrees, magnification, and sides."""
Similarity = Mapping[str, float]


@dataclass(frozen=True)
class Lesion:
    """Images of one lesion, in the order of their ids, and the half that it belongs to."""

    group: str
    images: Sequence[Path]
    half: str


def lesions(data: Path) -> list[Lesion]:
    """Return lesions of HAM10000 with at least three images, in the order of a hash of their group."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    with (data / "isic" / "metadata.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            groups[row["lesion_group"]] += [row["isic_id"]] if row["dataset"] == "HAM10000" else []
    several = {group: sorted(ids) for group, ids in groups.items() if len(ids) >= 3}
    order = sorted(several, key=lambda group: hashlib.sha256(group.encode()).hexdigest())[:LESIONS]
    return [
        Lesion(group, [data / "isic" / "images" / f"{each}.jpg" for each in several[group]], "AB"[index % 2])
        for index, group in enumerate(order)
    ]


def read(path: Path) -> Image.Image:
    """Return an image as the page measures it."""
    with Image.open(path) as image:
        return centre_square(image)


def altered(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, dict[str, float]]:
    """Return the image as another camera would see it, in other light, and the similarity that the page should find."""
    angle, scale = math.radians(random.uniform(*TURNS)), random.uniform(*FACTORS)
    x, y = random.uniform(-SHIFT, SHIFT, 2)
    side = image.width
    cos, sin = math.cos(angle), math.sin(angle)
    # Position q in the new image shows p in the old one, with q = scale · rotation(angle) · p + (x, y).
    inverse = np.linalg.inv(np.array([[scale * cos, -scale * sin, x], [scale * sin, scale * cos, y], [0, 0, 1]]))
    to_sides = np.array([[1 / side, 0, -0.5], [0, 1 / side, -0.5], [0, 0, 1]])
    matrix = np.linalg.inv(to_sides) @ inverse @ to_sides
    fill = tuple(int(value) for value in np.median(np.asarray(image).reshape(-1, 3), axis=0))
    moved = image.transform(
        image.size, Image.Transform.AFFINE, tuple(matrix[:2].ravel()), Image.Resampling.BICUBIC, fillcolor=fill
    )
    lit = ImageEnhance.Brightness(moved).enhance(random.uniform(0.85, 1.1))
    noisy = np.asarray(lit, float) + random.normal(0, 2, (side, side, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), {"angle": angle, "scale": scale, "x": x, "y": y}


def matrix(similarity: Similarity) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the similarity as a matrix of shape (3, 3)."""
    cos, sin = similarity["scale"] * math.cos(similarity["angle"]), similarity["scale"] * math.sin(similarity["angle"])
    return np.array([[cos, -sin, similarity["x"]], [sin, cos, similarity["y"]], [0, 0, 1]])


def distance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Return the largest distance between where two transforms take points around the middle, in sides."""
    turn = np.arange(0, 2 * np.pi, 0.5)
    points = np.stack([0.3 * np.cos(turn), 0.3 * np.sin(turn), np.ones_like(turn)])
    return float(np.hypot(*((one - other) @ points)[:2]).max())


def shares(name: str, found: Sequence[Mapping[str, Any] | None], errors: Sequence[float] | None = None) -> str:
    """Return a row of the table: aligned, aligned as known within 3 % of the side, measured."""
    count = len(found)
    aligned = sum(each is not None for each in found) / count
    right = "" if errors is None else f"{sum(error < 0.03 for error in errors) / count:.0%}"
    measured = sum(each is not None and each["difference"] is not None for each in found) / count
    return f"| {name} | {count} | {aligned:.0%} | {right} | {measured:.0%} |"


def rows(half: str, chosen: Sequence[Lesion]) -> Iterator[str]:
    """Yield the lines about one half."""
    random = np.random.default_rng(1)
    images = [[read(path) for path in lesion.images[:3]] for lesion in chosen]
    known = [altered(each[0], random) for each in images]
    found = compare([Pair(each[0], other) for each, (other, _) in zip(images, known, strict=True)])
    errors = [
        distance(matrix(each["similarity"]), matrix(truth)) if each else math.inf
        for each, (_, truth) in zip(found, known, strict=True)
    ]
    yield shares(f"{half}: known transform of one photo", found, errors)
    there = compare([Pair(each[0], each[2]) for each in images])
    yield shares(f"{half}: two photos of one lesion", there)
    others = compare([Pair(one[0], other[0]) for one, other in pairwise([*images, images[0]])])
    yield shares(f"{half}: photos of two lesions", others)
    day = compare([Pair(each[0], each[1]) for each in images])
    verdicts = judge(
        [(one and one["difference"], other and other["difference"]) for one, other in zip(there, day, strict=True)]
    )
    counts = Counter(each["verdict"] for each in verdicts)
    said = ", ".join(f"{name} {counts[name] / len(chosen):.0%}" for name in ("changed", "none", "unknown"))
    yield f"| {half}: two photos, scatter of a third | {len(chosen)} | {said} | | |"


def main(data: Path) -> None:
    """Print the table."""
    print("| | pairs | aligned | as known | measured |\n|---|---|---|---|---|")
    chosen = lesions(data)
    for half in "AB":
        print("\n".join(rows(half, [lesion for lesion in chosen if lesion.half == half])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
