"""TIFF files of any layout, written from an array independently of the decoders under test."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Values = int | tuple[int, ...] | bytes

_SIZES = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I"}


def pack(values: npt.NDArray[Any], bits: int, order: str = "<") -> bytes:
    """Return rows of samples, H x N, packed with `bits` per sample; every row begins on a byte (TIFF 6.0)."""
    if bits in (8, 16, 32, 64):
        return values.astype(values.dtype.newbyteorder("<" if order == "<" else ">")).tobytes()
    shifts = np.arange(bits - 1, -1, -1)
    single = (values[..., None].astype(np.uint32) >> shifts) & 1
    return np.packbits(single.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


def lzw(data: bytes) -> bytes:
    """Return valid LZW without any repetition: a clear code often enough that all codes have nine bits."""
    codes: list[int] = []
    for start in range(0, len(data), 250):
        codes += [256, *data[start : start + 250]]
    single = (np.array([*codes, 257])[:, None] >> np.arange(8, -1, -1)) & 1
    return np.packbits(single.astype(np.uint8).ravel()).tobytes()


def packbits(data: bytes) -> bytes:
    """Return PackBits without any repetition."""
    return b"".join(bytes([len(part) - 1]) + part for part in (data[n : n + 128] for n in range(0, len(data), 128)))


COMPRESSIONS: dict[int, Any] = {1: bytes, 5: lzw, 8: zlib.compress, 32946: zlib.compress, 32773: packbits}
"""Encoder by number of the compression (tag 259)."""


def directory(entries: Mapping[int, tuple[int, Values]], at: int, order: str = "<", following: int = 0) -> bytes:
    """Return a directory for the offset `at`, with its values behind it.

    Args:
        entries: type and values by tag.
        at: offset of the directory in the file.
        order: `<` or `>`.
        following: offset of the next directory.
    """
    rows, extra = b"", b""
    behind = at + 6 + 12 * len(entries)
    for tag, (kind, values) in sorted(entries.items()):
        listed = (values,) if isinstance(values, int) else tuple(values)
        content = struct.pack(f"{order}{len(listed)}{_SIZES[kind]}", *listed)
        place = struct.pack(f"{order}I", behind + len(extra)) if len(content) > 4 else content.ljust(4, b"\0")
        extra += content + bytes(len(content) % 2) if len(content) > 4 else b""
        rows += struct.pack(f"{order}HHI", tag, kind, len(listed)) + place
    return struct.pack(f"{order}H", len(entries)) + rows + struct.pack(f"{order}I", following) + extra


def tiff_file(
    pixels: npt.NDArray[Any],
    *,
    photometric: int,
    bits: int = 8,
    order: str = "<",
    planar: bool = False,
    compression: int = 1,
    predictor: bool = False,
    tile: tuple[int, int] | None = None,
    rows_per_strip: int | None = None,
    fill_order: int = 1,
    more: Mapping[int, tuple[int, Values]] | None = None,
) -> bytes:
    """Return a TIFF with one directory, which follows the pixels.

    Args:
        pixels: H x W x samples.
        photometric: tag 262.
        bits: per sample; samples of other sizes than 8, 16, 32 and 64 are packed.
        order: `<` or `>`.
        planar: whether samples are stored in separate planes.
        compression: one of `COMPRESSIONS`.
        predictor: whether to store horizontal differences (tag 317).
        tile: width and height of tiles; strips if None.
        rows_per_strip: all rows if None.
        fill_order: 2 stores the bits of every byte in reverse.
        more: further entries, or others.
    """
    height, width, samples = pixels.shape
    planes = [pixels[..., n : n + 1] for n in range(samples)] if planar else [pixels]
    columns, rows = tile or (width, rows_per_strip or height)
    chunks = [
        _encode(block, bits, order, compression, predictor, fill_order)
        for plane in planes
        for block in _blocks(plane, columns, rows, padded=tile is not None)
    ]
    offsets = tuple(8 + sum(map(len, chunks[:number])) for number in range(len(chunks)))
    sizes = tuple(map(len, chunks))
    entries: dict[int, tuple[int, Values]] = {
        256: (4, width),
        257: (4, height),
        258: (3, (bits,) * samples),
        259: (3, compression),
        262: (3, photometric),
        277: (3, samples),
        284: (3, 2 if planar else 1),
    }
    if fill_order != 1:
        entries[266] = (3, fill_order)
    if predictor:
        entries[317] = (3, 2)
    if tile:
        entries |= {322: (4, columns), 323: (4, rows), 324: (4, offsets), 325: (4, sizes)}
    else:
        entries |= {273: (4, offsets), 278: (4, rows), 279: (4, sizes)}
    entries |= more or {}
    body = b"".join(chunks)
    body += bytes(len(body) % 2)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(body))
    return head + body + directory(entries, 8 + len(body), order)


def _blocks(plane: npt.NDArray[Any], columns: int, rows: int, *, padded: bool) -> Iterable[npt.NDArray[Any]]:
    height, width, _ = plane.shape
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            block = plane[top : top + rows, left : left + columns]
            if padded:
                missing = ((0, rows - block.shape[0]), (0, columns - block.shape[1]), (0, 0))
                block = np.pad(block, missing, mode="edge")
            yield block


def _encode(block: npt.NDArray[Any], bits: int, order: str, compression: int, predictor: bool, fill_order: int) -> bytes:
    if predictor:
        block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1]))
    data = pack(block.reshape(len(block), -1), bits, order)
    data = bytes(COMPRESSIONS[compression](data))
    if fill_order == 2:
        data = np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 8)[:, ::-1]).tobytes()
    return data
