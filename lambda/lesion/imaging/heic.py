"""HEIC, which telephones write: decoded by libheif (pi_heif), and read from its memory a band of rows at a time.

pi_heif's plugin for Pillow copies all pixels, which of 48 megapixels is 200 MB more than there need be.
"""

from functools import cache
from typing import Any

from PIL import Image


class Heic:
    """The primary picture of a HEIC file; as much of `PIL.Image.Image` as `lesion.imaging.decode` needs.

    Attributes:
        size: width and height in pixels, upright: libheif turns pictures itself, and their EXIF says so no longer.
        info: what the file says of itself; a colour profile under `icc_profile`.
    """

    def __init__(self, data: bytes) -> None:
        """Read the file's header.

        Raises:
            ValueError: what it holds is no picture, and others of libheif's kinds.
        """
        check_item_names(data)
        file = library().HeifFile(data, convert_hdr_to_8bit=True, remove_stride=False)
        self._picture: Any = file[file.primary_index]
        self.size: tuple[int, int] = self._picture.size
        self.info: dict[str, Any] = self._picture.info

    def load(self) -> None:
        """Decode; the size is only certain afterwards."""
        self._picture.load()
        self.size = self._picture.size

    def crop(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Left, top, right, bottom of what was decoded, as a picture of its own."""
        left, top, right, bottom = box
        mode, stride = self._picture.mode, self._picture.stride
        rows = memoryview(self._picture.data)[top * stride : bottom * stride]
        band = Image.frombytes(mode, (self.size[0], bottom - top), rows, "raw", mode, stride)
        return band if (left, right) == (0, self.size[0]) else band.crop((left, 0, right, bottom - top))


@cache
def library() -> Any:
    """pi_heif, loaded with the first file that needs it."""
    # Few photographs need it, and loading it takes as long as judging one.
    import pi_heif

    # Only the primary picture is ever looked at.
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    return pi_heif


def check_item_names(data: bytes) -> None:
    """Refuse files that would end the process: pi_heif (1.4.0) does not survive an item's type or name not in UTF-8.

    Every infe box (ISO 14496-12, 8.11.6) is looked at wherever it stands, rather than where a well-made file has it.

    Raises:
        ValueError: such an item; UnicodeDecodeError is one.
    """
    at = data.find(b"infe")
    while at != -1:
        size = int.from_bytes(data[at - 4 : at])
        # 1 announces a longer size field, 0 a box up to the file's end; by chance, in pixels, the four letters come
        # with a possible size before them once in many millions of files.
        if size < 2 or 12 <= size <= len(data) - at + 4:
            start = at + (16 if size == 1 else 8)
            item = data[start + (6 if data[start - 4 : start - 3] > b"\2" else 4) : at - 4 + size if size > 1 else None]
            # The type has four bytes of its own: a character may not reach from it into the name.
            item[:4].decode()
            item[4:].decode()
        at = data.find(b"infe", at + 1)
