"""What the model file answers to labelled images: the one way in which calibration and evaluation look at a model."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from lesion.inference.card import Card
from lesion.inference.model import Model, Outputs
from tqdm import tqdm

from export.data.labels import LabelledImage
from export.data.transforms import read_pixels

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Predictions:
    """Rows and the outputs for them, as arrays over the N images."""

    rows: tuple[LabelledImage, ...]
    outputs: tuple[Outputs, ...]

    def scalar(self, name: str) -> Array:
        """One scalar of `Outputs` for every image, (N,)."""
        return np.array([getattr(output, name) for output in self.outputs], np.float64)

    @property
    def classes(self) -> Array:
        """Probabilities of the diagnoses, (N, C)."""
        return np.array([output.classes for output in self.outputs], np.float64)

    @property
    def malignant(self) -> Mask:
        """The truth, (N,)."""
        return np.array([row.malignant for row in self.rows])

    @property
    def diagnosis(self) -> npt.NDArray[np.str_]:
        """The recorded diagnosis code, (N,); empty where only malignant-or-benign is known."""
        return np.array([row.diagnosis for row in self.rows])

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """Lesion group of every image, (N,): what the bootstrap draws."""
        return np.array([row.group for row in self.rows])

    def select(self, mask: Mask) -> "Predictions":
        """Only the images for which `mask` (N,) is true."""
        kept = np.flatnonzero(mask)
        return Predictions(tuple(self.rows[index] for index in kept), tuple(self.outputs[index] for index in kept))


def with_model_labels(rows: Sequence[LabelledImage], card: Card) -> list[LabelledImage]:
    """The rows with what the model counts as malignant, which for a diagnosis that it names is the model's own matter."""
    sides = {entry.code: entry.malignant for entry in card.classes}
    return [replace(row, malignant=sides.get(row.diagnosis, row.malignant)) for row in rows]


def predict(model: Model, rows: Sequence[LabelledImage], *, views: int = 1) -> Predictions:
    """Decode and classify every row as the service does; the truth is what the model counts as malignant."""

    def one(row: LabelledImage) -> Outputs:
        return model.run(read_pixels(row.path, at_least=2 * model.card.input_size), views=views)

    with ThreadPoolExecutor(2) as pool:
        outputs = tuple(tqdm(pool.map(one, rows), f"{views} view(s)", total=len(rows), unit="image", leave=False))
    return Predictions(tuple(with_model_labels(rows, model.card)), outputs)
