"""A gallery of samples in a temporary folder."""

import json
from pathlib import Path

ENTRY = {
    "id": "one",
    "title": "Sample 1",
    "diagnosis": "nevus",
    "malignant": False,
    "image": "/samples/one.jpg",
    "thumbnail": "/samples/thumbnails/one.webp",
    "source": "An archive",
    "licence": "CC0 1.0",
}


def write_gallery(folder: Path, *entries: object, images: tuple[str, ...] = ("one",)) -> Path:
    """Write samples.json with these entries, and a file for each name, into `folder`; return the folder."""
    (folder / "samples.json").write_text(json.dumps(entries))
    for name in images:
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder
