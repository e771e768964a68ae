"""Whether a command can write to its `--out`, which is checked before hours of work and not after them."""

import os
from pathlib import Path

from export.errors import ReportError


def require_folder(folder: Path) -> None:
    """Check that files can be written in a folder, which need not exist yet. Nothing is created.

    Raises:
        ReportError: it is a file or below one, or the folder, or the one in which it would be created, is not writable.
    """
    existing = folder
    # A dangling link exists as a name: no folder can be created there.
    while not os.path.lexists(existing):
        existing = existing.parent
    if not existing.is_dir():
        raise ReportError(f"{existing} is a file. Name a folder with --out.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ReportError(f"{existing} is not writable. Name another place with --out.")


def require_file(path: Path) -> None:
    """Check that a file can be written, which may exist.

    Raises:
        ReportError: the path is a folder; also see `require_folder`.
    """
    if path.is_dir():
        raise ReportError(f"{path} is a folder. Name a file with --out, such as {path / 'lesion.onnx'}.")
    require_folder(path.parent)
