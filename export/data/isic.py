"""Reader of one folder with metadata.csv and images; `export.data.tables` joins several.

A folder is read as `isic image download` writes it (metadata.csv beside the images) or with the images in `images/`.
The columns `split` and `lesion_group` are optional; `export.data.splits` replaces them where they are missing. Without a
column `image_type`, all images are dermoscopic, except those of PAD-UFES-20. These tables are read:

| columns | table |
|---|---|
| `isic_id`, `image_type`, `diagnosis` or `diagnosis_3` | ISIC Archive |
| the same, `milk10k_class`, `same_as` | MILK10k (ISIC 2025) |
| `image`, `diagnosis`, `patient` | PAD-UFES-20 (Pacheco et al. 2020) |
"""

import csv
from pathlib import Path

from lesion.inference.card import ImageType

from export.data.diagnoses import diagnosis_code
from export.data.labels import ALL_CLASSES, LabelledImage
from export.data.splits import assign_split, group_names, image_id, require_disjoint_splits
from export.errors import DataError

_IMAGE_TYPES: dict[str, ImageType] = {
    "dermoscopic": "dermoscopic",
    "clinical": "clinical",
    "clinical: close-up": "clinical",
}
"""Value of the archive's column `image_type` -> image type; images of other types are not used."""

_CLINICAL_DATASETS = frozenset({"PAD-UFES-20"})
"""Data sets whose table has no column `image_type` because all images are clinical."""

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
    require_disjoint_splits(rows, str(source))
    return rows


def _parse_row(row: dict[str, str], group: str, files: dict[str, Path]) -> LabelledImage | None:
    path, diagnosis = files.get(image_id(row)), diagnosis_code(row)
    dataset = row.get("dataset") or row.get("attribution") or "unknown"
    image_type = _IMAGE_TYPES.get(row.get("image_type") or ("clinical" if dataset in _CLINICAL_DATASETS else "dermoscopic"))
    status = (row.get("benign_malignant") or row.get("diagnosis_1") or "").lower()
    # The archive's status of a diagnosis can differ from `ALL_CLASSES` (actinic keratosis: "indeterminate").
    malignant = ALL_CLASSES[diagnosis] if diagnosis else status == "malignant"
    if path is None or image_type is None or not (diagnosis or status in ("benign", "malignant")):
        return None
    return LabelledImage(
        image_id(row),
        path,
        malignant,
        diagnosis,
        dataset,
        group,
        split=row.get("split") or assign_split(group),
        licence=row.get("licence") or row.get("copyright_license") or "",
        image_type=image_type,
        same_as=row.get("same_as") or "",
    )
