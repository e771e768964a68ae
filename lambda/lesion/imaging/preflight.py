"""Checks of a file's structure before a decoder reads it, for files that are small but very costly to decode.

The limit in pixels does not catch these. Each check answers an attack that was tested (docs/hostile.md), costs a few
milliseconds at most, and accepts everything that cameras and image programs write.
"""

import re
from collections.abc import Mapping
from typing import Any

from lesion.errors import TooLarge, UnsupportedFormat

MAX_SCANS = 100
"""Scans of a JPEG. Progressive files have about ten."""
MAX_SCANS_ANY_SIZE = 20
"""Scans that a JPEG of any accepted size may have; with more, `MAX_SCANNED_PIXELS` applies too."""
MAX_SCANNED_PIXELS = 1_000_000_000
"""Scans times pixels of a JPEG: each scan visits all coefficients, which takes 35 ms for 50 megapixels."""
MAX_SEGMENTS = 1000
"""Segments of a JPEG. A colour profile or maker note of 4 MB takes 70."""
MAX_CHUNK_BYTES = 160_000_000
"""Bytes of a TIFF's tile or strip, decompressed: 40 megapixels of 8-bit colour. A few thousand are common."""

# All markers but restarts, of which a scan may have hundreds of thousands.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS, _JPEG_LS = 0xC3, 0xF7
_UNSUPPORTED_FRAMES = {0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, _JPEG_LS}
"""Hierarchical, arithmetic lossless (ITU-T T.81, table B.1) and JPEG-LS (T.87), which libjpeg does not decode."""
_KNOWN = _FRAMES | {0xC4, _SOS, 0xDB, 0xDD, 0xFE} | frozenset(range(0xE0, 0xF0))

# Numbers of TIFF tags (TIFF 6.0).
_BITS, _SAMPLES, _STRIP_ROWS, _TILE_WIDTH, _TILE_LENGTH = 258, 277, 278, 322, 323


def check_jpeg(data: bytes) -> None:
    """Reject a JPEG with very many scans or segments, or with segments that Pillow and libjpeg parse differently.

    Each scan of a progressive file is decoded over the whole image, however little data it has: 4.5 MB of scans take
    minutes. Pillow reads segments in Python and joins those with EXIF data again for each one.

    Args:
        data: the whole file.

    Raises:
        UnsupportedFormat: samples of 12 or 16 bits, or a kind of compression, that the decoder does not support.
        ValueError: the file is such a JPEG.
    """
    at, segments, scans, pixels = 2, 0, 0, 0
    while found := _MARKER.search(data, at):
        kind, at = found[1][0], found.end()
        # Before the first scan, Pillow does not stop at an end marker.
        if kind == _EOI and scans:
            return
        segments += 1
        scans += kind == _SOS
        size = 0 if kind in (_SOI, _EOI) else int.from_bytes(data[at : at + 2])
        if kind in _FRAMES or (kind == _JPEG_LS and not scans):
            _check_frame(kind, data[at + 2 : at + 8])
            pixels = int.from_bytes(data[at + 3 : at + 5]) * int.from_bytes(data[at + 5 : at + 7])
        if kind not in (_SOI, _EOI) and (kind not in _KNOWN or size < 2):
            raise ValueError(f"segment {kind:#x} of {size} bytes")
        too_many_pixels = scans > MAX_SCANS_ANY_SIZE and scans * pixels > MAX_SCANNED_PIXELS
        if segments > MAX_SEGMENTS or scans > MAX_SCANS or too_many_pixels:
            raise ValueError(f"{segments} segments, {scans} scans of {pixels} pixels")
        at += size


def _check_frame(kind: int, frame: bytes) -> None:
    """Reject a frame that libjpeg does not decode.

    Args:
        kind: its marker.
        frame: sample precision, height, width and number of components (ITU-T T.81, B.2.2).

    Raises:
        UnsupportedFormat: see `check_jpeg`.
    """
    bits = frame[0] if frame else 8
    if 8 < bits <= 16 or (bits < 8 and kind == _LOSSLESS and bits >= 2):
        raise UnsupportedFormat(f"This is a JPEG with {bits}-bit samples, which are not supported. Save it as 8-bit JPEG.")
    if kind in _UNSUPPORTED_FRAMES:
        name = "JPEG-LS" if kind == _JPEG_LS else "hierarchical or arithmetic lossless JPEG"
        raise UnsupportedFormat(f"This is a {name}, which is not supported. Save it as 8-bit baseline JPEG.")


def check_tiff(tags: Mapping[int, Any], width: int, height: int) -> None:
    """Reject a compressed TIFF with a very large tile or strip, because Pillow allocates memory for a whole one.

    A tile may be larger than its image: a file of 134 bytes can ask for 1.5 GB.

    Args:
        tags: TIFF tags of the first image, by number.
        width: pixels of that image as stored, before it is turned upright.
        height: likewise.

    Raises:
        TooLarge: the TIFF has such a tile or strip. It may be valid and below the limit in pixels.
    """
    bits = tags.get(_BITS, 1)
    sample = -(-max(bits if isinstance(bits, tuple) else (bits,)) // 8)
    columns, rows = tags.get(_TILE_WIDTH, width), tags.get(_TILE_LENGTH, min(tags.get(_STRIP_ROWS, height), height))
    # Some colour spaces are decompressed to four bytes per pixel, however they are stored.
    chunk = columns * rows * max(4, tags.get(_SAMPLES, 1) * sample)
    if chunk > MAX_CHUNK_BYTES:
        raise TooLarge(
            f"This TIFF has a tile or strip of {chunk // 1_000_000} MB; at most {MAX_CHUNK_BYTES // 1_000_000} MB are "
            "accepted. Save it as JPEG and send that."
        )
