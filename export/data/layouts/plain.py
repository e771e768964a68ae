"""Tables with a file and a label in each row, folders that are named after classes, and labels by a class map."""

from export.data.diagnoses import diagnosis_code
from export.data.labels import ALL_CLASSES
from export.data.layouts.layout import INDETERMINATE, NO_LABEL, Label, Layout, image_column
from export.data.layouts.own_classes import ClassMap

LABEL_COLUMNS = ("label", "class", "diagnosis", "dx", "category", "target", "benign_malignant", "malignant", "diagnostic")
"""In the order in which they are looked for."""

_SIDES = {
    "benign": False,
    "malignant": True,
    "0": False,
    "1": True,
    "0.0": False,
    "1.0": True,
    "false": False,
    "true": True,
    "no": False,
    "yes": True,
}
_NO_LABELS = frozenset({"", "unknown", "unk", "none", "n/a", "na"})


def text_label(text: str, class_map: ClassMap | None = None) -> Label:
    """Return what a label means: "benign", "malignant", 0, 1, a diagnosis, or what the class map says.

    Args:
        text: the label, or the name of a class's folder.
        class_map: of `--class-map`; replaces the meanings above.
    """
    name = text.strip().lower()
    if class_map is not None:
        return class_map.label(text)
    if name in _SIDES:
        return Label(_SIDES[name])
    if name in _NO_LABELS:
        return Label(None, reason=NO_LABEL)
    if name.startswith("indeterminate"):
        return Label(None, reason=INDETERMINATE)
    diagnosis = diagnosis_code(name)
    return Label(ALL_CLASSES[diagnosis], diagnosis) if diagnosis else Label(None, unknown=text)


def column_layout(column: str, class_map: ClassMap | None) -> Layout:
    """Return the layout of a table whose labels are in one column.

    Args:
        column: its name, in lower case.
        class_map: see `text_label`.
    """
    return Layout(
        f"column {column}",
        recognises=lambda columns: column in columns and image_column(columns) is not None,
        label=lambda row: text_label(row.get(column, ""), class_map),
        uses=frozenset({column}),
    )
