"""Image files below a folder, found by the names that tables have for them."""

import os
from collections.abc import Iterator
from pathlib import Path

from export.errors import DataError

SUFFIXES = frozenset(
    f".{suffix}" for suffix in ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "heic", "heif", "avif")
)


def image_paths(folder: Path) -> Iterator[Path]:
    """Yield the image files below a folder, sorted within each folder, without hidden files and folders.

    Raises:
        DataError: a folder cannot be listed, so that images would be missing without a word.
    """

    def refuse(error: OSError) -> None:
        # In the top folder of a disk; only the superuser may list it.
        if Path(error.filename).name == "lost+found":
            return
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}). Allow it to be read, or move it elsewhere."
        ) from error

    visited: set[str] = set()
    for current, names, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(current)
        if real in visited:
            # A link that leads back to a folder above it.
            names.clear()
            continue
        visited.add(real)
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(current, name)


def without_suffix(name: str) -> str:
    """Return the name of an image without the suffix of an image file, and with forward slashes."""
    text = name.strip().replace("\\", "/")
    stem, dot, suffix = text.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in SUFFIXES else text


class ImageFiles:
    """The image files below a folder.

    Attributes:
        folder: the folder.
        count: number of files.
    """

    def __init__(self, folder: Path) -> None:
        """List the files; where two have one name, the less deep one, and of these one in `images`, is found."""
        self.folder = folder
        self._by_name: dict[str, Path] = {}
        paths = list(image_paths(folder))
        self.count = len(paths)

        def order(path: Path) -> tuple[int, bool, str]:
            inner = path.relative_to(folder)
            # Beside the table or in `images`, where a download of the archive has them; the latter wins.
            depth = max(len(inner.parts) - 1, 1) if inner.parts[0] != "images" else 0
            return depth, len(inner.parts) == 1, str(inner)

        ordered = sorted(paths, key=order)
        for path in ordered:
            self._add(path.relative_to(folder).as_posix(), path)
        for path in ordered:
            for name in _tails(path.relative_to(folder).as_posix()):
                self._add(name, path)

    def _add(self, name: str, path: Path) -> None:
        self._by_name.setdefault(name, path)
        self._by_name.setdefault(without_suffix(name), path)

    def find(self, name: str) -> Path | None:
        """Return the file of a name, with its suffix or without, or None.

        Args:
            name: an absolute path, a path from the folder on, or a file name. A table may have the paths of its author's
                machine: then the file is found that has the most of the last folders in common with the path.
        """
        text = name.strip().replace("\\", "/").removeprefix("./")
        if (text.startswith("/") or ".." in text.split("/")) and (path := _existing(self.folder / text)):
            return path
        places = (place for tail in (text, *_tails(text)) for place in (tail, without_suffix(tail)))
        return next((self._by_name[place] for place in places if place in self._by_name), None)


def _tails(path: str) -> Iterator[str]:
    """Yield what remains of a path without its first folder, without its first two, and so on; last the file name."""
    parts = path.split("/")
    yield from ("/".join(parts[start:]) for start in range(1, len(parts)))


def _existing(path: Path) -> Path | None:
    """Return the image file of a path that may lack its suffix, or None."""
    if path.suffix.lower() in SUFFIXES:
        return path if path.is_file() else None
    named = (path.with_name(path.name + written) for suffix in sorted(SUFFIXES) for written in (suffix, suffix.upper()))
    return next((file for file in named if file.is_file()), None)
