"""Boxes of ISO base media files (HEIC, AVIF), for files that no encoder would write."""

import struct

from tests.support.paths import PHONE_IMAGES

SIDE = (320, 240)
"""Size of the image that is used as a tile."""


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def full(kind: bytes, content: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]) + content)


def size(width: int, height: int) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def heic_grid(rows: int, columns: int, width: int, height: int, *, declared: tuple[int, int] = SIDE) -> bytes:
    """Return a HEIC image of rows x columns tiles with the same bytes; `declared` is the declared size of a tile."""
    file = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    coded = file[file.index(b"mdat") + 4 :]
    setup = file[file.index(b"hvcC") - 4 : file.index(b"colr") - 4]
    count = rows * columns
    tiles, whole = range(1, count + 1), count + 1
    grid = bytes([0, 1, rows - 1, columns - 1]) + struct.pack(">II", width, height)
    items = [(number, b"hvc1") for number in tiles] + [(whole, b"grid")]
    info = b"".join(full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0", 2) for number, kind in items)
    properties = [struct.pack(">HBBB", number, 2, 0x81, 2) for number in tiles] + [struct.pack(">HBB", whole, 1, 3)]

    def meta(at: int) -> bytes:
        places = [struct.pack(">HHHHII", number, 0, 0, 1, at, len(coded)) for number in tiles]
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(grid)))
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", struct.pack(">H", whole))
            + full(b"iloc", b"\x44\0" + struct.pack(">H", len(places)) + b"".join(places), 1)
            + full(b"iinf", struct.pack(">H", len(items)) + info)
            + full(b"iref", box(b"dimg", struct.pack(f">HH{count}H", whole, count, *tiles)))
            + box(
                b"iprp",
                box(b"ipco", setup + size(*declared) + size(width, height))
                + full(b"ipma", struct.pack(">I", len(properties)) + b"".join(properties)),
            )
            + box(b"idat", grid),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", coded)
