"""Predictions of a model file for labelled images; calibration and evaluation run the model nowhere else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from lesion.errors import LesionError
from lesion.inference.card import Card, ImageType
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model, Outputs
from tqdm import tqdm

from export.arrays import Array, Labels, Mask
from export.data.labels import LabelledImage
from export.data.pixels import read_pixels
from export.errors import DataError


@dataclass(frozen=True)
class Predictions:
    """N labelled images and the model's outputs for them.

    Attributes:
        rows: N rows.
        outputs: N outputs, in the same order.
        cards: N cards whose limits apply to the image instead of the model's, as in cross-validation; or None.
    """

    rows: tuple[LabelledImage, ...]
    outputs: tuple[Outputs, ...]
    cards: tuple[Card, ...] | None = None

    def cards_of(self, card: Card) -> tuple[Card, ...]:
        """Return the card whose limits apply to each image: its own, or that of the model file."""
        return self.cards or (card,) * len(self.rows)

    def scalar(self, name: str) -> Array:
        """Return a scalar output of every image, float64 (N,).

        Args:
            name: attribute of `lesion.inference.model.Outputs`.
        """
        return np.array([getattr(output, name) for output in self.outputs], np.float64)

    @property
    def classes(self) -> Array:
        """Probabilities of the diagnoses, float64 (N, C)."""
        return np.array([output.classes for output in self.outputs], np.float64)

    @property
    def malignant(self) -> Mask:
        """Labels, (N,)."""
        return np.array([row.malignant for row in self.rows], bool)

    @property
    def diagnosis(self) -> Labels:
        """Recorded diagnosis codes, (N,); empty where the table only says malignant or benign."""
        return np.array([row.diagnosis for row in self.rows])

    @property
    def dataset(self) -> Labels:
        """Data set of every image, (N,)."""
        return np.array([row.dataset for row in self.rows])

    @property
    def source(self) -> Labels:
        """Data set of every image, (N,), followed by its image type where the data set has images of both."""
        types: dict[str, set[str]] = {}
        for row in self.rows:
            types.setdefault(row.dataset, set()).add(row.image_type)
        return np.array([", ".join(row.source) if len(types[row.dataset]) > 1 else row.dataset for row in self.rows])

    @property
    def groups(self) -> Labels:
        """Lesion group of every image, (N,), which the bootstrap resamples."""
        return np.array([row.group for row in self.rows])

    @property
    def image_type(self) -> Labels:
        """Recorded image type of every image, (N,)."""
        return np.array([row.image_type for row in self.rows])

    def above_threshold(self, card: Card) -> Mask:
        """Return whether each image reaches the threshold of its used type and number of views, (N,).

        Args:
            card: of the model file.
        """
        cards = self.cards_of(card)
        thresholds = [
            own.point(output.image_type, output.views).threshold for own, output in zip(cards, self.outputs, strict=True)
        ]
        return np.asarray(self.scalar("probability") >= np.array(thresholds))

    def refused(self, card: Card) -> Mask:
        """Return whether the service would refuse each image, (N,).

        Args:
            card: of the model file.
        """
        cards = self.cards_of(card)
        return np.array(
            [isinstance(decide(output, own), Refusal) for output, own in zip(self.outputs, cards, strict=True)], bool
        )

    def select(self, mask: Mask) -> "Predictions":
        """Return the predictions for the images where `mask` (N,) is true."""
        kept = np.flatnonzero(mask)
        cards = None if self.cards is None else tuple(self.cards[index] for index in kept)
        return Predictions(tuple(self.rows[index] for index in kept), tuple(self.outputs[index] for index in kept), cards)


def with_model_labels(rows: Sequence[LabelledImage], card: Card) -> list[LabelledImage]:
    """Return the rows with the model's own definition of malignant, for diagnoses that are among its classes.

    Args:
        rows: labelled images.
        card: of the model file.
    """
    malignant = {entry.code: entry.malignant for entry in card.classes}
    return [replace(row, malignant=malignant.get(row.diagnosis, row.malignant)) for row in rows]


def predict(
    model: Model, rows: Sequence[LabelledImage], *, views: int = 1, image_types: Literal["detected", "recorded"] = "detected"
) -> Predictions:
    """Decode and classify images as the service does; labels follow `with_model_labels`.

    Args:
        model: the model file.
        rows: the images.
        views: 1, or 8 for test-time augmentation.
        image_types: whether the model detects the type of each image, as the service does unless a request names it, or is
            given the recorded one where it has an operating point for that.

    Raises:
        DataError: an image cannot be read.
    """

    def run(row: LabelledImage) -> Outputs:
        is_given = image_types == "recorded" and row.image_type in model.card.image_types
        return _run(model, row, views, row.image_type if is_given else None)

    with ThreadPoolExecutor(2) as pool:
        outputs = tuple(tqdm(pool.map(run, rows), f"{views} view(s)", total=len(rows), unit="image", leave=False))
    return Predictions(tuple(with_model_labels(rows, model.card)), outputs)


def predict_readable(
    model: Model, rows: Sequence[LabelledImage], *, views: int = 1
) -> tuple[Predictions, dict[LabelledImage, str]]:
    """Decode and classify images as `predict` does, without those that fail.

    Args:
        model: the model file.
        rows: the images.
        views: 1, or 8 for test-time augmentation.

    Returns:
        The predictions of the others, and the reason of each image that failed.
    """

    def run(row: LabelledImage) -> Outputs | str:
        try:
            return _run(model, row, views, None)
        except (DataError, LesionError) as error:
            return str(error).replace(f"{row.path} cannot be read. ", "")

    with ThreadPoolExecutor(2) as pool:
        results = list(tqdm(pool.map(run, rows), f"{views} view(s)", total=len(rows), unit="image", leave=False))
    labelled = with_model_labels(rows, model.card)
    answered = [(row, result) for row, result in zip(labelled, results, strict=True) if not isinstance(result, str)]
    failed = {row: result for row, result in zip(labelled, results, strict=True) if isinstance(result, str)}
    return Predictions(tuple(row for row, _ in answered), tuple(output for _, output in answered)), failed


def _run(model: Model, row: LabelledImage, views: int, image_type: ImageType | None) -> Outputs:
    pixels = read_pixels(row.path, at_least=2 * model.card.input_size)
    return model.run(pixels, views=views, image_type=image_type)
