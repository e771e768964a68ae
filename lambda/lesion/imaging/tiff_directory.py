"""Read the first directories of a TIFF file (TIFF 6.0): pixel layout, and the marks of camera raw files."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lesion.errors import UnsupportedFormat
from lesion.imaging.formats import CAMERA_RAW

SUBFILE_TYPE, OLD_SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = (
    254,
    255,
    256,
    257,
    258,
    259,
    262,
    266,
)
STRIP_OFFSETS, SAMPLES, PLANES, TILE_OFFSETS, SUB_DIRECTORIES = 273, 277, 284, 324, 330
EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING, DNG_VERSION = 338, 339, 530, 50706

_TAGS = frozenset(
    (
        *(SUBFILE_TYPE, OLD_SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS),
        *(SAMPLES, PLANES, TILE_OFFSETS, SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING, DNG_VERSION),
    )
)
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I"}
_MAX_VALUES = 16
"""Values of an entry that are read: a sub-directory or the bits of a sample more would change nothing."""
_MAX_ENTRIES = 4096
"""Entries of a directory. Microscopes and cameras write a few hundred."""
_MAX_DIRECTORIES = 16
"""Directories that are searched for the marks of camera raw. Raw files have up to about eight."""

_CFA, _LINEAR_RAW = 32803, 34892
"""Photometric interpretations of mosaic pixels (TIFF/EP) and of demosaiced camera pixels (DNG 1.4)."""


@dataclass(frozen=True)
class Directory:
    """The entries of a directory that decide how its image is stored.

    Attributes:
        values: by tag; at most `_MAX_VALUES` of each.
        places: offset in the file of each entry's first value, with the format of `struct` to write it.
        following: offset of the next directory; 0 if there is none.
    """

    values: dict[int, tuple[int, ...]]
    places: dict[int, tuple[int, str]]
    following: int

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag, or the default if the directory lacks it."""
        return self.values.get(tag, (default,))[0]


def read_directory(data: bytes, at: int) -> Directory | None:
    """Return the directory at an offset, or None if it is not complete or has more than `_MAX_ENTRIES`.

    Args:
        data: the whole file.
        at: offset of the directory.
    """
    order = "<" if data[:2] == b"II" else ">"
    if not 8 <= at <= len(data) - 2:
        return None
    (count,) = struct.unpack_from(f"{order}H", data, at)
    end = at + 2 + 12 * count
    if count > _MAX_ENTRIES or end + 4 > len(data):
        return None
    values: dict[int, tuple[int, ...]] = {}
    places: dict[int, tuple[int, str]] = {}
    for tag, kind, length, _ in struct.iter_unpack(f"{order}HHI4s", data[at + 2 : end]):
        at += 12
        if tag not in _TAGS or kind not in _TYPES or not length:
            continue
        letter = _TYPES[kind]
        place = at - 2
        if struct.calcsize(letter) * length > 4:
            (place,) = struct.unpack_from(f"{order}I", data, place)
        form = f"{order}{min(length, _MAX_VALUES)}{letter}"
        if place + struct.calcsize(form) > len(data):
            return None
        values[tag] = struct.unpack_from(form, data, place)
        places[tag] = (place, order + letter)
    return Directory(values, places, int.from_bytes(data[end : end + 4], "little" if order == "<" else "big"))


def read_first_directory(data: bytes) -> Directory | None:
    """Return the directory of the first image, or None if it is not complete."""
    return read_directory(data, int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big"))


def check_not_camera_raw(data: bytes, first: Directory) -> None:
    """Reject camera raw files, in which a decoder of TIFF finds a thumbnail.

    DNG, NEF, ARW and others begin with a reduced image, and the full one is in a sub-directory; CR2 begins with its preview.

    Args:
        data: the whole file.
        first: its first directory.

    Raises:
        UnsupportedFormat: the file has a mark of camera raw: DNGVersion (DNG 1.7, 50706), a photometric interpretation of
            camera pixels, a first directory that is marked as a reduced image, or the signature of CR2 or IIQ.
    """
    if data[8:11] == b"CR\2":
        raise UnsupportedFormat(CAMERA_RAW.format("CR2"))
    if (data[8:12], data[13:16]) == (b"IIII", b"waR") or data[8:15] == b"MMMMRaw":
        raise UnsupportedFormat(CAMERA_RAW.format("IIQ"))
    for directory in (first, *_further(data, first)):
        if DNG_VERSION in directory.values:
            raise UnsupportedFormat(CAMERA_RAW.format("DNG"))
        if directory.first(PHOTOMETRIC, 0) == _CFA:
            raise UnsupportedFormat(CAMERA_RAW.format("pixels of a colour filter array, CFA"))
        if directory.first(PHOTOMETRIC, 0) == _LINEAR_RAW:
            raise UnsupportedFormat(CAMERA_RAW.format("LinearRaw pixels"))
    # In the older tag, 2 is a reduced image.
    if first.first(SUBFILE_TYPE, 0) & 1 or first.first(OLD_SUBFILE_TYPE, 1) == 2:
        raise UnsupportedFormat(CAMERA_RAW.format("a TIFF that begins with a reduced image"))


def _further(data: bytes, first: Directory) -> Iterator[Directory]:
    """Yield the sub-directories of a directory and the following ones, each once."""
    seen: set[int] = set()
    waiting = [*first.values.get(SUB_DIRECTORIES, ()), first.following]
    while waiting and len(seen) < _MAX_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        if directory := read_directory(data, at):
            yield directory
            waiting += [*directory.values.get(SUB_DIRECTORIES, ()), directory.following]
