"""What is looked at in a file before a decoder sees it: structure that costs far more to read than it weighs.

The limit in pixels does not hold these. Each check is for an attack that was tried (docs/hostile.md), costs a few
milliseconds at most, and lets pass whatever cameras and programs write.
"""

import re
from collections.abc import Mapping
from typing import Any

from lesion.errors import TooLarge

MAX_SCANS = 100
"""Of a JPEG. Progressive files have about ten."""
FEW_SCANS = 20
"""As many may have any number of pixels, whose limit is another's."""
MAX_SCANNED = 1_000_000_000
"""Scans times pixels of a JPEG: each scan goes over all its coefficients, and 50 megapixels take 35 ms each time."""
MAX_SEGMENTS = 1000
"""Of a JPEG. A profile or a maker's note of 4 MB takes 70."""

# All but restarts, of which a scan may have hundreds of thousands.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
MAX_PIECE = 160_000_000
"""Bytes of a TIFF's tile or strip, unpacked: 40 megapixels of 8-bit colour. Common are a few thousand."""

_BITS, _SAMPLES, _STRIP_ROWS, _TILE_WIDTH, _TILE_LENGTH = 258, 277, 278, 322, 323
_KNOWN = _FRAMES | {0xC4, _SOS, 0xDB, 0xDD, 0xFE} | frozenset(range(0xE0, 0xF0))


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG of very many scans or segments, or of segments that Pillow and libjpeg would read each in its own way.

    The scans of a progressive file are read one after the other over the whole image, however little they hold: 4.5 MB of
    them take minutes. Segments are read in Python, and those with EXIF joined anew each time.

    Raises:
        ValueError: such a file.
    """
    at, segments, scans, pixels = 2, 0, 0, 0
    while found := _MARKER.search(data, at):
        kind, at = found[1][0], found.end()
        # Before the first scan Pillow does not stop at an end.
        if kind == _EOI and scans:
            return
        segments += 1
        scans += kind == _SOS
        size = 0 if kind in (_SOI, _EOI) else int.from_bytes(data[at : at + 2])
        if kind in _FRAMES:
            pixels = int.from_bytes(data[at + 3 : at + 5]) * int.from_bytes(data[at + 5 : at + 7])
        if kind not in (_SOI, _EOI) and (kind not in _KNOWN or size < 2):
            raise ValueError(f"segment {kind:#x} of {size} bytes")
        if segments > MAX_SEGMENTS or scans > MAX_SCANS or (scans > FEW_SCANS and scans * pixels > MAX_SCANNED):
            raise ValueError(f"{segments} segments, {scans} scans of {pixels} pixels")
        at += size


def check_tiff(tags: Mapping[int, Any], width: int, height: int) -> None:
    """Refuse a compressed TIFF with a piece, a tile or a strip, that takes very much room: Pillow makes it for one at once.

    A tile may be larger than its picture, so that 134 bytes could ask for 1.5 GB.

    Args:
        tags: of the first picture.
        width, height: of that picture as it is stored, before it is turned upright.

    Raises:
        TooLarge: such a file. It may be a whole one, below the limit in pixels.
    """
    bits = tags.get(_BITS, 1)
    sample = -(-max(bits if isinstance(bits, tuple) else (bits,)) // 8)
    columns, rows = tags.get(_TILE_WIDTH, width), tags.get(_TILE_LENGTH, min(tags.get(_STRIP_ROWS, height), height))
    # Some kinds of colour are unpacked to four bytes, whatever they are made of.
    piece = columns * rows * max(4, tags.get(_SAMPLES, 1) * sample)
    if piece > MAX_PIECE:
        raise TooLarge(
            f"This TIFF has a piece of {piece // 1_000_000} MB; at most {MAX_PIECE // 1_000_000} are read here at once. "
            "Save it as JPEG and send that."
        )
