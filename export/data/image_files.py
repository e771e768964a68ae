"""Image files below a folder, found by the names that tables have for them."""

import os
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = frozenset(
    f".{suffix}" for suffix in ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "heic", "heif", "avif")
)


def image_paths(folder: Path) -> Iterator[Path]:
    """Yield the image files below a folder, sorted within each folder, without hidden files and folders."""
    visited: set[str] = set()
    for current, names, files in os.walk(folder, followlinks=True):
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

        for path in sorted(paths, key=order):
            inner = path.relative_to(folder).as_posix()
            for name in (inner, path.name, without_suffix(inner), path.stem):
                self._by_name.setdefault(name, path)

    def find(self, name: str) -> Path | None:
        """Return the file of a name: a path below the folder or an absolute one, a file name, with its suffix or without."""
        text = name.strip().replace("\\", "/").removeprefix("./")
        if text.startswith("/"):
            absolute = Path(text)
            return absolute if absolute.suffix.lower() in SUFFIXES and absolute.is_file() else self.find(absolute.name)
        # A table may have the path of its author's folder.
        places = (text, without_suffix(text), text.rpartition("/")[2], without_suffix(text.rpartition("/")[2]))
        return next((self._by_name[place] for place in places if place in self._by_name), None)
