"""Labelled images: diagnosis codes, the record of one image, and its training targets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lesion.inference.card import ImageType

from export.arrays import Floats
from export.data.attributes import Attribute

CLASSES: dict[str, bool] = {
    "melanoma": True,
    "nevus": False,
    "basal_cell_carcinoma": True,
    "actinic_keratosis": True,
    "benign_keratosis": False,
    "dermatofibroma": False,
    "vascular_lesion": False,
}
"""Diagnosis code -> malignant. The HAM10000 grouping (Tschandl et al. 2018), actinic keratosis with Bowen's disease."""

ALL_CLASSES: dict[str, bool] = {
    **CLASSES,
    "squamous_cell_carcinoma": True,
    "other_benign": False,
    "other_malignant": True,
}
"""`CLASSES` and the diagnoses that only some data sets have; squamous cell carcinoma includes keratoacanthoma."""


@dataclass(frozen=True)
class LabelledImage:
    """One image file and its labels.

    Attributes:
        isic_id: identifier of the image in its archive.
        path: image file.
        malignant: the label that every image has.
        diagnosis: a key of `ALL_CLASSES` or of a class map, or empty where only `malignant` is known.
        dataset: name of the data set or institution.
        group: name of the lesion or patient; images of one group are in one split.
        split: one of `export.data.splits.SPLITS`.
        licence: licence of the image; may be empty.
        image_type: "dermoscopic" or "clinical", a close-up without a dermatoscope.
        same_as: identifier of the same image in another data set, or empty.
        is_mapped: whether `diagnosis` is of a class map (`export.data.layouts.own_classes`).
        attributes: what is known of the person and the place on the body (`export.data.attributes`).
    """

    isic_id: str
    path: Path
    malignant: bool
    diagnosis: str
    dataset: str
    group: str
    split: str
    licence: str = ""
    image_type: ImageType = "dermoscopic"
    same_as: str = ""
    is_mapped: bool = False
    attributes: tuple[Attribute, ...] = ()

    @property
    def source(self) -> tuple[str, ImageType]:
        """Data set and image type: images of one source come from similar cameras."""
        return self.dataset, self.image_type


def training_classes(rows: Sequence[LabelledImage]) -> dict[str, bool]:
    """Return the classes of a network that is trained on these images, diagnosis code -> malignant.

    They are those of `CLASSES` and, after these, the others that occur, in the order of `ALL_CLASSES`. Of images with a
    class map, they are the classes that occur, malignant ones first.
    """
    if any(row.is_mapped for row in rows):
        found = {row.diagnosis: row.malignant for row in rows if row.diagnosis}
        return dict(sorted(found.items(), key=lambda entry: (not entry[1], entry[0])))
    occurring = {row.diagnosis for row in rows}
    return {code: malignant for code, malignant in ALL_CLASSES.items() if code in CLASSES or code in occurring}


def target_arrays(
    rows: Sequence[LabelledImage], classes: Sequence[str] = tuple(CLASSES)
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the training targets of N images.

    Args:
        rows: the N images.
        classes: diagnosis codes in the order of the network's outputs.

    Returns:
        the index into `classes`, int64 (N,), -1 where the diagnosis is unknown or not one of them; and 1.0 for malignant,
        0.0 for benign, float32 (N,).
    """
    index = {code: place for place, code in enumerate(classes)}
    diagnosis = np.array([index.get(row.diagnosis, -1) for row in rows], np.int64)
    return diagnosis, np.array([row.malignant for row in rows], np.float32)


def fingerprint(rows: Sequence[LabelledImage]) -> str:
    """Return the SHA-256 over identifiers and labels, which model files record for their training images."""
    lines = sorted(f"{row.isic_id},{row.diagnosis},{int(row.malignant)}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
