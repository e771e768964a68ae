"""How well the label can be predicted without the lesion: from the source of an image, its border and its file.

A network can learn such shortcuts. What they reach is the AUC that a network must exceed within each source before its own
AUC says anything about lesions, and that sampling for training (`export.data.sampling`) should bring to 0.5.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier
from tqdm import tqdm

from export.arrays import Array, Figures, Mask
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.errors import DataError
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval

THUMBNAIL = 32
"""Side in pixels of the thumbnail whose outermost pixels are the border."""

MIN_IMAGES = 50
"""Images of a source in each of both parts, below which it has no figure of its own."""

FEWEST_OF_A_SIDE = 5
"""Malignant and benign images of a source, below which an AUC would be chance."""


def border_and_file(row: LabelledImage) -> list[float]:
    """Return mean and standard deviation of the border's colour, 0 to 255, then file size in bytes, width and height.

    Args:
        row: an image, whose file Pillow reads.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with Image.open(row.path) as image:
            width, height = image.size
            pixels = np.asarray(image.convert("RGB").resize((THUMBNAIL, THUMBNAIL)), np.float64)
        size = row.path.stat().st_size
    except OSError as error:
        raise DataError(f"{row.path} cannot be read ({error}). Remove its row, or restore the file.") from error
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    return [*border.mean(0), *border.std(0), size, width, height]


def shortcut_report(rows: Sequence[LabelledImage], sampling: Callable[[Sequence[LabelledImage]], Array]) -> Figures:
    """Fit shortcuts on `train` and return their AUC for malignancy on `val`.

    Args:
        rows: of all splits.
        sampling: returns the weights (N,) with which training draws N images.

    Returns:
        Under "source", the AUC of the share of malignant images in an image's source; under "source_as_drawn", the same
        where `val` counts as training would draw it; under "border_and_file", the AUC of gradient-boosted trees on
        `border_and_file`; under "by_source", source -> that AUC with the number of images, fitted and evaluated within the
        source. All with 95 % intervals.

    Raises:
        DataError: an image cannot be read, or a split lacks one side.
    """
    train, val = select_split(rows, "train"), select_split(rows, "val")
    with ThreadPoolExecutor() as pool:
        described = tqdm(pool.map(border_and_file, [*train, *val]), "border", total=len(train) + len(val), leave=False)
        features = np.array(list(described))
    fitted, held_out = features[: len(train)], features[len(train) :]
    shares = _malignant_shares(train)
    overall = float(np.mean([row.malignant for row in train]))
    by_source = np.array([shares.get(row.source, overall) for row in val])
    report: Figures = {
        "source": _interval(by_source, val),
        "source_as_drawn": _interval(by_source, val, sampling(val)),
        "border_and_file": _interval(_score(fitted, train, held_out), val),
        "by_source": {},
    }
    for source in sorted({row.source for row in val}):
        seen, own = (np.array([row.source == source for row in part]) for part in (train, val))
        own_train, own_val = _chosen(train, seen), _chosen(val, own)
        if min(seen.sum(), own.sum()) < MIN_IMAGES or min(_fewest(own_train), _fewest(own_val)) < FEWEST_OF_A_SIDE:
            continue
        score = _score(fitted[seen], own_train, held_out[own])
        report["by_source"][" ".join(source)] = {
            "n": len(own_val),
            "malignant": sum(row.malignant for row in own_val),
            "border_and_file": _interval(score, own_val),
        }
    return report


def _chosen(rows: Sequence[LabelledImage], mask: Mask) -> list[LabelledImage]:
    return [row for row, chosen in zip(rows, mask, strict=True) if chosen]


def _fewest(rows: Sequence[LabelledImage]) -> int:
    malignant = sum(row.malignant for row in rows)
    return min(malignant, len(rows) - malignant)


def _malignant_shares(rows: Sequence[LabelledImage]) -> dict[tuple[str, str], float]:
    sources = {row.source for row in rows}
    return {source: float(np.mean([row.malignant for row in rows if row.source == source])) for source in sources}


def _score(fitted: Array, rows: Sequence[LabelledImage], held_out: Array) -> Array:
    # Shallow and few, because a source may have a hundred images.
    trees = HistGradientBoostingClassifier(max_depth=3, max_iter=60, random_state=0)
    trees.fit(fitted, np.array([row.malignant for row in rows]))
    return np.asarray(trees.predict_proba(held_out)[:, 1])


def _interval(score: Array, rows: Sequence[LabelledImage], weights: Array | None = None) -> Figures:
    malignant, groups = np.array([row.malignant for row in rows]), np.array([row.group for row in rows])
    drawn = np.ones(len(rows)) if weights is None else weights
    return dict(bootstrap_interval(lambda resample: metrics.auc(score, malignant, resample * drawn), groups).json())
