"""Image files for tests, made or read."""

from io import BytesIO
from pathlib import Path

from PIL import Image


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    """`image` as a file of the format that `lesion.imaging.decode.FORMATS` calls `name`; all but HEIC, which nothing here writes."""
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def small(path: Path, width: int = 96, height: int = 72) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((width, height))
