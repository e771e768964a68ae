"""Kinds of TIFF pixels and all layouts of them, with the pixels that a viewer shows."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.support.tiff_files import Values

HEIGHT, WIDTH = 37, 45
KINDS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "white is zero": (0, 1, ()),
    "grey": (1, 1, ()),
    "grey and unused": (1, 2, (0,)),
    "grey and alpha": (1, 2, (2,)),
    "palette": (3, 1, ()),
    "RGB": (2, 3, ()),
    "RGB and unused": (2, 4, (0,)),
    "RGB and alpha": (2, 4, (2,)),
    "RGB times alpha": (2, 4, (1,)),
    "RGB and unknown": (2, 4, ()),
    "CMYK": (5, 4, ()),
    "CMYK and unused": (5, 5, (0,)),
    "YCbCr": (6, 3, ()),
}
"""Photometric interpretation, samples per pixel and extra samples (tag 338)."""
PALETTE = np.random.default_rng(5).integers(0, 256, (3, 256))
Layout = dict[str, Any]
Pixels = Any


def samples(kind: str, bits: int) -> Pixels:
    """Return H x W x samples with smooth and with random parts."""
    _, count, extra = KINDS[kind]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(7).integers(0, 9, (HEIGHT, WIDTH, count))
    waves = np.stack([x * (3 + n) + y * (1 + 2 * n) for n in range(count)], axis=-1) + noise
    values = (waves * max(1, 2**bits // 300)) % 2**bits
    if extra == (1,):
        values[..., :-1] = np.minimum(values[..., :-1], values[..., -1:])
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def expected(kind: str, bits: int, values: Pixels) -> Pixels:
    """Return the pixels that a viewer shows on white, H x W x 3, 0 to 255."""
    whole = (values >> (bits - 8) if bits >= 8 else values * (255 // (2**bits - 1))).astype(float)
    colour, last = whole[..., :3], whole[..., -1:]
    match kind:
        case "white is zero":
            return np.repeat(255 - whole, 3, axis=-1)
        case "grey" | "grey and unused":
            return np.repeat(whole[..., :1], 3, axis=-1)
        case "grey and alpha":
            return np.repeat(whole[..., :1], 3, axis=-1) * last / 255 + 255 - last
        case "palette":
            return PALETTE[:, : 2**bits].T[values[..., 0]].astype(float)
        case "RGB and alpha" | "RGB and unknown":
            return colour * last / 255 + 255 - last
        case "RGB times alpha":
            return colour + 255 - last
        case "CMYK" | "CMYK and unused":
            return (255 - colour) * (255 - whole[..., 3:4]) / 255
        case "YCbCr":
            luma, blue, red = (whole[..., n] - (128 if n else 0) for n in range(3))
            channels = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
            return np.clip(np.stack(channels, axis=-1), 0, 255)
    return colour


def layouts(kind: str, bits: int) -> Iterator[Layout]:
    photometric, count, extra = KINDS[kind]
    more: dict[int, tuple[int, Values]] = {338: (3, extra)} if extra else {}
    if kind == "palette":
        more[320] = (3, tuple(int(value) * 257 for value in PALETTE[:, : 2**bits].ravel()))
    if kind == "YCbCr":
        more[530] = (3, (1, 1))
    parts: list[Layout] = [{}, {"rows_per_strip": 10}, {"tile": (16, 32)}]
    for order, planar, compression, predictor, chunks, fill in itertools.product(
        "<>", (False, True), (1, 5, 8, 32773), (False, True), parts, (1, 2)
    ):
        if (planar and count == 1) or (predictor and (compression not in (5, 8) or bits not in (8, 16))):
            continue
        yield {
            **{"photometric": photometric, "bits": bits, "order": order, "planar": planar, "compression": compression},
            **{"predictor": predictor, "fill_order": fill, "more": more, **chunks},
        }


def pairwise(kind: str, bits: int) -> Iterator[Layout]:
    """Yield few layouts in which every two options occur in every combination of their values."""
    left = [(layout, _pairs(layout)) for layout in layouts(kind, bits)]
    seen: set[Any] = set()
    while left:
        layout, pairs = max(left, key=lambda each: len(each[1] - seen))
        if pairs <= seen:
            return
        seen |= pairs
        yield layout


def _pairs(layout: Layout) -> set[Any]:
    options = ("order", "planar", "compression", "predictor", "tile", "rows_per_strip", "fill_order")
    return set(itertools.combinations([(name, layout.get(name)) for name in options], 2))
