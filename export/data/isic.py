"""Labelled images: the ISIC Archive's metadata.csv, and pixels as the network is given them.

A folder is read as `isic image download` leaves it (metadata.csv beside the images) or with the images in `images/`.
Optional columns `split` and `lesion_group` are honoured; without them, images that share a lesion or a patient are a group,
and groups are split by their hash. Either way no group is on both sides.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from export.errors import DataError

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

_PREFIXES = {
    "melanoma": "melanoma",
    "nevus": "nevus",
    "basal cell carcinoma": "basal_cell_carcinoma",
    "actinic keratosis": "actinic_keratosis",
    "solar or actinic keratosis": "actinic_keratosis",
    "squamous cell carcinoma in situ": "actinic_keratosis",
    "benign keratosis": "benign_keratosis",
    "pigmented benign keratosis": "benign_keratosis",
    "seborrheic keratosis": "benign_keratosis",
    "solar lentigo": "benign_keratosis",
    "lichen planus like keratosis": "benign_keratosis",
    "dermatofibroma": "dermatofibroma",
    "vascular lesion": "vascular_lesion",
    "hemangioma": "vascular_lesion",
    "angiokeratoma": "vascular_lesion",
}
"""How the archive's `diagnosis` and `diagnosis_3` texts begin -> diagnosis code."""

SPLITS = ("train", "val", "test")

_SUFFIXES = frozenset(
    f".{suffix}" for suffix in ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "heic", "heif", "avif")
)


@dataclass(frozen=True)
class Labelled:
    """One labelled image: where it is and what is known of it.

    `diagnosis` is a key of `CLASSES`, or empty where only `malignant` is known; `licence` may be empty.
    """

    isic_id: str
    path: Path
    malignant: bool
    diagnosis: str
    dataset: str
    group: str
    split: str
    licence: str = ""


def read_table(folder: Path) -> list[Labelled]:
    """Read `folder/metadata.csv`, one entry per image that has a malignant-or-benign label and a file.

    Raises:
        DataError: no metadata.csv, none of its rows can be used, a split of another name, or a group in two splits.
    """
    source = folder / "metadata.csv"
    if not source.is_file():
        raise DataError(f"{source} does not exist. Point --data at a folder with metadata.csv and the images.")
    beside = sorted((*folder.glob("*.*"), *folder.glob("images/*.*")))
    files = {path.stem: path for path in beside if path.suffix.lower() in _SUFFIXES}
    # Spreadsheets write a mark before the first name.
    with source.open(newline="", encoding="utf-8-sig") as lines:
        table = list(csv.DictReader(lines))
    rows = [entry for row, group in zip(table, groups_of(table), strict=True) if (entry := _labelled(row, group, files))]
    if not rows:
        raise DataError(f"{source} has no row with a usable label and an image file beside it.")
    splits: dict[str, str] = {}
    for row in rows:
        if row.split not in SPLITS:
            raise DataError(f"{source} has the split {row.split!r}. Name it one of {', '.join(SPLITS)}, or leave it empty.")
        if splits.setdefault(row.group, row.split) != row.split:
            raise DataError(
                f"{source} has one lesion or patient, {row.group}, in {splits[row.group]} and {row.split}. Keep it in one."
            )
    return rows


def groups_of(table: Sequence[dict[str, str]]) -> list[str]:
    """Name of each row's group: its `lesion_group`, or what it shares with all that a lesion or a patient ties to it."""
    above: dict[tuple[int, str], tuple[int, str]] = {}

    def first(key: tuple[int, str]) -> tuple[int, str]:
        while above.setdefault(key, key) != key:
            key = above[key]
        return key

    keys = []
    for row in table:
        # Patients before lesions, which are within them: the first of all names the group.
        known = [(order, row[name]) for order, name in enumerate(("patient_id", "lesion_id")) if row.get(name)]
        for other in known[1:]:
            one, two = sorted((first(known[0]), first(other)))
            above[two] = one
        keys.append(known[0] if known else None)
    return [
        row.get("lesion_group") or (first(key)[1] if key else row.get("isic_id", ""))
        for row, key in zip(table, keys, strict=True)
    ]


def of_split(rows: Sequence[Labelled], split: str) -> list[Labelled]:
    """The rows of one split.

    Raises:
        DataError: there are none, or not of both sides: nothing can be fitted on them, and nothing measured.
    """
    chosen = [row for row in rows if row.split == split]
    sides = {row.malignant for row in chosen}
    if len(sides) < 2:
        lacking = "images" if not sides else "benign images" if sides == {True} else "malignant images"
        raise DataError(f"There are no {lacking} in `{split}`. Both sides are needed there: see the column `split`.")
    return chosen


def _labelled(row: dict[str, str], group: str, files: dict[str, Path]) -> Labelled | None:
    path = files.get(row.get("isic_id", ""))
    text = row.get("diagnosis") or row.get("diagnosis_3") or ""
    diagnosis = next((code for prefix, code in _PREFIXES.items() if text.lower().startswith(prefix)), "")
    status = (row.get("benign_malignant") or row.get("diagnosis_1") or "").lower()
    # The archive's own word on a diagnosis can differ from the grouping above (actinic keratosis: "indeterminate").
    malignant = CLASSES[diagnosis] if diagnosis else status == "malignant"
    if path is None or not (diagnosis or status in ("benign", "malignant")):
        return None
    dataset = row.get("dataset") or row.get("attribution") or "unknown"
    split = row.get("split") or split_of_group(group)
    licence = row.get("licence") or row.get("copyright_license") or ""
    return Labelled(row["isic_id"], path, malignant, diagnosis, dataset, group, split, licence)


def split_of_group(group: str) -> str:
    """Assign a group to train (80 %), val (10 %) or test (10 %) by its hash: the same on every machine and every run."""
    bucket = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) % 10
    return "val" if bucket == 8 else "test" if bucket == 9 else "train"


def fingerprint(rows: Sequence[Labelled]) -> str:
    """SHA-256 over ids and labels of the training images, written into the model file to say what it was trained on."""
    lines = sorted(f"{row.isic_id},{row.diagnosis},{int(row.malignant)}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def targets(rows: Sequence[Labelled]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Class index per image (-1 where only malignant-or-benign is known), and 1.0 for malignant."""
    codes = list(CLASSES)
    diagnosis = np.array([codes.index(row.diagnosis) if row.diagnosis else -1 for row in rows], np.int64)
    return diagnosis, np.array([row.malignant for row in rows], np.float32)
