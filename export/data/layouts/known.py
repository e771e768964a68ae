"""The layouts in the order in which they are tried, and the columns that any of them reads."""

from dataclasses import replace

from export.data.attributes import COLUMNS
from export.data.layouts.archive import ARCHIVE, EARLIER_ARCHIVE, ISIC_2024
from export.data.layouts.challenges import HAM10000, ISIC_2020, PAD_UFES_20
from export.data.layouts.layout import IMAGE_COLUMNS, Layout, image_column
from export.data.layouts.one_hot import ONE_HOT
from export.data.layouts.own_classes import ClassMap
from export.data.layouts.plain import LABEL_COLUMNS, column_layout

LAYOUTS = (ISIC_2024, ARCHIVE, HAM10000, PAD_UFES_20, ONE_HOT, ISIC_2020, EARLIER_ARCHIVE)

_INFORMATION = frozenset(
    {"dataset", "attribution", "licence", "copyright_license", "image_type", "lesion_group", "lesion_id", "patient_id"}
    | {"patient", "split", "same_as"}
)

READ_COLUMNS = frozenset().union(IMAGE_COLUMNS, LABEL_COLUMNS, _INFORMATION, COLUMNS, *(layout.uses for layout in LAYOUTS))
"""Columns, in lower case, that a reader may use; the others of large tables stay out of memory."""


def find_layout(
    columns: frozenset[str], label_column: str = "", class_map: ClassMap | None = None, stated_images: str = ""
) -> Layout | None:
    """Return the layout of a table, or None.

    Args:
        columns: of the table, in lower case.
        label_column: the only column that may have the labels, in lower case; empty to look for one.
        class_map: see `export.data.layouts.plain.text_label`; it applies to one column.
        stated_images: the only column that may name the images, in lower case; empty to look for one.
    """
    # Labels of lesions are joined with a table that names the images.
    of_lesions = "lesion_id" in columns and image_column(columns) is None
    if stated_images and stated_images not in columns and not of_lesions:
        return None
    # The stated column may have any name, and layouts are recognised by the usual ones.
    named = columns | {"image"} if stated_images in columns else columns
    known = next((one for own in (columns, named) for one in LAYOUTS if one.recognises(own)), None)
    if known is not None and not label_column and class_map is None:
        return known
    found = next((name for name in ((label_column,) if label_column else LABEL_COLUMNS) if name in columns), None)
    if found is None or image_column(columns, stated_images) is None:
        return None
    own = column_layout(found, class_map)
    # Image types and name of a known data set stay.
    return own if known is None else replace(known, label=own.label, uses=own.uses)
