"""Other copies of the same photographs: full frames, squashed or re-encoded files, other crops."""

import csv
from pathlib import Path

from export.errors import DataError


def read_copies(folder: Path, ids: set[str]) -> dict[str, list[tuple[Path, str]]]:
    """Kind of copy -> (file, isic_id) of those photographs.

    Raises:
        DataError: no metadata.csv, or a file that it names is missing.
    """
    source = folder / "metadata.csv"
    if not source.is_file():
        raise DataError(f"{source} does not exist. Point --copies at a folder with metadata.csv and the copies.")
    files = {path.name: path for path in folder.rglob("*.*")}
    kinds: dict[str, list[tuple[Path, str]]] = {}
    with source.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["isic_id"] in ids:
                if row["file"] not in files:
                    raise DataError(f"{source} names {row['file']}, which is not below {folder}.")
                kinds.setdefault(row["kind"], []).append((files[row["file"]], row["isic_id"]))
    return kinds
