"""Class maps: a file that says for each label of a table which class it is, and whether that is malignant.

As CSV with the columns `label`, `malignant` and, optionally, `class`, which joins several labels:

    label,malignant,class
    spitz,no,nevus
    merkel cell carcinoma,yes,
    rash,,              (images with this label are left out)

or as JSON: {"spitz": {"malignant": false, "class": "nevus"}, "merkel cell carcinoma": true, "rash": null}.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.data.layouts.layout import BY_CLASS_MAP, NO_LABEL, Label
from export.data.text_table import read_text_table
from export.errors import DataError

_SIDES: Mapping[str, bool | None] = {
    **dict.fromkeys(("yes", "true", "1", "malignant"), True),
    **dict.fromkeys(("no", "false", "0", "benign"), False),
    **dict.fromkeys(("", "leave out"), None),
}


@dataclass(frozen=True)
class ClassMap:
    """Meaning of the labels of a table.

    Attributes:
        classes: label in lower case -> code of the class, and whether it is malignant; None leaves its images out.
    """

    classes: Mapping[str, tuple[str, bool | None]]

    def label(self, text: str) -> Label:
        """Return what a label means; one that the map lacks is unknown, and an empty one is no label."""
        if not text.strip():
            return Label(None, reason=NO_LABEL)
        code, malignant = self.classes.get(text.strip().lower(), ("", None))
        if not code:
            return Label(None, unknown=text)
        return Label(malignant, code) if malignant is not None else Label(None, reason=BY_CLASS_MAP)


def read_class_map(path: Path) -> ClassMap:
    """Read a class map.

    Raises:
        DataError: the file cannot be read, a side is neither malignant nor benign, or one class is on both sides.
    """
    pairs = list(_json_entries(path) if path.suffix.lower() == ".json" else _csv_entries(path))
    classes: dict[str, tuple[str, bool | None]] = {}
    sides: dict[str, bool] = {}
    for label, malignant, name in pairs:
        code = re.sub(r"[^a-z0-9]+", "_", (name or label).lower()).strip("_")
        if not code:
            raise DataError(f"{path} has the class {name or label!r}, which has no letter. Give it another name.")
        if malignant is not None and sides.setdefault(code, malignant) != malignant:
            raise DataError(f"{path} says that {code} is malignant and that it is benign. Keep one.")
        if classes.setdefault(label.strip().lower(), (code, malignant)) != (code, malignant):
            raise DataError(f"{path} has the label {label!r} twice. Keep one.")
    if not sides:
        raise DataError(f"{path} has no label that is malignant or benign.")
    return ClassMap(classes)


def _csv_entries(path: Path) -> Iterator[tuple[str, bool | None, str]]:
    table = read_text_table(path)
    for column in ("label", "malignant"):
        if column not in table.columns:
            raise DataError(
                f"{path} has no column `{column}`. A class map has label, malignant and, optionally, class. "
                f"{table.columns_found()}"
            )
    for row in table.rows:
        yield row["label"], _side(row["malignant"], path), row.get("class", "")


def _json_entries(path: Path) -> Iterator[tuple[str, bool | None, str]]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a class map: JSON with label -> malignant ({error}).") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} is not a class map: write a JSON object with label -> malignant.")
    entries: list[tuple[str, Any]] = list(values.items())
    for label, value in entries:
        meaning = value if isinstance(value, dict) else {"malignant": value}
        malignant = meaning.get("malignant")
        yield label, _side("" if malignant is None else str(malignant), path), str(meaning.get("class") or "")


def _side(text: str, path: Path) -> bool | None:
    try:
        return _SIDES[text.strip().lower()]
    except KeyError:
        raise DataError(
            f"{path} has {text!r} as malignant. Write yes or no, or nothing for labels whose images are left out."
        ) from None
