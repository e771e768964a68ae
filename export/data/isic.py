"""Reader of the ISIC Archive's metadata.csv.

A folder is read as `isic image download` writes it (metadata.csv beside the images) or with the images in `images/`.
The columns `split` and `lesion_group` are optional; `export.data.splits` replaces them where they are missing. Without a
column `image_type`, all images are dermoscopic.
"""

import csv
from pathlib import Path

from lesion.inference.card import ImageType

from export.data.labels import CLASSES, LabelledImage
from export.data.splits import SPLITS, assign_split, group_names
from export.errors import DataError

_DIAGNOSIS_PREFIXES = {
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
"""Beginning of the archive's `diagnosis` or `diagnosis_3` -> diagnosis code."""

_IMAGE_TYPES: dict[str, ImageType] = {
    "": "dermoscopic",
    "dermoscopic": "dermoscopic",
    "clinical": "clinical",
    "clinical: close-up": "clinical",
}
"""Value of the archive's column `image_type` -> image type; images of other types are not used."""

_IMAGE_SUFFIXES = frozenset(
    f".{suffix}" for suffix in ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "heic", "heif", "avif")
)


def read_table(folder: Path) -> list[LabelledImage]:
    """Read `folder/metadata.csv`: one entry for each image that has a malignant or benign label and a file.

    Raises:
        DataError: there is no metadata.csv, none of its rows can be used, a split has another name, or a group is in two
            splits.
    """
    source = folder / "metadata.csv"
    if not source.is_file():
        raise DataError(f"{source} does not exist. Point --data at a folder with metadata.csv and the images.")
    paths = sorted((*folder.glob("*.*"), *folder.glob("images/*.*")))
    files = {path.stem: path for path in paths if path.suffix.lower() in _IMAGE_SUFFIXES}
    # Spreadsheet software writes a byte order mark before the first column name.
    with source.open(newline="", encoding="utf-8-sig") as lines:
        table = list(csv.DictReader(lines))
    rows = [image for row, group in zip(table, group_names(table), strict=True) if (image := _parse_row(row, group, files))]
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


def _parse_row(row: dict[str, str], group: str, files: dict[str, Path]) -> LabelledImage | None:
    path = files.get(row.get("isic_id", ""))
    text = row.get("diagnosis") or row.get("diagnosis_3") or ""
    diagnosis = next((code for prefix, code in _DIAGNOSIS_PREFIXES.items() if text.lower().startswith(prefix)), "")
    status = (row.get("benign_malignant") or row.get("diagnosis_1") or "").lower()
    # The archive's status of a diagnosis can differ from `CLASSES` (actinic keratosis: "indeterminate").
    malignant = CLASSES[diagnosis] if diagnosis else status == "malignant"
    image_type = _IMAGE_TYPES.get(row.get("image_type") or "")
    if path is None or image_type is None or not (diagnosis or status in ("benign", "malignant")):
        return None
    dataset = row.get("dataset") or row.get("attribution") or "unknown"
    split = row.get("split") or assign_split(group)
    licence = row.get("licence") or row.get("copyright_license") or ""
    return LabelledImage(row["isic_id"], path, malignant, diagnosis, dataset, group, split, licence, image_type)
