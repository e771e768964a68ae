"""Image files built byte by byte, as no encoder would write them."""

import struct
import zlib
from collections.abc import Iterable

from PIL import Image

from tests.support.image_files import encode

BOMB = 4_400_000
"""Size in bytes of the largest files: just below the upload limit."""


def gradient(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return a small image with more than one colour."""
    return Image.linear_gradient("L").resize(size).convert(mode)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    interlaced: bool = False,
    rows: bytes | None = None,
    extra: bytes = b"",
) -> bytes:
    """Return a PNG of zeros, or of other deflated `rows`; `extra` chunks come before the pixels."""
    if rows is None:
        samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
        row = bytes(1 + -(-width * samples * depth // 8))
        deflate = zlib.compressobj(1)
        rows = b"".join(deflate.compress(row) for _ in range(height)) + deflate.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    palette = chunk(b"PLTE", bytes(3 * 256)) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + head + palette + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(extra: bytes = b"", mode: str = "RGB", **options: object) -> bytes:
    """Return a small JPEG with `extra` segments after its start."""
    data = encode(gradient(mode), "JPEG", **options)
    return data[:2] + extra + data[2:]


def with_size(data: bytes, width: int, height: int) -> bytes:
    """Return the JPEG with another declared size; the decoder fills in what is missing."""
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def scans(count: int, width: int, height: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated `count` times."""
    data = encode(gradient("L"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return with_size(data[:-2] + last * count + data[-2:], width, height)


def bmp(width: int, height: int, bits: int = 8, compression: int = 0, body: bytes = b"") -> bytes:
    palette = bytes(4 << bits) if bits <= 8 else b""
    start = 54 + len(palette)
    head = struct.pack("<IHHI", start + len(body), 0, 0, start)
    about = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, 0, 0)
    return b"BM" + head + about + palette + body


Entry = tuple[int, int, int, int]
"""Tag, type, count and value of an entry in a TIFF directory."""


def tiff(entries: Iterable[Entry], rest: bytes = b"", following: int = 0) -> bytes:
    """Return a TIFF with one directory after the header; the value `HERE` stands for the offset of `rest`."""
    listed = list(entries)
    here = 14 + 12 * len(listed)
    packed = b"".join(struct.pack("<HHII", tag, kind, count, value % 2**32 or 0) for tag, kind, count, value in listed)
    packed = packed.replace(struct.pack("<I", HERE), struct.pack("<I", here))
    return b"II*\0" + struct.pack("<IH", 8, len(listed)) + packed + struct.pack("<I", following) + rest


HERE = 0xABCDABCD


def grey(width: int, height: int, compression: int, *more: Entry) -> list[Entry]:
    """Return the entries that a grey image needs at least."""
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        *more,
    ]


def strips(width: int, height: int, data: bytes, compression: int = 8, orientation: int = 1) -> bytes:
    """Return a TIFF with one strip."""
    places: list[Entry] = [(273, 4, 1, HERE), (274, 3, 1, orientation), (278, 4, 1, height), (279, 4, 1, len(data))]
    return tiff(grey(width, height, compression, *places), data)


def tiles(width: int, height: int, side: int, data: bytes, compression: int = 8, following: int = 0) -> bytes:
    """Return a TIFF with one tile."""
    places: list[Entry] = [(322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, HERE), (325, 4, 1, len(data))]
    return tiff(grey(width, height, compression, *places), data, following)


def gif(width: int, height: int, body: bytes = b"\x02\x02L\x01\0") -> bytes:
    """Return a GIF of one frame with the compressed data `body`."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + size + b"\0" + body + b";"
