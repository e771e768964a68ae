"""Robustness: whether re-encoding, resizing, cropping or another illuminant changes a model's decisions.

For every perturbation of `export.data.corruptions` and for other copies of the same images: the change of AUC, the share of
decisions that flip at the operating threshold, and the share of images refused in addition to those refused unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from lesion.imaging.decode import Pixels, decode
from lesion.inference.card import Card
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model, Outputs
from tqdm import tqdm

from export.arrays import Array, Figures, Mask
from export.data.copies import read_copies
from export.data.corruptions import CAMERA_SIDE, CORRUPTIONS, PAGE_SIDE, Corruption, encode_camera_photo, reencode_as_page
from export.data.labels import LabelledImage
from export.data.pixels import read_pixels
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import with_model_labels

SEED = 75

MOST_OF_TYPE = 400
"""Images of one type that are measured. With 800 images, a share of 2 % has an interval of 1 % on either side."""

EIGHT_VIEWS_KIND = "eight views, turned by"
"""Kind of change that is measured with eight views, which contain the quarter turns: nothing may change."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Scores:
    """A model's answers to N images.

    Attributes:
        probability: of malignancy, (N,).
        above: whether it reaches the threshold of the image's type, (N,).
        refused: whether the service would refuse each image, (N,).
    """

    probability: Array
    above: Mask
    refused: Mask

    @classmethod
    def of(cls, outputs: Iterable[Outputs], card: Card) -> "Scores":
        """Return the scores of the outputs of N images."""
        probability, above, refused = [], [], []
        for output in outputs:
            probability.append(output.probability)
            above.append(output.probability >= card.point(output.image_type, output.views).threshold)
            refused.append(isinstance(decide(output, card), Refusal))
        return cls(np.array(probability, np.float64), np.array(above, bool), np.array(refused, bool))

    def select(self, indices: npt.NDArray[np.int64]) -> "Scores":
        """Return the scores of the images with these indices (K,)."""
        return Scores(self.probability[indices], self.above[indices], self.refused[indices])


def compare_scores(changed: Scores, original: Scores, rows: Sequence[LabelledImage]) -> Figures:
    """Return the figures of N changed images against the same images unchanged.

    Args:
        changed: scores of the N changed images.
        original: scores of the N unchanged images.
        rows: the N rows, with the labels as the model counts them.
    """
    malignant = np.array([row.malignant for row in rows])
    groups = np.array([row.group for row in rows])
    everything = np.ones(len(rows), bool)
    flipped = changed.above != original.above

    def auc(weights: Array) -> float:
        return metrics.auc(changed.probability, malignant, weights)

    def auc_change(weights: Array) -> float:
        return auc(weights) - metrics.auc(original.probability, malignant, weights)

    return {
        "n": len(rows),
        "auc": bootstrap_interval(auc, groups).json(),
        "auc_change": bootstrap_interval(auc_change, groups).json(),
        "flips": bootstrap_interval(lambda weights: metrics.rate(flipped, everything, weights), groups).json(),
        "newly_refused": round(float((changed.refused & ~original.refused).mean()), 4),
    }


def score_perturbed(model: Model, images: Sequence[Pixels], perturbation: Corruption, name: str) -> Scores:
    """Return the scores of perturbed images.

    Args:
        model: the model.
        images: uint8 (H, W, 3) each.
        perturbation: see `export.data.corruptions`.
        name: seeds the random draws together with an image's index, so that they do not depend on other perturbations.
    """
    seed = [SEED, *name.encode()]

    def run(item: tuple[int, Pixels]) -> Outputs:
        index, pixels = item
        return model.run(perturbation(pixels, np.random.default_rng([*seed, index])))

    return Scores.of(_map(run, list(enumerate(images)), name), model.card)


def draw_images(rows: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Return at most `MOST_OF_TYPE` rows of each image type, drawn by a hash of their ids, in their order."""
    kept: set[str] = set()
    for image_type in {row.image_type for row in rows}:
        ids = [row.isic_id for row in rows if row.image_type == image_type]
        kept.update(sorted(ids, key=lambda name: sha256(name.encode()).hexdigest())[:MOST_OF_TYPE])
    return [row for row in rows if row.isic_id in kept]


def measure_robustness(model: Model, rows: Sequence[LabelledImage], copies: Path | None = None) -> dict[str, Figures]:
    """Return kind of change -> its strength -> figures of `compare_scores`.

    Args:
        model: the model.
        rows: of one split; see `draw_images`.
        copies: folder of `export.data.copies`; None measures no copies.

    Raises:
        DataError: an image or a copy cannot be read.
    """
    side = 2 * model.card.input_size
    rows = with_model_labels(draw_images(rows), model.card)
    images = _map(lambda row: read_pixels(row.path, at_least=side), rows, "decoding")
    original = Scores.of(_map(model.run, images, "unchanged"), model.card)
    figures: dict[str, Figures] = {}
    for kind, strengths in CORRUPTIONS.items():
        for strength, perturbation in strengths.items():
            scores = score_perturbed(model, images, perturbation, f"{kind} {strength}")
            figures.setdefault(kind, {})[strength] = compare_scores(scores, original, rows)
    figures[EIGHT_VIEWS_KIND] = _quarter_turn_figures(model, images, rows)
    figures["sent by the page"] = {f"{CAMERA_SIDE} to {PAGE_SIDE} px": _page_figures(model, images, rows)}
    if copies is not None:
        index = {row.isic_id: place for place, row in enumerate(rows)}
        for kind, files in read_copies(copies, set(index)).items():
            places = np.array([index[isic_id] for _, isic_id in files])
            outputs = _map(lambda file: model.run(read_pixels(file[0], at_least=side)), files, kind)
            scores, own_rows = Scores.of(outputs, model.card), [rows[place] for place in places]
            compared = compare_scores(scores, original.select(places), own_rows)
            figures.setdefault("other copy", {})[kind] = compared
    return figures


def _quarter_turn_figures(model: Model, images: Sequence[Pixels], rows: Sequence[LabelledImage]) -> dict[str, Figures]:
    """Return the figures of images in quarter turns with eight views, against those of the upright ones with eight views."""

    def run(turns: int) -> Scores:
        name = f"eight views, {90 * turns}°"
        outputs = _map(lambda pixels: model.run(np.ascontiguousarray(np.rot90(pixels, turns)), views=8), images, name)
        return Scores.of(outputs, model.card)

    upright = run(0)
    return {f"{90 * turns}°": compare_scores(run(turns), upright, rows) for turns in (1, 2, 3)}


def _page_figures(model: Model, images: Sequence[Pixels], rows: Sequence[LabelledImage]) -> Figures:
    """Return the figures of enlarged images, reduced as the page reduces them before sending, against the enlarged ones."""
    side = 2 * model.card.input_size
    files = _map(encode_camera_photo, images, "enlarging")
    large = _map(lambda file: model.run(decode(file, at_least=side).pixels), files, "large")
    small = _map(lambda file: model.run(decode(reencode_as_page(file), at_least=side).pixels), files, "page")
    return compare_scores(Scores.of(small, model.card), Scores.of(large, model.card), rows)


def _map(work: Callable[[Item], Result], items: Sequence[Item], name: str) -> list[Result]:
    with ThreadPoolExecutor(2) as pool:
        return list(tqdm(pool.map(work, items), name, total=len(items), unit="image", leave=False))
