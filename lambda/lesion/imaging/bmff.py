"""Colour spaces of HEIC and AVIF files by code points, from their boxes (ISO/IEC 14496-12 and 23008-12)."""

from collections.abc import Iterator

from lesion.imaging.coding_points import CodingPoints

_MAX_BOXES = 10_000
"""Boxes of one container that are read. A photo of 48 megapixels in tiles has a few hundred properties."""
_SAMPLE_ENTRY = 78
"""Bytes of a VisualSampleEntry before its boxes (ISO/IEC 14496-12, 12.1.3.2)."""

Box = tuple[bytes, bytes]
"""Type and content."""


def read_coding_points(data: bytes) -> CodingPoints | None:
    """Return the code points of the primary image, or else of the first track; None if there are none.

    The file's own description is used, never that in the coded stream, and the default is sRGB (MIAF, ISO/IEC 23000-22,
    7.3.6.4).

    Args:
        data: the whole file.
    """
    try:
        meta = _child(data, b"meta")
        points = _of_primary_item(meta[4:]) if meta else None
        return points or _of_first_track(data)
    except (IndexError, ValueError):
        # The decoder finds the error, if it needs what is malformed.
        return None


def _boxes(data: bytes) -> Iterator[Box]:
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            return
        size, kind, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = at + size if size else len(data)
        if end < at + head:
            return
        yield kind, data[at + head : end]
        at = end


def _child(data: bytes, *path: bytes) -> bytes | None:
    """Return the content of the first box on a path."""
    for kind in path:
        found = next((content for name, content in _boxes(data) if name == kind), None)
        if found is None:
            return None
        data = found
    return data


def _of_primary_item(meta: bytes) -> CodingPoints | None:
    primary, properties = _child(meta, b"pitm"), _child(meta, b"iprp")
    if not primary or not properties:
        return None
    item = int.from_bytes(primary[4:6] if primary[0] == 0 else primary[4:8])
    points = _of_item(properties, item)
    if points:
        return points
    # An image of tiles may leave the description to them; the first one stands for all.
    tile = _first_source(_child(meta, b"iref") or b"", item)
    return None if tile is None else _of_item(properties, tile)


def _of_item(properties: bytes, item: int) -> CodingPoints | None:
    listed = list(_boxes(_child(properties, b"ipco") or b""))
    for kind, content in _boxes(properties):
        if kind == b"ipma":
            for index in _associated(content, item):
                if 0 < index <= len(listed) and (points := _colr(listed[index - 1])):
                    return points
    return None


def _associated(ipma: bytes, item: int) -> Iterator[int]:
    """Yield the numbers of an item's properties, counted from 1 (ISO/IEC 23008-12, 9.3)."""
    wide_item, wide_index = ipma[0] >= 1, ipma[3] & 1
    at = 8
    for _ in range(min(int.from_bytes(ipma[4:8]), _MAX_BOXES)):
        end = at + (4 if wide_item else 2)
        number, count = int.from_bytes(ipma[at:end]), ipma[end]
        width = 2 if wide_index else 1
        at = end + 1 + count * width
        if number == item:
            for start in range(end + 1, at, width):
                # The highest bit says that the property is essential.
                yield int.from_bytes(ipma[start : start + width]) & (0x7FFF if wide_index else 0x7F)
            return


def _first_source(iref: bytes, item: int) -> int | None:
    """Return the first image of which a derived image is made (ISO/IEC 14496-12, 8.11.12)."""
    if len(iref) < 4:
        return None
    width = 2 if iref[0] == 0 else 4
    for kind, content in _boxes(iref[4:]):
        if kind == b"dimg" and int.from_bytes(content[:width]) == item:
            return int.from_bytes(content[width + 2 : 2 * width + 2])
    return None


def _of_first_track(data: bytes) -> CodingPoints | None:
    table = _child(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(_boxes(table[8:]), None) if table else None
    return next((points for box in _boxes(entry[1][_SAMPLE_ENTRY:]) if (points := _colr(box))), None) if entry else None


def _colr(box: Box) -> CodingPoints | None:
    """Return the code points of a box `colr` with type `nclx` (ISO/IEC 14496-12, 12.1.5); decoded pixels have full range."""
    kind, content = box
    if kind != b"colr" or content[:4] != b"nclx" or len(content) < 10:
        return None
    return CodingPoints(int.from_bytes(content[4:6]), int.from_bytes(content[6:8]))
