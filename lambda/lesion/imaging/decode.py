"""Bytes -> upright RGB pixels: sniff, limits, decode, orientation, colour.

Training, evaluation and serving all read photographs through `decode`; nothing else in the project opens an image.
Bytes come from strangers: the format is decided by content, only that format's decoder sees them, and the pixel count
is checked from the header before anything is decompressed.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.heic import Heic
from lesion.imaging.preflight import check_jpeg, check_tiff

Pixels = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "HEIC", "AVIF")
"""What `decode` reads, as the names that `Photograph.format` can have."""

MAX_PIXELS = 50_000_000
"""Width times height, from the header. Full-resolution modes of present phones give 48-50 megapixels."""

MAX_PIXELS_OF = {"webp": 20_000_000, "avif": 24_000_000, "jpeg_cmyk": 36_000_000, "bmp_rle": 4_000_000}
"""The same where reading needs more than the pixels, by format, kind of pixels or decoder: WebP is held four times, AVIF
three times and a progressive JPEG twice while it is decoded, which is 300 MB here, and run lengths of BMP are read in
Python, where 50 megapixels took 7 s."""

MIN_REDUCED_SIDE = 512
"""Default of `decode(at_least=…)`."""

_PILLOW_NAME = {"WebP": "WEBP"}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# EXIF 2.3, tag 274: how the stored rows and columns must be turned to stand upright.
_TURN = {
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
_LONGEST = 3
"""How many times as long as wide pixels may come out. Odd, so that the middle square stays where it is."""
_BAND = 32
"""Rows that are reduced at a time, counted afterwards."""
_SRGB = ImageCms.createProfile("sRGB")

# The cap is checked by `decode` from the header; Pillow's own guard would warn below it and raise only at twice its value.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Photograph:
    """A decoded photograph.

    Attributes:
        pixels: uint8, H x W x 3, sRGB, upright; may be smaller than the original (see `decode`).
        width, height: of the original in pixels, after orientation.
        format: one of `FORMATS`.
    """

    pixels: Pixels
    width: int
    height: int
    format: str


def sniff(data: bytes) -> str:
    """Name the image format by the first bytes, whatever name or header the file came with.

    Raises:
        UnsupportedFormat: none of `FORMATS`.
    """
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM":
        return "BMP"
    if data[4:8] == b"ftyp":
        # The major brand may be generic (mif1) while the compatible brands name the codec, so all are looked at.
        brands = [data[8:12], *(data[i : i + 4] for i in range(16, min(int.from_bytes(data[:4]), 128), 4))]
        if any(brand in (b"avif", b"avis") for brand in brands):
            return "AVIF"
        if any(brand in _HEIC_BRANDS for brand in brands):
            return "HEIC"
    raise UnsupportedFormat(f"This file is not a picture that can be read here. Send one of: {', '.join(FORMATS)}.")


def decode(data: bytes, *, at_least: int = MIN_REDUCED_SIDE) -> Photograph:
    """Decode a photograph to upright sRGB pixels.

    Large images come out reduced by a whole factor, because nothing downstream looks at more: the shorter side never
    falls below `at_least`. JPEGs are reduced while decoding (DCT scaling, Pillow's `draft`), others by box averaging.
    Of very long ones only the middle comes out, because they cannot be reduced, and only the middle square is looked at.

    Args:
        data: the file's bytes, any of `FORMATS`; animations and multi-page files give their first frame.
        at_least: shortest side in pixels that reduction may leave. Serving asks for twice the network's input size.

    Raises:
        UnsupportedFormat: not one of `FORMATS`, or a pixel type without a defined brightness (32-bit TIFF).
        TooLarge: more than `MAX_PIXELS` pixels, or stored in pieces that are too large to be read.
        InvalidImage: truncated or corrupt.
    """
    name = sniff(data)
    try:
        if name == "JPEG":
            check_jpeg(data)
        if name == "HEIC":
            return _decode_heic(data, at_least)
        with Image.open(BytesIO(data), formats=[_PILLOW_NAME.get(name, name)]) as image:
            width, height = image.size
            kinds = {tile.codec_name for tile in image.tile} | {name.lower(), f"{name}_{image.mode}".lower()}
            _check_size(width, height, min(MAX_PIXELS_OF.get(kind, MAX_PIXELS) for kind in kinds))
            if "libtiff" in kinds:
                tags = image.tag_v2  # type: ignore[attr-defined]  # only TIFF has this decoder
                # Not `image.size`, which is that of the picture turned upright, while pieces lie as they are stored.
                check_tiff(tags, tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT])
            # A no-op for every format but JPEG.
            image.draft(None, (at_least, at_least))
            image.load()
            orientation = _orientation(image)
            if orientation in _SIDEWAYS:
                width, height = height, width
            upright = _reduce(image, at_least)
            if orientation in _TURN:
                upright = upright.transpose(_TURN[orientation])
            return Photograph(np.asarray(_to_srgb(upright, image.info.get("icc_profile"))), width, height, name)
    except (UnsupportedFormat, TooLarge):
        raise
    except Exception as error:
        # Decoders raise a dozen kinds of exception on hostile bytes (OSError, SyntaxError, struct.error, ValueError, …);
        # whichever it is, the bytes are at fault and the answer is the same.
        raise InvalidImage(
            f"This {name} file is damaged or incomplete. Send the original photograph again, or save it anew as JPEG."
        ) from error


def _decode_heic(data: bytes, at_least: int) -> Photograph:
    image = Heic(data)
    _check_size(*image.size, MAX_PIXELS)
    image.load()
    upright = _to_srgb(_reduce(image, at_least), image.info.get("icc_profile"))
    return Photograph(np.asarray(upright), *image.size, "HEIC")


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise TooLarge(
            f"The image has {width} x {height} pixels; at most {most // 1_000_000} megapixels are read here. "
            "Make it smaller and send it again."
        )


def _plain_mode(image: Image.Image) -> Image.Image:
    """Bring every pixel type to L, LA, RGB, RGBA or CMYK with 8 bits."""
    if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        # A PNG may name one grey or one colour that is transparent.
        return image.convert("RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("P", "PA", "La", "RGBa"):
        return image.convert("RGBA")
    if image.mode in ("1", "RGBX", "YCbCr", "HSV"):
        return image.convert("RGB")
    raise UnsupportedFormat(f"Pixels of type {image.mode} have no defined brightness here. Save the picture as 8-bit RGB.")


def _reduce(image: Image.Image | Heic, at_least: int) -> Image.Image:
    """The pixels in a plain mode, reduced; of very long pictures, the middle."""
    width, height = image.size
    longest = _LONGEST * min(width, height)
    if max(width, height) > longest:
        left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
        image = image.crop((left, top, left + min(width, longest), top + min(height, longest)))
    factor = min(image.size) // at_least
    if factor <= 1:
        return _plain_mode(image.crop((0, 0, *image.size)) if isinstance(image, Heic) else image)
    # A band at a time: every step makes a copy, and of 50 megapixels one has 200 MB.
    width, height = image.size
    rows = factor * _BAND
    bands = [
        _plain_mode(image.crop((0, top, width, min(top + rows, height)))).reduce(factor) for top in range(0, height, rows)
    ]
    reduced = Image.new(bands[0].mode, (bands[0].width, -(-height // factor)))
    for number, band in enumerate(bands):
        reduced.paste(band, (0, number * _BAND))
    return reduced


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Broken EXIF is no EXIF: the picture itself decoded.
        return 1


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Flatten onto white and convert to sRGB; a broken profile, or one for another colour space, counts as none."""
    if image.mode in ("LA", "RGBA"):
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                converted = ImageCms.profileToProfile(
                    image, source, _SRGB, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")
