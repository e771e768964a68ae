"""Malformed and adversarial files for every decoder, with their expected answers; generated, the same each time."""

import io
import struct
import tarfile
import zipfile
import zlib
from functools import cache, partial

from PIL import Image

from tests.hostile.cases import isobmff
from tests.hostile.cases.case import CLASSIFIED, Case, noise
from tests.hostile.cases.container_cases import containers, metadata
from tests.hostile.cases.crafted_files import (
    BOMB,
    bmp,
    gif,
    gradient,
    jpeg,
    png,
    segment,
    strips,
    with_size,
)
from tests.hostile.cases.format_cases import gifs_and_bmps, jpegs, pngs, tiffs
from tests.support.image_files import encode


@cache
def cases() -> dict[str, Case]:
    """Return outcome and generator by name; files are generated one at a time, because some are large."""
    groups = (not_images(), bombs(), declared(), jpegs(), pngs(), tiffs(), gifs_and_bmps(), containers(), metadata())
    return {name: case for group in groups for name, case in group.items()}


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("a.jpg"), jpeg())
    return buffer.getvalue()


def tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        info = tarfile.TarInfo("a.jpg")
        info.size = len(jpeg())
        file.addfile(info, io.BytesIO(jpeg()))
    return buffer.getvalue()


def not_images() -> dict[str, Case]:
    unsupported = {
        "one byte": b"\xff",
        "noise of 4.4 MB": noise(BOMB),
        "zeros of 4.4 MB": bytes(BOMB),
        "text": b"Two moles, on the left.\n" * 100,
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>",
        "SVG with entities": b"<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>",
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "JSON": b'{"malignant_probability": 0.01}',
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage",
        "ZIP": archive(),
        "TAR": tarball(),
        "GZIP of a JPEG": zlib.compress(jpeg(), wbits=31),
        "program": b"\x7fELF\2\1\1" + bytes(200),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
        "JPEG XL": b"\xff\x0a" + bytes(100),
        "ICO": struct.pack("<HHH", 0, 1, 1) + bytes(16) + png(4, 4),
        "PSD": b"8BPS\0\1" + bytes(100),
        "big TIFF": b"II+\0\x08\0\0\0" + bytes(100),
        "MP4": isobmff.box(b"ftyp", b"isom\0\0\0\0isom") + isobmff.box(b"mdat", bytes(100)),
        "RIFF that is sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
        "JPEG after a line": b"\n" + jpeg(),
        "JPEG in base64": b"/9j/4AAQSkZJRgABAQ==",
    }
    polyglots = {
        "JPEG with a ZIP behind it": (CLASSIFIED, lambda: jpeg() + archive()),
        "JPEG with HTML as its comment": (CLASSIFIED, lambda: jpeg(segment(0xFE, b"<script>alert(1)</script>"))),
        "JPEG with a PDF as its comment": (CLASSIFIED, lambda: jpeg(segment(0xFE, unsupported["PDF"]))),
        "PNG with a program behind it": (CLASSIFIED, lambda: png(8, 8) + unsupported["program"]),
        "GIF that is a script": ("invalid_image", lambda: b"GIF89a=1;alert(1)//" + bytes(10)),
        "GIF with a script behind it": (CLASSIFIED, lambda: encode(gradient("P"), "GIF") + b"*/=1;alert(1)"),
        "BMP that is a script": ("invalid_image", lambda: b"BM=1;/*" + bytes(100) + b"*/alert(1)"),
        "JPEG that says it is a PNG": ("invalid_image", lambda: b"\x89PNG\r\n\x1a\n" + jpeg()),
    }
    missing: dict[str, Case] = {"nothing": ("missing_file", bytes)}
    return missing | {name: ("unsupported_format", partial(bytes, data)) for name, data in unsupported.items()} | polyglots


def bombs() -> dict[str, Case]:
    """Return files of a few kilobytes that decompress to nearly the largest number of pixels; they test time and memory."""
    square = (7000, 7000)
    return {
        "PNG bomb": (CLASSIFIED, lambda: png(*square, colour=6)),
        "PNG bomb of one bit, very long": (CLASSIFIED, lambda: png(48_800, 1023, depth=1, colour=0)),
        "PNG bomb with a palette, very high": (CLASSIFIED, lambda: png(1023, 48_000, colour=3)),
        "PNG one pixel high": (CLASSIFIED, lambda: png(49_000_000, 1, colour=0)),
        "JPEG bomb, progressive CMYK": (
            CLASSIFIED,
            lambda: with_size(jpeg(mode="CMYK", progressive=True, subsampling=0), 6000, 6000),
        ),
        "JPEG bomb, progressive CMYK, larger": (
            "too_large",
            lambda: with_size(jpeg(mode="CMYK", progressive=True, subsampling=0), *square),
        ),
        "JPEG bomb, very long": (CLASSIFIED, lambda: with_size(jpeg(), 48_000, 1000)),
        "WebP bomb": (
            CLASSIFIED,
            lambda: encode(Image.new("RGBA", (5000, 3999)), "WebP", lossless=True, quality=0, method=0),
        ),
        "WebP bomb, larger": (
            "too_large",
            lambda: encode(Image.new("RGB", (6000, 4001)), "WebP", lossless=True, quality=0, method=0),
        ),
        "TIFF bomb": (CLASSIFIED, lambda: encode(Image.new("RGBA", (6300, 6300)), "TIFF", compression="tiff_deflate")),
        "GIF bomb": (CLASSIFIED, lambda: encode(Image.new("P", square), "GIF")),
        "BMP bomb of run lengths": ("too_large", lambda: bmp(50_000_000, 1, 8, 1, b"\1\1\0\0\0\1")),
        "BMP bomb of small run lengths": ("invalid_image", lambda: bmp(2000, 2000, 8, 1, b"\xff\x12" * 2_000_000)),
        "BMP of run lengths with one pixel": (CLASSIFIED, lambda: bmp(4_000_000, 1, 4, 2, b"\1\1\0\0\0\1")),
        "HEIC bomb of tiles": (CLASSIFIED, lambda: isobmff.heic_grid(25, 25, 8000, 6000)),
        "AVIF bomb": (CLASSIFIED, lambda: encode(Image.new("RGBA", (4890, 4890)), "AVIF", speed=10)),
    }


def declared() -> dict[str, Case]:
    """Return files whose header declares a size, without pixels."""
    most = 2**31 - 1
    huge = {
        "PNG": png(most, most, rows=b""),
        "PNG just above": png(50_000_001, 1, rows=b""),
        "JPEG": with_size(jpeg(), 65_500, 65_500),
        "GIF": gif(65_535, 65_535),
        "BMP": bmp(65_000, 65_000, 24),
        "BMP upside down": bmp(65_000, -65_000, 24),
        "TIFF": strips(2**31, 3, b""),
        "WebP": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f\x10\x11\x88\x88\xfe\x07\0",
        "HEIC": isobmff.heic_grid(1, 1, 65_535, 65_535),
    }
    zero = {
        "PNG": png(0, 5, rows=b""),
        "JPEG": with_size(jpeg(), 0, 5),
        "JPEG of no lines": with_size(jpeg(), 5, 0),
        "GIF": gif(0, 0),
        "BMP": bmp(0, 0, 24),
        "TIFF": strips(0, 0, b""),
        "WebP": b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10),
        "HEIC": isobmff.heic_grid(1, 1, 0, 0),
    }
    # libwebp rejects this one before it reports the size.
    wrong = {"WebP"}
    named: dict[str, Case] = {}
    for name, data in huge.items():
        named[f"{name} that declares far too much"] = (
            "invalid_image" if name in wrong else "too_large",
            partial(bytes, data),
        )
    for name, data in zero.items():
        named[f"{name} of no pixels"] = ("invalid_image", partial(bytes, data))
    return named
