"""`decode` follows the chunks of PNG that describe colours, in the order of the specification."""

from typing import Any

import numpy as np
import pytest
from lesion.errors import UnsupportedFormat
from lesion.imaging.decode import decode
from lesion.imaging.rgb_profile import SRGB_CHROMATICITIES
from PIL import Image

from tests.support.colours import (
    ADOBE,
    P3,
    TO_2020,
    TO_ADOBE,
    TO_P3,
    Pixels,
    bright_photo,
    chrm,
    cicp,
    from_linear,
    gama,
    linear_profile,
    power,
    stored,
    worst,
)
from tests.support.image_files import encode, png_with_chunks


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return bright_photo()


@pytest.mark.parametrize(
    ("points", "encode_light", "matrix", "tolerance"),
    [
        ((12, 13), from_linear, TO_P3, 2),
        ((12, 1), from_linear, TO_P3, 2),
        ((9, 13), from_linear, TO_2020, 2),
        ((9, 14), from_linear, TO_2020, 2),
        ((12, 2), from_linear, TO_P3, 2),
        ((1, 8), lambda light: light, None, 3),
        ((2, 4), power(2.2), None, 2),
        ((1, 5), power(2.8), None, 2),
    ],
)
def test_decode_applies_cicp(
    pixels: Pixels, points: tuple[int, int], encode_light: Any, matrix: Any, tolerance: int
) -> None:
    data = png_with_chunks(encode(stored(pixels, encode_light, matrix), "PNG"), cicp(*points))
    assert worst(decode(data).pixels, pixels) <= tolerance


@pytest.mark.parametrize("points", [(1, 13), (1, 1), (1, 6), (2, 2), (2, 13), (0, 0), (255, 255)])
def test_decode_keeps_srgb_by_cicp(pixels: Pixels, points: tuple[int, int]) -> None:
    data = png_with_chunks(encode(Image.fromarray(pixels), "PNG"), cicp(*points))
    assert np.array_equal(decode(data).pixels, pixels)


@pytest.mark.parametrize("points", [(1, 13), (12, 13)])
def test_decode_expands_the_narrow_range_of_cicp(pixels: Pixels, points: tuple[int, int]) -> None:
    image = stored(pixels, from_linear, TO_P3 if points[0] == 12 else None)
    narrow = Image.fromarray(np.round(16 + np.asarray(image) * (219 / 255)).astype(np.uint8))
    data = png_with_chunks(encode(narrow, "PNG"), cicp(*points, full_range=0))
    assert worst(decode(data).pixels, pixels) <= 3


@pytest.mark.parametrize("content", [b"", b"\x0c\x0d\x00", b"\x0c\x0d\x06\x01", b"\x0c\x0d\x00\x07"])
def test_decode_ignores_malformed_cicp(pixels: Pixels, content: bytes) -> None:
    data = png_with_chunks(encode(Image.fromarray(pixels), "PNG"), (b"cICP", content))
    assert np.array_equal(decode(data).pixels, pixels)


@pytest.mark.parametrize(
    ("chunks", "encode_light", "matrix"),
    [
        ([gama(1.0)], lambda light: light, None),
        ([gama(1 / 1.8)], power(1.8), None),
        ([gama(1.0), chrm(SRGB_CHROMATICITIES)], lambda light: light, None),
        ([gama(1 / 2.2), chrm(ADOBE)], power(2.2), TO_ADOBE),
        ([gama(1.0), chrm(P3)], lambda light: light, TO_P3),
        ([chrm(P3)], from_linear, TO_P3),
    ],
)
def test_decode_applies_gama_and_chrm(pixels: Pixels, chunks: Any, encode_light: Any, matrix: Any) -> None:
    data = png_with_chunks(encode(stored(pixels, encode_light, matrix), "PNG"), *chunks)
    assert worst(decode(data).pixels, pixels) <= 3


@pytest.mark.parametrize(
    "chunks",
    [
        [gama(0.45455)],
        [gama(0.45455), chrm(SRGB_CHROMATICITIES)],
        [gama(0.46)],
        [gama(0.0)],
        [chrm((0.0,) * 8)],
        [gama(0.5), chrm((0.3127, 0.329, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3))],
        [(b"sRGB", b"\0"), gama(1.0), chrm(P3)],
        [cicp(1, 13), gama(1.0), chrm(P3)],
    ],
)
def test_decode_keeps_srgb_by_chunks(pixels: Pixels, chunks: Any) -> None:
    """The gamma that stands for sRGB, numbers of no colour space, and chunks that sRGB or cICP override."""
    data = png_with_chunks(encode(Image.fromarray(pixels), "PNG"), *chunks)
    assert np.array_equal(decode(data).pixels, pixels)


def test_decode_prefers_cicp_then_iccp_then_srgb(pixels: Pixels) -> None:
    linear = linear_profile("sRGB")
    p3 = encode(stored(pixels, from_linear, TO_P3), "PNG", icc_profile=linear)
    assert worst(decode(png_with_chunks(p3, cicp(12, 13), (b"sRGB", b"\0"), gama(1.0))).pixels, pixels) <= 2
    light = encode(stored(pixels, lambda light: light), "PNG", icc_profile=linear)
    assert worst(decode(png_with_chunks(light, (b"sRGB", b"\0"), gama(0.3))).pixels, pixels) <= 3
    malformed = encode(stored(pixels, lambda light: light), "PNG", icc_profile=b"no profile")
    assert worst(decode(png_with_chunks(malformed, gama(1.0))).pixels, pixels) <= 3


def test_decode_refuses_logarithmic_curves(pixels: Pixels) -> None:
    with pytest.raises(UnsupportedFormat, match="logarithmic"):
        decode(png_with_chunks(encode(Image.fromarray(pixels), "PNG"), cicp(1, 9)))
