"""Reader of other copies of the same images: full frames, resized or re-encoded files, other crops."""

import csv
from pathlib import Path

from export.errors import DataError


def read_copies(folder: Path, ids: set[str]) -> dict[str, list[tuple[Path, str]]]:
    """Read `folder/metadata.csv` with the columns `kind`, `file` and `isic_id`.

    Args:
        folder: contains the copies, in any subfolder.
        ids: identifiers of the images whose copies are returned.

    Returns:
        kind of copy -> pairs of file and isic_id.

    Raises:
        DataError: there is no metadata.csv, or a file that it names is missing.
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
