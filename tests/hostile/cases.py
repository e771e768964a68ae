"""Every decoder's hard cases, each with the answer that it must get: made here, the same each time, and never stored."""

import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from PIL import Image, ImageCms

from tests.hostile import boxes
from tests.hostile.files import (
    BOMB,
    HERE,
    bmp,
    chunk,
    gif,
    grey,
    jpeg,
    picture,
    png,
    scans,
    segment,
    strips,
    tiff,
    tiles,
    with_size,
)
from tests.support.image_files import encode
from tests.support.paths import TELEPHONE

JUDGED = "judged"
"""A picture after all: it gets an answer, be it a refusal. Every other outcome is a problem's code."""

Case = tuple[str, Callable[[], bytes]]


@cache
def cases() -> dict[str, Case]:
    """Name -> outcome and maker; files are made one at a time, because some are large."""
    groups = (not_pictures(), bombs(), declared(), jpegs(), pngs(), tiffs(), gifs_and_bmps(), containers(), metadata())
    return {name: case for group in groups for name, case in group.items()}


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


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


def not_pictures() -> dict[str, Case]:
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
        "MP4": boxes.box(b"ftyp", b"isom\0\0\0\0isom") + boxes.box(b"mdat", bytes(100)),
        "RIFF that is sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
        "JPEG after a line": b"\n" + jpeg(),
        "JPEG in base64": b"/9j/4AAQSkZJRgABAQ==",
    }
    polyglots = {
        "JPEG with a ZIP behind it": (JUDGED, lambda: jpeg() + archive()),
        "JPEG with HTML as its comment": (JUDGED, lambda: jpeg(segment(0xFE, b"<script>alert(1)</script>"))),
        "JPEG with a PDF as its comment": (JUDGED, lambda: jpeg(segment(0xFE, unsupported["PDF"]))),
        "PNG with a program behind it": (JUDGED, lambda: png(8, 8) + unsupported["program"]),
        "GIF that is a script": ("invalid_image", lambda: b"GIF89a=1;alert(1)//" + bytes(10)),
        "GIF with a script behind it": (JUDGED, lambda: encode(picture("P"), "GIF") + b"*/=1;alert(1)"),
        "BMP that is a script": ("invalid_image", lambda: b"BM=1;/*" + bytes(100) + b"*/alert(1)"),
        "JPEG that says it is a PNG": ("invalid_image", lambda: b"\x89PNG\r\n\x1a\n" + jpeg()),
    }
    missing: dict[str, Case] = {"nothing": ("missing_file", bytes)}
    return missing | {name: ("unsupported_format", partial(bytes, data)) for name, data in unsupported.items()} | polyglots


def bombs() -> dict[str, Case]:
    """A few kilobytes that unpack to nearly as many pixels as are taken: time and memory are what is looked at."""
    square = (7000, 7000)
    return {
        "PNG bomb": (JUDGED, lambda: png(*square, colour=6)),
        "PNG bomb of one bit, very long": (JUDGED, lambda: png(48_800, 1023, depth=1, colour=0)),
        "PNG bomb with a palette, very high": (JUDGED, lambda: png(1023, 48_000, colour=3)),
        "PNG one pixel high": (JUDGED, lambda: png(49_000_000, 1, colour=0)),
        "JPEG bomb, progressive CMYK": (
            JUDGED,
            lambda: with_size(jpeg(mode="CMYK", progressive=True, subsampling=0), 6000, 6000),
        ),
        "JPEG bomb, progressive CMYK, larger": (
            "too_large",
            lambda: with_size(jpeg(mode="CMYK", progressive=True, subsampling=0), *square),
        ),
        "JPEG bomb, very long": (JUDGED, lambda: with_size(jpeg(), 48_000, 1000)),
        "WebP bomb": (JUDGED, lambda: encode(Image.new("RGBA", (5000, 3999)), "WebP", lossless=True, quality=0, method=0)),
        "WebP bomb, larger": (
            "too_large",
            lambda: encode(Image.new("RGB", (6000, 4001)), "WebP", lossless=True, quality=0, method=0),
        ),
        "TIFF bomb": (JUDGED, lambda: encode(Image.new("RGBA", (6300, 6300)), "TIFF", compression="tiff_deflate")),
        "GIF bomb": (JUDGED, lambda: encode(Image.new("P", square), "GIF")),
        "BMP bomb of run lengths": ("too_large", lambda: bmp(50_000_000, 1, 8, 1, b"\1\1\0\0\0\1")),
        "BMP bomb of small run lengths": ("invalid_image", lambda: bmp(2000, 2000, 8, 1, b"\xff\x12" * 2_000_000)),
        "BMP of run lengths with one pixel": (JUDGED, lambda: bmp(4_000_000, 1, 4, 2, b"\1\1\0\0\0\1")),
        "HEIC bomb of tiles": (JUDGED, lambda: boxes.heic_grid(25, 25, 8000, 6000)),
        "AVIF bomb": (JUDGED, lambda: encode(Image.new("RGBA", (4890, 4890)), "AVIF", speed=10)),
    }


def declared() -> dict[str, Case]:
    """Sizes that a header claims, and nothing behind it."""
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
        "HEIC": boxes.heic_grid(1, 1, 65_535, 65_535),
    }
    zero = {
        "PNG": png(0, 5, rows=b""),
        "JPEG": with_size(jpeg(), 0, 5),
        "JPEG of no lines": with_size(jpeg(), 5, 0),
        "GIF": gif(0, 0),
        "BMP": bmp(0, 0, 24),
        "TIFF": strips(0, 0, b""),
        "WebP": b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10),
        "HEIC": boxes.heic_grid(1, 1, 0, 0),
    }
    # Of this one the decoder itself says that it cannot be, before anybody has seen the size.
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


def jpegs() -> dict[str, Case]:
    exif = segment(0xE1, b"Exif\0\0" + b"x" * 60)
    return {
        "JPEG of thousands of scans": ("invalid_image", lambda: scans(4000, 7000, 7000)),
        "JPEG of many scans": ("invalid_image", lambda: scans(60, 7000, 7000)),
        "small JPEG of many scans": (JUDGED, lambda: scans(60, 64, 48)),
        "JPEG of many scans behind a false end": ("invalid_image", lambda: jpeg(b"\xff\xd9" + exif * 2000)),
        "JPEG with EXIF in pieces": ("invalid_image", lambda: jpeg(exif * (BOMB // len(exif)))),
        "JPEG of empty segments": ("invalid_image", lambda: jpeg(segment(0xE5, b"") * (BOMB // 4))),
        "JPEG of comments": ("invalid_image", lambda: jpeg(segment(0xFE, b"") * (BOMB // 4))),
        "JPEG of filling bytes": (JUDGED, lambda: jpeg(b"\xff" * BOMB)),
        "JPEG with a segment that hides others": ("invalid_image", lambda: jpeg(segment(0xF0, exif * 900))),
        "JPEG with an empty length": ("invalid_image", lambda: jpeg(b"\xff\xe1\0\0")),
        "JPEG with a segment of 4 MB of profile": (
            JUDGED,
            lambda: jpeg(b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 67]) + bytes(65_000)) for n in range(1, 68))),
        ),
        "JPEG progressive": (JUDGED, lambda: jpeg(progressive=True)),
        "JPEG CMYK": (JUDGED, lambda: jpeg(mode="CMYK")),
        "JPEG with restarts": (JUDGED, lambda: jpeg(restart_marker_blocks=1)),
        "JPEG with the usual tables left out": (JUDGED, lambda: jpeg().replace(b"\xff\xc4", b"\xff\xe5")),
        "JPEG of two frames": ("invalid_image", lambda: jpeg(segment(0xC0, b"\x08\0\x10\0\x10\1\1\x11\0"))),
        # libjpeg makes a picture of whatever codes there are; what it looks like is for the model to refuse.
        "JPEG arithmetic, of codes that are not": (JUDGED, lambda: jpeg().replace(b"\xff\xc0", b"\xff\xc9")),
        "JPEG lossless": ("invalid_image", lambda: jpeg().replace(b"\xff\xc0", b"\xff\xc3")),
        "JPEG in a JPEG": (JUDGED, lambda: jpeg(segment(0xE1, b"Exif\0\0" + jpeg()))),
        "JPEG cut after its first scan": ("invalid_image", lambda: jpeg(progressive=True)[:-40]),
    }


def pngs() -> dict[str, Case]:
    text = zlib.compress(bytes(1_000_000), 9)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    return {
        "PNG with a text bomb": ("invalid_image", lambda: png(8, 8, extra=chunk(b"zTXt", b"a\0\0" + text) * 80)),
        "PNG with a huge text": (JUDGED, lambda: png(8, 8, extra=chunk(b"tEXt", b"a\0" + b"b" * 1_000_000))),
        "PNG with an international text bomb": (
            "invalid_image",
            lambda: png(8, 8, extra=chunk(b"iTXt", b"a\0\1\0\0\0" + text) * 80),
        ),
        "PNG with a profile bomb": (
            "invalid_image",
            lambda: png(8, 8, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))),
        ),
        "PNG of private chunks": (JUDGED, lambda: png(8, 8, extra=chunk(b"prVt", b"") * 360_000)),
        "PNG of texts": (JUDGED, lambda: png(8, 8, extra=chunk(b"tEXt", b"a\0b") * 280_000)),
        "PNG interlaced": (JUDGED, lambda: png(8, 8, interlaced=True, rows=zlib.compress(bytes(1000)))),
        "PNG of 16 bits": (JUDGED, lambda: png(8, 8, depth=16)),
        "PNG of 16 bits with alpha": (JUDGED, lambda: png(8, 8, depth=16, colour=6)),
        "PNG with a palette": (JUDGED, lambda: encode(picture("P"), "PNG", transparency=3)),
        "PNG without its palette": ("invalid_image", lambda: png(8, 8, colour=3).replace(b"PLTE", b"plTE")),
        "PNG whose colours do not exist": ("invalid_image", lambda: png(8, 8).replace(b"\x08\x02\0\0\0", b"\x08\x05\0\0\0")),
        # Pillow leaves the rest black where the packed stream itself is whole.
        "PNG of too few rows": (JUDGED, lambda: png(8, 8, rows=zlib.compress(bytes(50)))),
        "PNG of too many rows": (JUDGED, lambda: png(8, 8, rows=zlib.compress(bytes(40_000_000)))),
        "PNG whose pixels are not deflated": ("invalid_image", lambda: png(8, 8, rows=noise(500))),
        "PNG with a wrong checksum": ("invalid_image", lambda: png(8, 8)[:-20] + b"x" + png(8, 8)[-19:]),
        "PNG with a chunk of 2 GB": ("invalid_image", lambda: png(8, 8, extra=b"\x7f\xff\xff\xfftEXta\0b")),
        "PNG with a chunk of less than nothing": ("invalid_image", lambda: png(8, 8, extra=b"\xff\xff\xff\xfftEXta\0b")),
        "PNG animated": (JUDGED, lambda: encode(frames[0], "PNG", save_all=True, append_images=frames[1:])),
        "PNG animated by four billion frames": (
            JUDGED,
            lambda: png(8, 8, extra=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        ),
    }


def tiffs() -> dict[str, Case]:
    loop = tiles(16, 16, 16, bytes(256), 1, following=8)
    long_tag = 4_000_000
    tags = tiff([(1000 + n, 1, long_tag, 10) for n in range(4000)])
    return {
        "TIFF with a tile of 1.6 GB": ("too_large", lambda: tiles(16, 16, 40_000, zlib.compress(bytes(1000)))),
        "TIFF with a tile of 1.6 GB in LZMA": ("too_large", lambda: tiles(16, 16, 40_000, b"", 34925)),
        "TIFF with one strip of 49 megapixels": ("too_large", lambda: strips(7000, 7000, zlib.compress(bytes(1000)))),
        "TIFF with one strip of 49 megapixels that is turned": (
            "too_large",
            lambda: strips(49_000, 1000, zlib.compress(bytes(1000)), orientation=6),
        ),
        "TIFF with a tile of 4 megapixels": (JUDGED, lambda: tiles(16, 16, 2048, zlib.compress(bytes(2048 * 2048), 9))),
        "TIFF with a tile of no pixels": ("invalid_image", lambda: tiles(16, 16, 0, bytes(256), 1)),
        "TIFF whose directories loop": (JUDGED, lambda: loop),
        "TIFF whose tags overlap": ("invalid_image", lambda: tags + bytes(BOMB - len(tags))),
        "TIFF with 65,535 entries": (
            "invalid_image",
            lambda: tiff([(n, 3, 1, 1) for n in range(65_535)]),
        ),
        "TIFF with entries of unknown types": (
            JUDGED,
            lambda: tiff(
                grey(
                    8, 8, 1, (273, 4, 1, HERE), (278, 4, 1, 8), (279, 4, 1, 64), *[(60_000 + n, 99, 9, 9) for n in range(9)]
                ),
                bytes(64),
            ),
        ),
        "TIFF without pixels": ("invalid_image", lambda: tiff(grey(8, 8, 1))),
        "TIFF whose strip is elsewhere": (
            "invalid_image",
            lambda: tiff(grey(8, 8, 1, (273, 4, 1, 2**31), (278, 4, 1, 8), (279, 4, 1, 64))),
        ),
        "TIFF of many strips": (
            JUDGED,
            lambda: tiff(
                grey(8, 20_000, 1, (273, 4, 20_000, HERE), (278, 4, 1, 1), (279, 4, 20_000, HERE)),
                struct.pack("<20000I", *[8] * 20_000),
            ),
        ),
        "TIFF whose samples have 64 bits": (
            "invalid_image",
            lambda: strips(8, 8, bytes(64)).replace(struct.pack("<HHII", 258, 3, 1, 8), struct.pack("<HHII", 258, 3, 1, 64)),
        ),
        "TIFF of 65,535 samples": (
            "invalid_image",
            lambda: strips(8, 8, bytes(64)).replace(
                struct.pack("<HHII", 277, 3, 1, 1), struct.pack("<HHII", 277, 3, 1, 65_535)
            ),
        ),
        "TIFF whose directory is itself": ("invalid_image", lambda: b"II*\0\x04\0\0\0" + bytes(100)),
        "TIFF of floating point": ("unsupported_format", lambda: encode(Image.new("F", (8, 8)), "TIFF")),
        "TIFF CMYK": (JUDGED, lambda: encode(picture("CMYK"), "TIFF")),
        "TIFF LAB": ("unsupported_format", lambda: encode(Image.new("LAB", (8, 8)), "TIFF")),
    }


def gifs_and_bmps() -> dict[str, Case]:
    frames = [Image.new("P", (8, 8), number) for number in range(50)]
    return {
        "GIF animated": (JUDGED, lambda: encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=9)),
        "GIF whose frame is outside": (
            "too_large",
            lambda: encode(picture("P"), "GIF").replace(b"," + bytes(4), b"," + b"\xff" * 4),
        ),
        "GIF whose codes are noise": ("invalid_image", lambda: gif(64, 48, b"\x08\xff" + noise(255) + b"\0")),
        "GIF whose codes have 200 bits": ("invalid_image", lambda: gif(8, 8, b"\xc8\x02L\x01\0")),
        "GIF of comments": (
            "invalid_image",
            lambda: b"GIF89a\x08\0\x08\0\0\0\0" + b"!\xfe\x01x\0" * (BOMB // 5),
        ),
        "GIF of one comment": (
            "invalid_image",
            lambda: b"GIF89a\x08\0\x08\0\0\0\0!\xfe" + (b"\x01x" * (BOMB // 2)),
        ),
        "BMP with a header of 4 GB": ("invalid_image", lambda: b"BM" + bytes(12) + b"\xff" * 40),
        "BMP of 99 bits": ("invalid_image", lambda: bmp(8, 8, 99, body=bytes(800))),
        "BMP of an unknown compression": ("invalid_image", lambda: bmp(8, 8, 24, 77, bytes(800))),
        "BMP whose pixels are elsewhere": (
            "invalid_image",
            lambda: bmp(8, 8, 24, body=bytes(192)).replace(struct.pack("<I", 54), struct.pack("<I", 2**31), 1),
        ),
        "BMP upside down": (JUDGED, lambda: bmp(8, -8, 24, body=bytes(192))),
        "BMP of run lengths": (JUDGED, lambda: bmp(8, 8, 8, 1, b"\x08\1\0\0" * 8 + b"\0\1")),
    }


def containers() -> dict[str, Case]:
    """WebP, HEIC and AVIF."""
    webp = encode(picture("RGB"), "WebP")
    avif = encode(picture("RGB"), "AVIF")
    heic = (TELEPHONE / "ISIC_0000026.heic").read_bytes()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    return {
        "WebP animated": (JUDGED, lambda: encode(frames[0], "WebP", save_all=True, append_images=frames[1:])),
        "WebP whose length lies": ("invalid_image", lambda: webp[:4] + b"\xff\xff\xff\x7f" + webp[8:]),
        "WebP of noise": ("invalid_image", lambda: webp[:20] + noise(5000)),
        "WebP of empty chunks": (
            "invalid_image",
            lambda: b"RIFF" + struct.pack("<I", 800_004) + b"WEBP" + b"ABCD\0\0\0\0" * 100_000,
        ),
        "HEIC of two tiles by two": (JUDGED, lambda: boxes.heic_grid(2, 2, 640, 480)),
        "HEIC whose tiles say another size": ("invalid_image", lambda: boxes.heic_grid(1, 1, 640, 480, told=(640, 480))),
        "HEIC of boxes in boxes": (
            "invalid_image",
            lambda: nested(boxes.box(b"ftyp", b"heic\0\0\0\0mif1heic"), b"meta", 2000),
        ),
        "HEIC of a box without an end": ("invalid_image", lambda: heic[:28] + b"\xff\xff\xff\xff" + heic[32:]),
        "HEIC cut short": ("invalid_image", lambda: heic[: len(heic) // 2]),
        # libde265 conceals what it cannot read, and tells nobody.
        "HEIC of noise": (JUDGED, lambda: heic[:0x182] + noise(len(heic) - 0x182)),
        "AVIF of noise": ("invalid_image", lambda: avif[: avif.index(b"mdat") + 4] + noise(3000)),
        "AVIF that is a HEIC": ("invalid_image", lambda: heic.replace(b"heic", b"avif").replace(b"mif1", b"avif")),
        "AVIF cut short": ("invalid_image", lambda: avif[:-100]),
    }


def nested(head: bytes, kind: bytes, depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = boxes.full(kind, inner)
    return head + inner


def metadata() -> dict[str, Case]:
    """Profiles and EXIF: broken ones are none, and the picture is judged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    loop = b"Exif\0\0" + tiff([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (274, 3, 1, 6)], following=8)
    overlap = b"Exif\0\0" + tiff([(1000 + n, 1, 60_000, 10) for n in range(4000)])
    turns = b"Exif\0\0" + tiff([(274, 2, 60_000, 10)]) + b"x" * 10_000
    profiles = {
        "that is noise": noise(3000),
        "of zeros": bytes(3000),
        "of 4 MB": profile + bytes(4_000_000),
        "that says it has 4 GB": b"\xff\xff\xff\xff" + profile[4:],
        "of four billion tags": profile[:128] + b"\xff\xff\xff\xff" + profile[132:],
        "whose tags are outside": profile[:136] + b"\xff" * 100 + profile[236:],
        "of another colour space": lab,
        "cut short": profile[:200],
    }
    return {
        f"JPEG with a profile {name}": (JUDGED, partial(encode, picture(), "JPEG", icc_profile=data))
        for name, data in profiles.items()
    } | {
        "JPEG whose EXIF refers to itself": (JUDGED, lambda: jpeg(segment(0xE1, loop))),
        "JPEG whose EXIF overlaps": (JUDGED, lambda: jpeg(segment(0xE1, overlap[:65_000]))),
        "JPEG turned by a text": (JUDGED, lambda: jpeg(segment(0xE1, turns))),
        "JPEG whose EXIF is huge": (
            JUDGED,
            lambda: jpeg(segment(0xE1, loop) + segment(0xE1, loop[:6] + bytes(65_000)) * 60),
        ),
        "PNG whose EXIF is huge": (JUDGED, lambda: png(8, 8, extra=chunk(b"eXIf", noise(4_000_000)))),
        "WebP whose EXIF overlaps": (JUDGED, lambda: encode(picture(), "WebP", exif=overlap[6:])),
        "grey picture with a profile of colours": (JUDGED, lambda: encode(picture("L"), "PNG", icc_profile=profile)),
        "floats in 16 bits": (JUDGED, lambda: encode(Image.fromarray(np.full((8, 8), 65_535, np.uint16)), "PNG")),
    }
