"""Decode HEIC, the format of many phones, with libheif (pi_heif), and read its pixels a band of rows at a time.

pi_heif's own plugin for Pillow copies all pixels, which costs another 200 MB for 48 megapixels.
"""

from functools import cache
from typing import Any

from PIL import Image


class HeicImage:
    """The primary image of a HEIC file, with the part of `PIL.Image.Image` that `lesion.imaging.decode` needs.

    Attributes:
        size: width and height in pixels, upright: libheif applies the rotation and removes it from the EXIF data.
        info: metadata of the file; a colour profile is under `icc_profile`.
    """

    def __init__(self, data: bytes) -> None:
        """Read the file's header.

        Args:
            data: the whole file.

        Raises:
            ValueError: the file contains no image. libheif raises further kinds of exception.
        """
        check_item_names(data)
        file = load_pi_heif().HeifFile(data, convert_hdr_to_8bit=True, remove_stride=False)
        self._primary: Any = file[file.primary_index]
        self.size: tuple[int, int] = self._primary.size
        self.info: dict[str, Any] = self._primary.info

    def load(self) -> None:
        """Decode the pixels; only then is `size` certain.

        Raises:
            ValueError: the image is truncated or corrupt. libheif raises further kinds of exception.
        """
        self._primary.load()
        self.size = self._primary.size

    def crop(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Return a rectangle of the decoded pixels.

        Args:
            box: left, top, right and bottom in pixels.
        """
        left, top, right, bottom = box
        mode, stride = self._primary.mode, self._primary.stride
        rows = memoryview(self._primary.data)[top * stride : bottom * stride]
        band = Image.frombytes(mode, (self.size[0], bottom - top), rows, "raw", mode, stride)
        return band if (left, right) == (0, self.size[0]) else band.crop((left, 0, right, bottom - top))


@cache
def load_pi_heif() -> Any:
    """Return the module pi_heif, imported on the first call."""
    # Few images are HEIC, and importing the module takes as long as classifying one.
    import pi_heif

    # Only the primary image is used.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    return pi_heif


def check_item_names(data: bytes) -> None:
    """Reject files with an item type or name that is not UTF-8, because pi_heif 1.4.0 crashes the process on them.

    Every `infe` box (ISO 14496-12, 8.11.6) is checked wherever it is, also where a well-formed file has none.

    Args:
        data: the whole file.

    Raises:
        ValueError: there is such an item; it is a UnicodeDecodeError.
    """
    at = data.find(b"infe")
    while at != -1:
        size = int.from_bytes(data[at - 4 : at])
        # 1 announces a longer size field, 0 a box up to the file's end. Among pixels, the four letters follow a possible
        # size by chance once in many millions of files.
        if size < 2 or 12 <= size <= len(data) - at + 4:
            start = at + (16 if size == 1 else 8)
            item = data[start + (6 if data[start - 4 : start - 3] > b"\2" else 4) : at - 4 + size if size > 1 else None]
            # The type has four bytes of its own: no character may extend from it into the name.
            item[:4].decode()
            item[4:].decode()
        at = data.find(b"infe", at + 1)
