"""What a layout knows about its tables: which columns it has, and what a row says about its image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lesion.inference.card import ImageType

from export.data.text_table import Row

NO_LABEL = "no label"
INDETERMINATE = "Indeterminate"
BY_CLASS_MAP = "left out by the class map"

IMAGE_COLUMNS = (
    *("isic_id", "image_id", "image_name", "img_id", "image", "filename", "file_name", "file", "image_path", "filepath"),
    *("path", "img", "name", "id"),
)
"""Columns that name an image or its file, in the order in which they are looked for."""

ARCHIVE_TYPES: Mapping[str, ImageType] = {
    "dermoscopic": "dermoscopic",
    "clinical": "clinical",
    "clinical: close-up": "clinical",
}
"""Value of the archive's column `image_type`, in lower case -> image type; images of other types are not used."""


@dataclass(frozen=True)
class Label:
    """What a row says about its image.

    Attributes:
        malignant: None where it cannot be used; `reason` then says why.
        diagnosis: code, or empty where only the side is known.
        reason: `NO_LABEL`, `INDETERMINATE` or `BY_CLASS_MAP`; empty for a usable label.
        unknown: text of a label whose side is not known, which is an error of the table.
    """

    malignant: bool | None
    diagnosis: str = ""
    reason: str = ""
    unknown: str = ""


@dataclass(frozen=True)
class Layout:
    """Columns of a kind of table, and how its rows are read.

    Attributes:
        name: for the data summary.
        recognises: whether a table with these columns (lower case) has this layout.
        label: of a row.
        dataset: name of the data set where the row has none; empty for the name of the folder.
        image_type: of rows without a value in the column `image_type`.
        image_types: values of that column in lower case -> image type; images of others are left out.
        uses: columns that `label` reads, in lower case.
        joins: whether tables without labels beside it belong to it, as in the ISIC challenges.
    """

    name: str
    recognises: Callable[[frozenset[str]], bool]
    label: Callable[[Row], Label]
    dataset: str = ""
    image_type: ImageType = "dermoscopic"
    image_types: Mapping[str, ImageType] = field(default_factory=lambda: ARCHIVE_TYPES)
    uses: frozenset[str] = frozenset()
    joins: bool = False


def image_column(columns: frozenset[str], stated: str = "") -> str | None:
    """Return the column that names images, or None.

    Args:
        columns: of a table, in lower case.
        stated: the only column that may name them, in lower case; empty to look for one.
    """
    return next((name for name in ((stated,) if stated else IMAGE_COLUMNS) if name in columns), None)
