"""Build ICC profiles of RGB colour spaces that a file describes by primaries and a transfer curve."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""CIE 1931 x and y of white, red, green and blue, in the order of PNG's chunk cHRM."""

D65 = (0.3127, 0.3290)
SRGB_CHROMATICITIES: Chromaticities = (*D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
"""ITU-R BT.709 and IEC 61966-2-1."""

_D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the profile connection space (ICC.1:2022, 7.2.16)."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Linear Bradford matrix (ICC.1:2022, annex E)."""


@dataclass(frozen=True)
class Curve:
    """Parametric curve from samples to linear light, both 0 to 1 (ICC.1:2022, 10.18, function type 4).

    Y = (a X + b)^g + e for X >= d, and c X + f below.
    """

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def for_narrow_range(self) -> "Curve":
        """Return the curve for samples of which 16 is black and 235 is white (ITU-T H.273, 8.3)."""
        scale, offset = 255 / 219, 16 / 219
        return Curve(
            self.g,
            self.a * scale,
            self.b - self.a * offset,
            self.c * scale,
            (self.d + offset) / scale,
            self.e,
            self.f - self.c * offset,
        )


SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1."""


def build_rgb_profile(chromaticities: Chromaticities, curve: Curve) -> bytes:
    """Return an ICC profile, version 4, of an RGB colour space.

    Args:
        chromaticities: of white and of the primaries.
        curve: of each of the three channels.

    Raises:
        ValueError: no such colour space exists: a white without brightness, or primaries on one line.
    """
    columns = _colorants(chromaticities)
    white = _text(b"XYZ ") + _fixed(*_D50)
    trc = _text(b"para") + struct.pack(">HH", 4, 0) + _fixed(curve.g, curve.a, curve.b, curve.c, curve.d, curve.e, curve.f)
    tags = {b"wtpt": white, b"rTRC": trc, b"gTRC": trc, b"bTRC": trc}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True):
        tags[name] = _text(b"XYZ ") + _fixed(*column)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04300000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + _fixed(*_D50) + bytes(48) + table + body


def _colorants(chromaticities: Chromaticities) -> npt.NDArray[np.float64]:
    """Return the primaries as columns of XYZ, adapted to D50, which sum to white."""
    (white_x, white_y), *primaries = (chromaticities[n : n + 2] for n in range(0, 8, 2))
    if white_y <= 0:
        raise ValueError("white without brightness")
    white = np.array([white_x, white_y, 1 - white_x - white_y]) / white_y
    unscaled = np.array([(x, y, 1 - x - y) for x, y in primaries]).T
    columns = unscaled * np.linalg.solve(unscaled, white)
    cone_white, cone_d50 = _BRADFORD @ white, _BRADFORD @ _D50
    adapted: npt.NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(cone_d50 / cone_white) @ _BRADFORD @ columns
    if not np.isfinite(adapted).all():
        raise ValueError("primaries on one line")
    return adapted


def _text(kind: bytes) -> bytes:
    return kind + bytes(4)


def _fixed(*values: float) -> bytes:
    """Return numbers as s15Fixed16 (ICC.1:2022, 4.6)."""
    try:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
    except struct.error as error:
        raise ValueError("number out of range") from error
