"""Open TIFF files so that Pillow's pixels are right, and refuse pixel types that it does not read, by their name."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from struct import pack
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImagePalette, TiffImagePlugin, UnidentifiedImageError

from lesion.errors import UnsupportedFormat
from lesion.imaging import tiff_directory as tags
from lesion.imaging.tiff_directory import Directory, check_not_camera_raw, read_first_directory

_MAX_SAMPLES = 8
_SAMPLE_FORMATS = {1: "integer", 2: "signed integer", 3: "floating point", 4: "untyped", 5: "complex", 6: "complex"}
_PHOTOMETRIC = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
}
_PHOTOMETRIC |= {32844: "LogL", 32845: "LogLuv", 51177: "depth map"}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6

Grey16 = npt.NDArray[Any]
To8Bit = Callable[[Grey16], npt.NDArray[np.uint8]]


def grey16_to_8bit(pixels: Grey16) -> npt.NDArray[np.uint8]:
    """Return the upper 8 of 16 bits; Pillow's own conversion clips at 255 instead."""
    return (pixels >> 8).astype(np.uint8)


@dataclass(frozen=True)
class TiffFile:
    """A checked TIFF file.

    Attributes:
        data: the file, for Pillow.
        to_8bit: converts the pixels of Pillow's 16-bit modes.
        directory: of the first image; None if it is not complete.
    """

    data: bytes
    to_8bit: To8Bit
    directory: Directory | None

    def open(self) -> ImageFile.ImageFile:
        """Return the image, not yet decoded.

        Raises:
            UnsupportedFormat: the directory is sound, but Pillow does not read such pixels.
            UnidentifiedImageError: the file is corrupt. Pillow raises further kinds of exception.
        """
        try:
            image = Image.open(BytesIO(self.data), formats=["TIFF"])
        except UnidentifiedImageError:
            self._raise_if_sound()
            raise
        if self.directory:
            _choose_decoder(image, self.directory)
        return image

    def _raise_if_sound(self) -> None:
        found = self.directory
        if not found or not found.first(tags.WIDTH, 0) or not found.first(tags.HEIGHT, 0):
            return
        if found.values.keys() & {tags.STRIP_OFFSETS, tags.TILE_OFFSETS} and _is_known_layout(found):
            raise UnsupportedFormat(_sentence(_name(found)))


def check_tiff_pixels(data: bytes) -> TiffFile:
    """Check the kind of pixels in a TIFF before Pillow opens it.

    Args:
        data: the whole file.

    Raises:
        UnsupportedFormat: a camera raw file, a compression that is not supported, or pixels without a defined brightness:
            floating point, signed, complex, or integers of more than 16 bits.
    """
    first = read_first_directory(data)
    if first is None:
        # Pillow finds the error.
        return TiffFile(data, grey16_to_8bit, None)
    check_not_camera_raw(data, first)
    compression = first.first(tags.COMPRESSION, 1)
    if compression not in TiffImagePlugin.COMPRESSION_INFO:
        raise UnsupportedFormat(
            f"This TIFF has compression {compression}, which is not supported. Save the image as 8-bit RGB."
        )
    bits = max(first.values.get(tags.BITS, (1,)))
    if _is_known_layout(first) and (bits > 16 or first.first(tags.SAMPLE_FORMAT, 1) != 1):
        raise UnsupportedFormat(_sentence(_name(first)))
    if bits not in (12, 16):
        return TiffFile(data, grey16_to_8bit, first)
    is_inverted = first.first(tags.PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
    if is_inverted and tags.PHOTOMETRIC in first.places:
        # Pillow ignores this interpretation of 16 bits in one byte order and rejects it in the other.
        place, form = first.places[tags.PHOTOMETRIC]
        value = pack(form, _BLACK_IS_ZERO)
        data = data[:place] + value + data[place + len(value) :]

    def to_8bit(pixels: Grey16) -> npt.NDArray[np.uint8]:
        upper = (pixels >> (bits - 8)).astype(np.uint8)
        return ~upper if is_inverted else upper

    return TiffFile(data, to_8bit, first)


def _choose_decoder(image: ImageFile.ImageFile, first: Directory) -> None:
    """Let libtiff read what Pillow itself would read as other pixels.

    Pillow reads uncompressed pixels itself, but separate planes only with 8 bits, subsampled colour not at all, and reversed
    bits only in some modes. Compressed ones are always read by libtiff.

    Raises:
        UnsupportedFormat: neither reads them.
    """
    samples, photometric = first.first(tags.SAMPLES, 1), first.first(tags.PHOTOMETRIC, _WHITE_IS_ZERO)
    is_planar = first.first(tags.PLANES, 1) == 2 and samples > 1
    is_raw = bool(image.tile) and image.tile[0].codec_name == "raw"
    extra = first.values.get(tags.EXTRA_SAMPLES, ())
    has_unknown_alpha = is_planar and photometric == _RGB and samples > 3 and not extra
    if has_unknown_alpha or (is_planar and (image.mode in ("LA", "PA", "La") or (any(extra) and len(extra) > 1))):
        raise UnsupportedFormat(_sentence(_name(first) + " in separate planes"))
    if image.mode == "La":
        raise UnsupportedFormat(_sentence(_name(first) + ", multiplied by its alpha"))
    if image.mode == "P" and isinstance(image, TiffImagePlugin.TiffImageFile):
        colours = image.tag_v2[TiffImagePlugin.COLORMAP]
        if max(colours) < 256:
            # Some programs write 8-bit values where TIFF has 16 bits; Pillow would make them all black.
            image.palette = ImagePalette.raw("RGB;L", bytes(colours))
    is_8bit = max(first.values.get(tags.BITS, (1,))) == 8
    is_premultiplied = 1 in extra
    is_subsampled = photometric == _YCBCR and first.values.get(tags.SUBSAMPLING, (2, 2)) != (1, 1)
    is_unusual_plane = is_planar and (not is_8bit or is_premultiplied or photometric == _YCBCR)
    if is_raw and (is_subsampled or is_unusual_plane or first.first(tags.FILL_ORDER, 1) == 2):
        _use_libtiff(image, first)


def _use_libtiff(image: Any, first: Directory) -> None:
    """Replace the tiles of an opened image by the one that Pillow makes of a compressed image (`TiffImageFile._setup`)."""
    samples, bits = first.first(tags.SAMPLES, 1), first.values.get(tags.BITS, (1,))
    bits = bits * samples if len(bits) == 1 else bits[:samples]
    extra = first.values.get(tags.EXTRA_SAMPLES, ())
    if first.first(tags.PLANES, 1) == 2 and extra and not any(extra):
        # Unspecified planes at the end are left out.
        bits, extra = bits[: -len(extra)], ()
    photometric = first.first(tags.PHOTOMETRIC, _WHITE_IS_ZERO)
    # libtiff returns whole bytes in the processor's order.
    mode, raw_mode = TiffImagePlugin.OPEN_INFO[image.tag_v2.prefix, photometric, (1,), 1, bits, extra]
    if photometric == _YCBCR:
        mode, raw_mode = "RGB", "RGBX"
    elif raw_mode == "I;16":
        raw_mode = "I;16N"
    elif raw_mode.endswith((";16B", ";16L")):
        raw_mode = raw_mode[:-1] + "N"
    image._mode, image.use_load_libtiff = mode, True
    width, height = first.first(tags.WIDTH, 0), first.first(tags.HEIGHT, 0)
    image.tile = [ImageFile._Tile("libtiff", (0, 0, width, height), 0, (raw_mode, False, image.tag_v2.offset))]


def _is_known_layout(found: Directory) -> bool:
    """Return whether the entries describe pixels of some program rather than being corrupt."""
    bits, samples = found.values.get(tags.BITS, (1,)), found.first(tags.SAMPLES, 1)
    return (
        samples <= _MAX_SAMPLES
        and len(bits) in (1, samples)
        and all(bit in (*range(1, 17), 24, 32, 64, 128) for bit in bits)
        and found.first(tags.PHOTOMETRIC, _WHITE_IS_ZERO) in _PHOTOMETRIC
        and found.first(tags.SAMPLE_FORMAT, 1) in _SAMPLE_FORMATS
        and found.first(tags.FILL_ORDER, 1) in (1, 2)
        and found.first(tags.PLANES, 1) in (1, 2)
    )


def _name(found: Directory) -> str:
    """Return the kind of pixels, such as `32-bit floating point RGB`."""
    samples, bits = found.first(tags.SAMPLES, 1), max(found.values.get(tags.BITS, (1,)))
    kind, colour = _SAMPLE_FORMATS[found.first(tags.SAMPLE_FORMAT, 1)], _PHOTOMETRIC[found.first(tags.PHOTOMETRIC, 0)]
    plural = f" with {samples} samples" if samples > 1 else ""
    reversed_bits = " in reversed bit order" if found.first(tags.FILL_ORDER, 1) == 2 else ""
    return f"{bits}-bit {kind} {colour}{plural}{reversed_bits}"


def _sentence(name: str) -> str:
    return f"Pixels of type {name} are not supported. Save the image as 8-bit RGB."
