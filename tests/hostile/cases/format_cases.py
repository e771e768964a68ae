"""Cases of the JPEG, PNG, TIFF, GIF and BMP decoders."""

import struct
import zlib

from PIL import Image

from tests.hostile.cases.case import CLASSIFIED, Case, noise
from tests.hostile.cases.crafted_files import (
    BOMB,
    HERE,
    bmp,
    chunk,
    gif,
    gradient,
    grey,
    jpeg,
    png,
    scans,
    segment,
    strips,
    tiff,
    tiles,
)
from tests.support.image_files import encode


def jpegs() -> dict[str, Case]:
    exif = segment(0xE1, b"Exif\0\0" + b"x" * 60)
    return {
        "JPEG of thousands of scans": ("invalid_image", lambda: scans(4000, 7000, 7000)),
        "JPEG of many scans": ("invalid_image", lambda: scans(60, 7000, 7000)),
        "small JPEG of many scans": (CLASSIFIED, lambda: scans(60, 64, 48)),
        "JPEG of many scans behind a false end": ("invalid_image", lambda: jpeg(b"\xff\xd9" + exif * 2000)),
        "JPEG with EXIF in pieces": ("invalid_image", lambda: jpeg(exif * (BOMB // len(exif)))),
        "JPEG of empty segments": ("invalid_image", lambda: jpeg(segment(0xE5, b"") * (BOMB // 4))),
        "JPEG of comments": ("invalid_image", lambda: jpeg(segment(0xFE, b"") * (BOMB // 4))),
        "JPEG of filling bytes": (CLASSIFIED, lambda: jpeg(b"\xff" * BOMB)),
        "JPEG with a segment that hides others": ("invalid_image", lambda: jpeg(segment(0xF0, exif * 900))),
        "JPEG with an empty length": ("invalid_image", lambda: jpeg(b"\xff\xe1\0\0")),
        "JPEG with a segment of 4 MB of profile": (
            CLASSIFIED,
            lambda: jpeg(b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 67]) + bytes(65_000)) for n in range(1, 68))),
        ),
        "JPEG progressive": (CLASSIFIED, lambda: jpeg(progressive=True)),
        "JPEG CMYK": (CLASSIFIED, lambda: jpeg(mode="CMYK")),
        "JPEG with restarts": (CLASSIFIED, lambda: jpeg(restart_marker_blocks=1)),
        "JPEG with the usual tables left out": (CLASSIFIED, lambda: jpeg().replace(b"\xff\xc4", b"\xff\xe5")),
        "JPEG of two frames": ("invalid_image", lambda: jpeg(segment(0xC0, b"\x08\0\x10\0\x10\1\1\x11\0"))),
        # libjpeg decodes any codes; the model may refuse the resulting image.
        "JPEG arithmetic, of codes that are not": (CLASSIFIED, lambda: jpeg().replace(b"\xff\xc0", b"\xff\xc9")),
        "JPEG lossless": ("invalid_image", lambda: jpeg().replace(b"\xff\xc0", b"\xff\xc3")),
        "JPEG in a JPEG": (CLASSIFIED, lambda: jpeg(segment(0xE1, b"Exif\0\0" + jpeg()))),
        "JPEG cut after its first scan": ("invalid_image", lambda: jpeg(progressive=True)[:-40]),
    }


def pngs() -> dict[str, Case]:
    text = zlib.compress(bytes(1_000_000), 9)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    return {
        "PNG with a text bomb": ("invalid_image", lambda: png(8, 8, extra=chunk(b"zTXt", b"a\0\0" + text) * 80)),
        "PNG with a huge text": (CLASSIFIED, lambda: png(8, 8, extra=chunk(b"tEXt", b"a\0" + b"b" * 1_000_000))),
        "PNG with an international text bomb": (
            "invalid_image",
            lambda: png(8, 8, extra=chunk(b"iTXt", b"a\0\1\0\0\0" + text) * 80),
        ),
        "PNG with a profile bomb": (
            "invalid_image",
            lambda: png(8, 8, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))),
        ),
        "PNG of private chunks": (CLASSIFIED, lambda: png(8, 8, extra=chunk(b"prVt", b"") * 360_000)),
        "PNG of texts": (CLASSIFIED, lambda: png(8, 8, extra=chunk(b"tEXt", b"a\0b") * 280_000)),
        "PNG interlaced": (CLASSIFIED, lambda: png(8, 8, interlaced=True, rows=zlib.compress(bytes(1000)))),
        "PNG of 16 bits": (CLASSIFIED, lambda: png(8, 8, depth=16)),
        "PNG of 16 bits with alpha": (CLASSIFIED, lambda: png(8, 8, depth=16, colour=6)),
        "PNG with a palette": (CLASSIFIED, lambda: encode(gradient("P"), "PNG", transparency=3)),
        "PNG without its palette": ("invalid_image", lambda: png(8, 8, colour=3).replace(b"PLTE", b"plTE")),
        "PNG whose colours do not exist": ("invalid_image", lambda: png(8, 8).replace(b"\x08\x02\0\0\0", b"\x08\x05\0\0\0")),
        # Pillow leaves the rest black if the compressed stream itself is complete.
        "PNG of too few rows": (CLASSIFIED, lambda: png(8, 8, rows=zlib.compress(bytes(50)))),
        "PNG of too many rows": (CLASSIFIED, lambda: png(8, 8, rows=zlib.compress(bytes(40_000_000)))),
        "PNG whose pixels are not deflated": ("invalid_image", lambda: png(8, 8, rows=noise(500))),
        "PNG with a wrong checksum": ("invalid_image", lambda: png(8, 8)[:-20] + b"x" + png(8, 8)[-19:]),
        "PNG with a chunk of 2 GB": ("invalid_image", lambda: png(8, 8, extra=b"\x7f\xff\xff\xfftEXta\0b")),
        "PNG with a chunk of less than nothing": ("invalid_image", lambda: png(8, 8, extra=b"\xff\xff\xff\xfftEXta\0b")),
        "PNG with its colours behind thousands of chunks": (
            CLASSIFIED,
            lambda: png(8, 8, extra=chunk(b"prVt", b"") * 300_000 + chunk(b"cICP", b"\x0c\x0d\x00\x01")),
        ),
        "PNG of impossible primaries": (CLASSIFIED, lambda: png(8, 8, extra=chunk(b"cHRM", bytes(32)))),
        "PNG of HDR": ("unsupported_format", lambda: png(8, 8, extra=chunk(b"cICP", b"\x09\x12\x00\x01"))),
        "PNG animated": (CLASSIFIED, lambda: encode(frames[0], "PNG", save_all=True, append_images=frames[1:])),
        "PNG animated by four billion frames": (
            CLASSIFIED,
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
        "TIFF with a tile of 4 megapixels": (CLASSIFIED, lambda: tiles(16, 16, 2048, zlib.compress(bytes(2048 * 2048), 9))),
        "TIFF with a tile of no pixels": ("invalid_image", lambda: tiles(16, 16, 0, bytes(256), 1)),
        "TIFF whose directories loop": (CLASSIFIED, lambda: loop),
        "TIFF whose tags overlap": ("invalid_image", lambda: tags + bytes(BOMB - len(tags))),
        "TIFF with 65,535 entries": (
            "invalid_image",
            lambda: tiff([(n, 3, 1, 1) for n in range(65_535)]),
        ),
        "TIFF with entries of unknown types": (
            CLASSIFIED,
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
            CLASSIFIED,
            lambda: tiff(
                grey(8, 20_000, 1, (273, 4, 20_000, HERE), (278, 4, 1, 1), (279, 4, 20_000, HERE)),
                struct.pack("<20000I", *[8] * 20_000),
            ),
        ),
        "TIFF whose samples have 64 bits": (
            "unsupported_format",
            lambda: strips(8, 8, bytes(64)).replace(struct.pack("<HHII", 258, 3, 1, 8), struct.pack("<HHII", 258, 3, 1, 64)),
        ),
        "TIFF of 65,535 samples": (
            "invalid_image",
            lambda: strips(8, 8, bytes(64)).replace(
                struct.pack("<HHII", 277, 3, 1, 1), struct.pack("<HHII", 277, 3, 1, 65_535)
            ),
        ),
        "TIFF whose directory is itself": ("invalid_image", lambda: b"II*\0\x04\0\0\0" + bytes(100)),
        "TIFF whose sub-directories loop": (
            CLASSIFIED,
            lambda: tiff(grey(8, 8, 1, (273, 4, 1, HERE), (278, 4, 1, 8), (279, 4, 1, 64), (330, 4, 1, 8)), bytes(64), 8),
        ),
        "TIFF of a million sub-directories": (
            CLASSIFIED,
            lambda: tiff(
                grey(8, 8, 1, (273, 4, 1, HERE), (278, 4, 1, 8), (279, 4, 1, 64), (330, 4, 1_000_000, HERE)),
                bytes(4_000_000),
            ),
        ),
        "TIFF that begins with a reduced image": (
            "unsupported_format",
            lambda: tiff([(254, 4, 1, 1), *grey(8, 8, 1, (273, 4, 1, HERE), (278, 4, 1, 8), (279, 4, 1, 64))], bytes(64)),
        ),
        "TIFF of floating point": ("unsupported_format", lambda: encode(Image.new("F", (8, 8)), "TIFF")),
        "TIFF CMYK": (CLASSIFIED, lambda: encode(gradient("CMYK"), "TIFF")),
        "TIFF LAB": ("unsupported_format", lambda: encode(Image.new("LAB", (8, 8)), "TIFF")),
    }


def gifs_and_bmps() -> dict[str, Case]:
    frames = [Image.new("P", (8, 8), number) for number in range(50)]
    return {
        "GIF animated": (CLASSIFIED, lambda: encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=9)),
        "GIF whose frame is outside": (
            "too_large",
            lambda: encode(gradient("P"), "GIF").replace(b"," + bytes(4), b"," + b"\xff" * 4),
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
        "BMP upside down": (CLASSIFIED, lambda: bmp(8, -8, 24, body=bytes(192))),
        "BMP of run lengths": (CLASSIFIED, lambda: bmp(8, 8, 8, 1, b"\x08\1\0\0" * 8 + b"\0\1")),
    }
