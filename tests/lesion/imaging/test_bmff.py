"""`read_coding_points` finds the description of the primary image in the boxes of HEIC and AVIF."""

import struct

import pytest
from lesion.imaging.bmff import read_coding_points
from lesion.imaging.coding_points import CodingPoints

P3, SRGB = CodingPoints(12, 13), CodingPoints(1, 13)


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, flags]) + content)


def colr(points: CodingPoints) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", points.primaries, points.transfer, 6, 128))


def ipma(items: dict[int, list[int]], *, wide: bool) -> bytes:
    body = struct.pack(">I", len(items))
    for item, indices in items.items():
        body += struct.pack(">I" if wide else ">H", item) + bytes([len(indices)])
        body += b"".join(struct.pack(">H", 0x8000 | n) if wide else bytes([0x80 | n]) for n in indices)
    return full(b"ipma", body, version=int(wide), flags=int(wide))


def meta(
    items: dict[int, list[int]], properties: list[bytes], *, primary: int = 1, more: bytes = b"", wide: bool = False
) -> bytes:
    pitm = full(b"pitm", struct.pack(">I" if wide else ">H", primary), version=int(wide))
    iprp = box(b"iprp", box(b"ipco", b"".join(properties), large=wide) + ipma(items, wide=wide))
    return box(b"ftyp", b"heic\0\0\0\0mif1") + full(b"meta", full(b"hdlr", bytes(20)) + pitm + more + iprp)


ISPE = full(b"ispe", struct.pack(">II", 4, 4))


@pytest.mark.parametrize("wide", [False, True])
def test_read_coding_points_takes_the_primary_image(wide: bool) -> None:
    """Also with a profile beside them, and with other images that have other ones."""
    profile = box(b"colr", b"prof" + bytes(40))
    data = meta({1: [1, 3], 2: [1, 2, 4]}, [ISPE, profile, colr(SRGB), colr(P3)], primary=2, wide=wide)
    assert read_coding_points(data) == P3


def test_read_coding_points_takes_those_of_the_tiles() -> None:
    """An image of tiles, and an image with a gain map (`tmap`) that is derived from the primary one and another."""
    dimg = full(b"iref", box(b"dimg", struct.pack(">HHHH", 9, 2, 1, 9)) + box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2)))
    data = meta({1: [1, 2], 2: [1, 3], 3: [1]}, [ISPE, colr(P3), colr(SRGB)], primary=3, more=dimg)
    assert read_coding_points(data) == P3


def test_read_coding_points_takes_those_of_the_track() -> None:
    entry = box(b"av01", bytes(78) + full(b"ccst", bytes(4)) + colr(P3))
    table = full(b"stsd", struct.pack(">I", 1) + entry)
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        table = box(kind, table)
    assert read_coding_points(box(b"ftyp", b"avis\0\0\0\0avis") + table) == P3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        meta({1: [1]}, [ISPE]),
        meta({1: [0, 9]}, [ISPE]),
        meta({2: [1]}, [colr(P3)]),
        meta({1: [1]}, [box(b"colr", b"nclx\0\x0c")]),
        box(b"meta", b""),
        full(b"meta", full(b"pitm", b"\0\1") + box(b"iprp", full(b"ipma", b"\xff\xff\xff\xff"))),
    ],
)
def test_read_coding_points_returns_none_without_any(data: bytes) -> None:
    assert read_coding_points(data) is None
