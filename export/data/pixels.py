"""Pixels of image files, decoded as the service does."""

from pathlib import Path

from lesion.errors import RequestError
from lesion.imaging.decode import Pixels, decode

from export.errors import DataError


def read_pixels(path: Path, *, at_least: int) -> Pixels:
    """Decode one file as the service does.

    Args:
        path: image file.
        at_least: lower limit in pixels of the shorter side of a reduced JPEG; see `lesion.imaging.decode.decode`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    try:
        return decode(path.read_bytes(), at_least=at_least).pixels
    except (RequestError, OSError) as error:
        raise DataError(f"{path} cannot be read. {error}") from error
