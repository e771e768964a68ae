"""Image files: encoding of test images, and small files of every supported format."""

import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.paths import PHONE_IMAGES, SAMPLES


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    """Return `image` as a file of a format of `lesion.imaging.formats.FORMATS`, except HEIC, which Pillow does not write."""
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def png_with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with further chunks, type and content, after its header."""
    at = 8 + 25
    added = b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4) for kind, content in chunks
    )
    return data[:at] + added + data[at:]


def with_coding_points(data: bytes, primaries: int, transfer: int) -> bytes:
    """Return a HEIC or AVIF with other code points (ISO/IEC 14496-12, 12.1.5)."""
    at = data.index(b"colrnclx") + 8
    return data[:at] + primaries.to_bytes(2) + transfer.to_bytes(2) + data[at + 4 :]


def small(path: Path, width: int = 96, height: int = 72) -> Image.Image:
    """Return the image at `path`, resized."""
    with Image.open(path) as image:
        return image.convert("RGB").resize((width, height))


def understated_avif(side: int) -> bytes:
    """Return a uniform AVIF image of `side` x `side` pixels that declares 10 x 10."""
    data = bytearray(
        encode(Image.new("RGB", (side, side), (150, 110, 90)), "AVIF", quality=30, speed=10, subsampling="4:4:4")
    )
    # ispe, ISO/IEC 23008-12, 6.5.3: version and flags, width, height.
    at = data.index(b"ispe") + 8
    data[at : at + 8] = (10).to_bytes(4, "big") * 2
    return bytes(data)


@cache
def small_files() -> tuple[tuple[str, bytes], ...]:
    """Return name and content of small files: every format, with and without EXIF, progressive scans, palettes and tiles."""
    image = small(SAMPLES / "ISIC_0000030.jpg")
    exif = Image.Exif()
    exif[274] = 6
    exif[271] = "camera"
    files = {
        "JPEG": encode(image, "JPEG", exif=exif),
        "JPEG progressive": encode(image, "JPEG", progressive=True, quality=60),
        "JPEG CMYK": encode(image.convert("CMYK"), "JPEG"),
        "PNG": encode(image, "PNG", exif=exif),
        "PNG palette": encode(image.convert("P"), "PNG", transparency=3),
        "PNG 16 bit": encode(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG"),
        "WebP": encode(image, "WebP"),
        "WebP lossless": encode(image, "WebP", lossless=True, exif=exif),
        "TIFF": encode(image, "TIFF"),
        "TIFF deflate": encode(image, "TIFF", compression="tiff_deflate"),
        "TIFF LZW": encode(image, "TIFF", compression="tiff_lzw"),
        "BMP": encode(image, "BMP"),
        "GIF": encode(image, "GIF"),
        "AVIF": encode(image, "AVIF"),
        "HEIC": (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes(),
        "HEIC turned": (PHONE_IMAGES / "ISIC_0000026-turned.heic").read_bytes(),
    }
    return tuple(files.items())
