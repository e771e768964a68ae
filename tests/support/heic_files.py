"""HEIC files with the layouts of phones, built around the coded pixels of a small one."""

import struct

from tests.support.paths import PHONE_IMAGES

SIDE = (320, 240)
"""Size of the coded image."""


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with version and flags."""
    return box(kind, bytes([version, 0, 0, flags]) + content)


def nclx(primaries: int, transfer: int) -> bytes:
    """Return a property with code points."""
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, 6, 128))


def gain_map_heic(primaries: int = 1, transfer: int = 13) -> bytes:
    """Return a HEIC with a gain map as iOS 18 writes it.

    Item 1 is the SDR image and primary, 2 the gain map, and 3 the `tmap` of both. A group
    of alternatives offers the `tmap` item to viewers that support it (ISO 21496-1).
    """
    file = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    coded = file[file.index(b"mdat") + 4 :]
    setup = file[file.index(b"hvcC") - 4 : file.index(b"colr") - 4]
    ispe = full(b"ispe", struct.pack(">II", *SIDE))
    hdr = nclx(9, 16)
    kinds = {1: b"hvc1", 2: b"hvc1", 3: b"tmap"}
    info = b"".join(full(b"infe", struct.pack(">HH", item, 0) + kind + b"\0", 2) for item, kind in kinds.items())
    gain = bytes(62)
    properties = box(b"ipco", setup + ispe + nclx(primaries, transfer) + hdr)
    associated = {1: [0x81, 2, 3], 2: [0x81, 2, 3], 3: [2, 4]}
    ipma = struct.pack(">I", 3) + b"".join(
        struct.pack(">HB", item, len(used)) + bytes(used) for item, used in associated.items()
    )

    def meta(at: int) -> bytes:
        places = b"".join(struct.pack(">HHHHII", item, 0, 0, 1, at, len(coded)) for item in (1, 2))
        places += struct.pack(">HHHHII", 3, 1, 0, 1, 0, len(gain))
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", struct.pack(">H", 1))
            + full(b"iloc", b"\x44\0" + struct.pack(">H", 3) + places, 1)
            + full(b"iinf", struct.pack(">H", 3) + info)
            + full(b"iref", box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2)))
            + box(b"iprp", properties + full(b"ipma", ipma))
            + box(b"grpl", full(b"altr", struct.pack(">IIII", 9, 2, 3, 1)))
            + box(b"idat", gain),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heictmap")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", coded)


def described_heic(profile: bytes) -> bytes:
    """Return a HEIC of one image with an ICC profile."""
    file = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    coded = file[file.index(b"mdat") + 4 :]
    setup = file[file.index(b"hvcC") - 4 : file.index(b"colr") - 4]
    properties = setup + full(b"ispe", struct.pack(">II", *SIDE)) + box(b"colr", b"prof" + profile)

    def meta(at: int) -> bytes:
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", struct.pack(">H", 1))
            + full(b"iloc", b"\x44\0" + struct.pack(">HHHHHII", 1, 1, 0, 0, 1, at, len(coded)), 1)
            + full(b"iinf", struct.pack(">H", 1) + full(b"infe", struct.pack(">HH", 1, 0) + b"hvc1\0", 2))
            + box(b"iprp", box(b"ipco", properties) + full(b"ipma", struct.pack(">IHB", 1, 1, 3) + bytes([0x81, 2, 3]))),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", coded)
