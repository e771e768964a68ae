"""Folders of images that are no lesions: a fixed half of each may fit refusal limits, the other half is reported."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from export.errors import DataError


def list_ood_images(folder: Path) -> list[Path]:
    """Return the files of a folder, searched recursively, in order.

    Raises:
        DataError: there are none.
    """
    files = sorted(path for path in folder.rglob("*.*") if path.is_file())
    if not files:
        raise DataError(f"{folder} has no images. Name a folder with images that are no lesions.")
    return files


def fits_limits(path: Path) -> bool:
    """Return whether an image is in the half that fits limits. It follows from the file's name alone."""
    return hashlib.sha256(path.name.encode()).digest()[0] < 128


def fitting_half(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Return folder name -> the images that fit limits.

    Raises:
        DataError: a folder has none.
    """
    halves = {folder.name: [path for path in list_ood_images(folder) if fits_limits(path)] for folder in folders}
    for name, paths in halves.items():
        if not paths:
            raise DataError(
                f"None of the images of {name} fits limits: half of them does, by a hash of their names. Add images."
            )
    return halves
