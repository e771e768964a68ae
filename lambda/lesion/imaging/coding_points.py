"""Colour spaces by the code points of ITU-T H.273, which HEIC, AVIF (`nclx`) and PNG (`cICP`) use."""

from dataclasses import dataclass

from lesion.errors import UnsupportedFormat
from lesion.imaging.rgb_profile import D65, SRGB_CHROMATICITIES, SRGB_CURVE, Chromaticities, Curve, build_rgb_profile

_C = (0.310, 0.316)
_PRIMARIES: dict[int, Chromaticities] = {
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: (1 / 3, 1 / 3, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""H.273 table 2. Code points that are not here are those of sRGB, unspecified (2) or reserved."""

_CURVES: dict[int, Curve] = {
    4: Curve(2.2),
    5: Curve(2.8),
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 0.25, 0.0913),
    8: Curve(1.0),
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
}
"""H.273 table 3. The others are decoded as sRGB. That is 13. The curve of cameras (1, 6, 11, 12, 14, 15) marks images made
for displays that decode like sRGB, and viewers show them so; 2 is unspecified, and the rest is reserved."""

_HDR = {16: "PQ", 18: "HLG"}
_LOGARITHMIC = (9, 10)


@dataclass(frozen=True)
class CodingPoints:
    """The colour space of an image by code points.

    Attributes:
        primaries: H.273 table 2.
        transfer: H.273 table 3.
        full_range: False if 16 is black and 235 is white in the decoded pixels. Decoders of HEIC and AVIF return full range.
    """

    primaries: int
    transfer: int
    full_range: bool = True

    def profile(self) -> bytes | None:
        """Return an ICC profile of the colour space; None if it is sRGB.

        Raises:
            UnsupportedFormat: PQ, HLG or a logarithmic curve.
        """
        check_not_hdr(self.transfer)
        if self.transfer in _LOGARITHMIC:
            raise UnsupportedFormat("This image has a logarithmic curve, which is not supported. Save it as sRGB.")
        chromaticities, curve = _PRIMARIES.get(self.primaries), _CURVES.get(self.transfer)
        if not (chromaticities or curve) and self.full_range:
            return None
        curve = curve or SRGB_CURVE
        return build_rgb_profile(
            chromaticities or SRGB_CHROMATICITIES, curve if self.full_range else curve.for_narrow_range()
        )


def check_not_hdr(transfer: int) -> None:
    """Reject the transfer curves of HDR images.

    Their decoded 8 bits have too few levels for the range that the model was trained on.

    Args:
        transfer: code point of H.273 table 3.

    Raises:
        UnsupportedFormat: PQ or HLG.
    """
    if transfer in _HDR:
        raise UnsupportedFormat(
            f"HDR image: save it as SDR. Its brightness ({_HDR[transfer]}) is not that of the photos the model knows."
        )
