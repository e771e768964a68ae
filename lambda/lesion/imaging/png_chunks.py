"""Colour spaces of PNG files, from the chunks before their pixels."""

from collections.abc import Iterator, Mapping
from typing import Any

from lesion.imaging.coding_points import CodingPoints
from lesion.imaging.rgb_profile import SRGB_CHROMATICITIES, SRGB_CURVE, Curve, build_rgb_profile

_GAMMA_THRESHOLD = 0.05
"""libpng, too, takes a gamma within 5 % of another one as equal (PNG_GAMMA_THRESHOLD)."""
_SRGB_GAMMA = 0.45455
"""The value of gAMA that encoders of sRGB write for decoders without the chunk sRGB (PNG, third edition, 11.3.2.5)."""
_SAME_CHROMATICITY = 0.003
_UNSPECIFIED = 2


def png_profiles(data: bytes, info: Mapping[Any, Any]) -> Iterator[bytes | None]:
    """Yield the ICC profiles that describe a PNG's colours, the one that takes precedence first; None stands for sRGB.

    The order is that of the PNG specification, third edition (W3C 2025, 4.3 and 11.3.2): cICP, iCCP, sRGB, then gAMA with
    cHRM. A chunk that cannot be used is passed over.

    Args:
        data: the whole file.
        info: the metadata that Pillow reads.

    Raises:
        UnsupportedFormat: cICP says that the image is HDR.
    """
    points = _coding_points(data)
    if points and (points.primaries, points.transfer) != (_UNSPECIFIED, _UNSPECIFIED):
        yield points.profile()
    if profile := info.get("icc_profile"):
        yield profile
    if "srgb" in info:
        yield None
    gamma, chromaticities = info.get("gamma", 0.0), info.get("chromaticity")
    if chromaticities and all(
        abs(own - usual) < _SAME_CHROMATICITY for own, usual in zip(chromaticities, SRGB_CHROMATICITIES, strict=True)
    ):
        chromaticities = None
    is_usual = gamma <= 0 or abs(gamma / _SRGB_GAMMA - 1) < _GAMMA_THRESHOLD
    if is_usual and not chromaticities:
        return
    curve = Curve(1 / gamma) if gamma > 0 else SRGB_CURVE
    try:
        yield build_rgb_profile(chromaticities or SRGB_CHROMATICITIES, curve)
    except ValueError:
        # No colour space has such numbers, so the chunks count as absent.
        return


def _coding_points(data: bytes) -> CodingPoints | None:
    """Return the content of cICP (PNG, third edition, 11.3.2.6); None if it is absent or malformed."""
    before_pixels = data[: data.find(b"IDAT")]
    # Most files have none, and following thousands of chunks takes time.
    if b"cICP" not in before_pixels:
        return None
    at = 8
    while at + 8 <= len(before_pixels):
        size, kind = int.from_bytes(before_pixels[at : at + 4]), before_pixels[at + 4 : at + 8]
        if kind == b"cICP":
            content = before_pixels[at + 8 : at + 8 + size]
            # The matrix must be 0, because PNG stores RGB.
            is_valid = len(content) == 4 and content[2] == 0 and content[3] <= 1
            return CodingPoints(content[0], content[1], full_range=content[3] == 1) if is_valid else None
        at += 12 + size
    return None
