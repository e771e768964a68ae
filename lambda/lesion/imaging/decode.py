"""Decode image files to upright sRGB pixels: sniff the format, check limits, decode, orient, convert colours.

Training, evaluation and serving all read images through `decode`; no other module of the project opens an image. The bytes
are untrusted: the format is decided by content, only that format's decoder reads them, and the pixel count in the header is
checked before anything is decompressed.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.colour import list_profiles, to_srgb
from lesion.imaging.formats import sniff_format
from lesion.imaging.heic import HeicImage
from lesion.imaging.preflight import check_jpeg, check_tiff
from lesion.imaging.tiff import To8Bit, check_tiff_pixels, grey16_to_8bit

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
"""Width times height, from the header. Full-resolution modes of current phones have 48-50 megapixels."""

MAX_PIXELS_BY_KIND = {"webp": 20_000_000, "avif": 24_000_000, "jpeg_cmyk": 36_000_000, "bmp_rle": 4_000_000}
"""Lower limits by format, format and pixel mode, or decoder. Decoding holds a WebP four times, an AVIF three times and a
progressive JPEG twice, which takes 300 MB at these limits. Pillow reads run-length encoded BMP in Python: 50 megapixels
took 7 s."""

MIN_REDUCED_SIDE = 512
"""Default of `decode(at_least=…)`, in pixels."""

_PILLOW_NAME = {"WebP": "WEBP"}
# EXIF 2.3, tag 274: the transposition that turns the stored rows and columns upright.
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_MAX_ASPECT_RATIO = 3
"""Longer side divided by shorter side of the result. Odd, so that the centre square stays where it is."""
_BAND_ROWS = 32
"""Rows per band after reduction."""

# `decode` checks the limit from the header; Pillow's own guard would warn below it and raise only at twice its value.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: uint8, H x W x 3, sRGB, upright; may be smaller than the original (see `decode`).
        width: of the original in pixels, upright.
        height: likewise.
        format: one of `lesion.imaging.formats.FORMATS`.
    """

    pixels: Pixels
    width: int
    height: int
    format: str


def decode(data: bytes, *, at_least: int = MIN_REDUCED_SIDE) -> DecodedImage:
    """Return the upright sRGB pixels of an image file.

    Large images are reduced by an integer factor, because the network needs no more: the shorter side never falls below
    `at_least`. JPEGs are reduced while decoding (DCT scaling, Pillow's `draft`), other formats by box averaging. Of images
    longer than `_MAX_ASPECT_RATIO` only the middle is returned, because reduction cannot make them small and the network
    sees only the centre square.

    Args:
        data: the whole file in any of `lesion.imaging.formats.FORMATS`. Of animations and multi-page files, the first frame
            is decoded.
        at_least: shortest side in pixels that reduction may leave. Serving passes twice the network's input size.

    Raises:
        UnsupportedFormat: not one of these formats, or camera raw, HDR, or a pixel type that is not
            supported (12-bit JPEG, 32-bit TIFF); the message names it.
        TooLarge: more pixels than `MAX_PIXELS` or `MAX_PIXELS_BY_KIND` allow, or a TIFF with a very large tile or strip.
        InvalidImage: truncated or corrupt.
    """
    name = sniff_format(data)
    try:
        if name == "HEIC":
            return _decode_heic(data, at_least)
        if name == "JPEG":
            check_jpeg(data)
        return _decode_with_pillow(data, name, at_least)
    except (UnsupportedFormat, TooLarge):
        raise
    except Exception as error:
        # Decoders raise a dozen kinds of exception on corrupt bytes (OSError, SyntaxError, struct.error, ValueError, …),
        # and the answer is the same for all of them.
        raise InvalidImage(
            f"This {name} file is truncated or corrupt. Send the original image again, or save it again as JPEG."
        ) from error


def _decode_with_pillow(data: bytes, name: str, at_least: int) -> DecodedImage:
    tiff = check_tiff_pixels(data) if name == "TIFF" else None
    with tiff.open() if tiff else Image.open(BytesIO(data), formats=[_PILLOW_NAME.get(name, name)]) as image:
        width, height = image.size
        kinds = {tile.codec_name for tile in image.tile} | {name.lower(), f"{name}_{image.mode}".lower()}
        _check_size(width, height, min(MAX_PIXELS_BY_KIND.get(kind, MAX_PIXELS) for kind in kinds))
        if "libtiff" in kinds:
            tags = image.tag_v2  # type: ignore[attr-defined]  # only TIFF has this decoder
            # Not `image.size`, which is that of the upright image, while tiles and strips are as stored.
            check_tiff(tags, tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT])
        profiles = list_profiles(name, data, image.info)
        # A no-op for every format but JPEG.
        image.draft(None, (at_least, at_least))
        image.load()
        orientation = _orientation(image)
        if orientation in _SIDEWAYS:
            width, height = height, width
        upright = _reduce(image, at_least, tiff.to_8bit if tiff else grey16_to_8bit)
        if orientation in _TRANSPOSE:
            upright = upright.transpose(_TRANSPOSE[orientation])
        return DecodedImage(np.asarray(to_srgb(upright, profiles)), width, height, name)


def _decode_heic(data: bytes, at_least: int) -> DecodedImage:
    image = HeicImage(data)
    _check_size(*image.size, MAX_PIXELS)
    profiles = list_profiles("HEIC", data, image.info)
    image.load()
    upright = to_srgb(_reduce(image, at_least), profiles)
    return DecodedImage(np.asarray(upright), *image.size, "HEIC")


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise TooLarge(
            f"The image has {width} x {height} pixels; at most {most // 1_000_000} megapixels are accepted. "
            "Make it smaller and send it again."
        )


def _to_8bit(image: Image.Image, convert_16: To8Bit) -> Image.Image:
    """Convert any Pillow mode to 8-bit L, LA, RGB, RGBA or CMYK; 16-bit modes with `convert_16`."""
    if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        # A PNG may declare one grey level or one colour as transparent.
        return image.convert("RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray(convert_16(np.asarray(image)))
    if image.mode in ("P", "PA", "La", "RGBa"):
        return image.convert("RGBA")
    if image.mode in ("1", "RGBX", "YCbCr", "HSV"):
        return image.convert("RGB")
    raise UnsupportedFormat(f"Pixels of type {image.mode} have no defined brightness. Save the image as 8-bit RGB.")


def _reduce(image: Image.Image | HeicImage, at_least: int, convert_16: To8Bit = grey16_to_8bit) -> Image.Image:
    """Return the 8-bit pixels, reduced by an integer factor; of very long images, the middle."""
    width, height = image.size
    longest = _MAX_ASPECT_RATIO * min(width, height)
    if max(width, height) > longest:
        left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
        image = image.crop((left, top, left + min(width, longest), top + min(height, longest)))
    factor = min(image.size) // at_least
    if factor <= 1:
        return _to_8bit(image.crop((0, 0, *image.size)) if isinstance(image, HeicImage) else image, convert_16)
    # One band at a time: every step makes a copy, and a copy of 50 megapixels takes 200 MB.
    width, height = image.size
    rows = factor * _BAND_ROWS
    boxes = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    bands = [_to_8bit(image.crop(box), convert_16).reduce(factor) for box in boxes]
    reduced = Image.new(bands[0].mode, (bands[0].width, -(-height // factor)))
    for number, band in enumerate(bands):
        reduced.paste(band, (0, number * _BAND_ROWS))
    return reduced


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Malformed EXIF data counts as none, because the pixels were decoded.
        return 1
