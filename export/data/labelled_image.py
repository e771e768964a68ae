"""The record of one image, from what a row or a folder says about it."""

from pathlib import Path

from lesion.inference.card import ImageType

from export.data.attributes import attributes_of
from export.data.labels import LabelledImage
from export.data.layouts.layout import Label
from export.data.splits import assign_split, split_name
from export.data.text_table import Row


def labelled_image(
    own: str,
    path: Path,
    label: Label,
    row: Row,
    *,
    dataset: str,
    group: str,
    is_mapped: bool,
    image_type: ImageType = "dermoscopic",
) -> LabelledImage:
    """Return the record of an image.

    Args:
        own: its identifier.
        path: its file.
        label: with a side.
        row: of the table, by column name in lower case; of a folder, the columns that its name stands for. An unknown split
            is kept, and `export.data.splits.require_disjoint_splits` refuses it.
        dataset: name of the data set where the row has none.
        group: lesion or patient.
        is_mapped: whether the label is of a class map.
        image_type: of the image.
    """
    split = row.get("split") or assign_split(group)
    return LabelledImage(
        own,
        path,
        label.malignant is True,
        label.diagnosis,
        row.get("dataset") or row.get("attribution") or dataset,
        group,
        split=split_name(split) or split,
        licence=row.get("licence") or row.get("copyright_license") or "",
        image_type=image_type,
        same_as=row.get("same_as") or "",
        is_mapped=is_mapped,
        attributes=attributes_of(row),
    )
