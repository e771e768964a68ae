"""Groups of images that belong to one lesion or patient, and their assignment to train, val and test."""

import hashlib
from collections.abc import Sequence

from export.data.labels import LabelledImage
from export.data.text_table import Row
from export.errors import DataError

SPLITS = ("train", "val", "test")

_SYNONYMS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Name of a split in lower case, in the column `split` or of a folder -> one of `SPLITS`."""


def split_name(text: str) -> str | None:
    """Return the split of `SPLITS` that a text names, in any case or as one of its synonyms; None for another text."""
    return _SYNONYMS.get(text.strip().lower())


def group_names(table: Sequence[Row], ids: Sequence[str]) -> list[str]:
    """Return the group name of each row of a metadata table.

    The name is the row's `lesion_group`; without one, rows that are connected by a shared `lesion_id`, `patient_id` or
    `patient`, directly or through other rows, are one group (union-find). A row without any of these is its own group.

    Args:
        table: rows, by column name in lower case.
        ids: identifiers of their images.
    """
    parents: dict[tuple[int, str], tuple[int, str]] = {}

    def root(key: tuple[int, str]) -> tuple[int, str]:
        while parents.setdefault(key, key) != key:
            key = parents[key]
        return key

    row_keys = []
    for row in table:
        # Patients sort before lesions, which belong to them: the smallest key names the group.
        names = (row.get("patient_id") or row.get("patient"), row.get("lesion_id"))
        keys = [(order, name) for order, name in enumerate(names) if name]
        for other in keys[1:]:
            smaller, larger = sorted((root(keys[0]), root(other)))
            parents[larger] = smaller
        row_keys.append(keys[0] if keys else None)
    return [
        row.get("lesion_group") or (root(key)[1] if key else own) for row, key, own in zip(table, row_keys, ids, strict=True)
    ]


def assign_split(group: str) -> str:
    """Return train (80 %), val (10 %) or test (10 %) by the hash of a group's name, which is the same on every machine."""
    bucket = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) % 10
    return "val" if bucket == 8 else "test" if bucket == 9 else "train"


def require_disjoint_splits(rows: Sequence[LabelledImage], source: str) -> None:
    """Check the splits of images.

    Args:
        rows: the images.
        source: name of their table or tables, for the message.

    Raises:
        DataError: a split has another name than those of `SPLITS`, or a group is in two splits.
    """
    splits: dict[str, str] = {}
    for row in rows:
        if row.split not in SPLITS:
            raise DataError(f"{source} has the split {row.split!r}. Name it one of {', '.join(SPLITS)}, or leave it empty.")
        if splits.setdefault(row.group, row.split) != row.split:
            raise DataError(
                f"{source} has one lesion or patient, {row.group}, in {splits[row.group]} and {row.split}. Keep it in one."
            )


def select_split(rows: Sequence[LabelledImage], split: str) -> list[LabelledImage]:
    """Return the images of one split.

    Raises:
        DataError: there are none, or only malignant or only benign ones, so that nothing can be fitted or measured.
    """
    selected = [row for row in rows if row.split == split]
    labels = {row.malignant for row in selected}
    if len(labels) < 2:
        missing = "images" if not labels else "benign images" if labels == {True} else "malignant images"
        raise DataError(f"There are no {missing} in `{split}`. Both sides are needed there: see the column `split`.")
    return selected
