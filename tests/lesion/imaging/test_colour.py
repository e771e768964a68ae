"""`decode` converts colours to sRGB by the description that takes precedence, and refuses HDR images."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lesion.errors import UnsupportedFormat
from lesion.imaging.bmff import read_coding_points
from lesion.imaging.coding_points import CodingPoints
from lesion.imaging.colour import to_srgb
from lesion.imaging.decode import decode
from lesion.imaging.rgb_profile import SRGB_CHROMATICITIES, SRGB_CURVE, Curve, build_rgb_profile
from PIL import Image, ImageCms

from tests.support.image_files import encode, png_with_chunks, small, with_coding_points
from tests.support.paths import PHONE_IMAGES, SAMPLES

Pixels = Any
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# Linear sRGB to linear light of other primaries with the white D65: CSS Color 4, section 18, and ITU-R BT.2087.
TO_P3 = np.array([[0.822462, 0.177538, 0.0], [0.033194, 0.966806, 0.0], [0.017083, 0.072397, 0.910520]])
TO_2020 = np.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])
TO_ADOBE = np.array([[0.715125, 0.284875, 0.0], [0.0, 1.0, 0.0], [0.0, 0.041162, 0.958838]])
P3 = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE = (0.3127, 0.3290, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)


def to_linear(values: Pixels) -> Pixels:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_linear(values: Pixels) -> Pixels:
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def power(exponent: float) -> Callable[[Pixels], Pixels]:
    return lambda values: values ** (1 / exponent)


def stored(pixels: Pixels, encode_light: Callable[[Pixels], Pixels], matrix: Pixels = None) -> Image.Image:
    """Return the same colours as samples of another colour space."""
    light = to_linear(pixels / 255)
    if matrix is not None:
        light = light @ matrix.T
    return Image.fromarray(np.round(255 * encode_light(light)).astype(np.uint8))


def cicp(primaries: int, transfer: int, matrix: int = 0, full_range: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, transfer, matrix, full_range])


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", round(value * 100_000).to_bytes(4)


def chrm(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    """Return a dermoscopic image without its darkest pixels, for which 8 linear bits are too few."""
    return np.maximum(np.asarray(small(SAMPLES / "ISIC_0000026.jpg", 160, 120)), 60)


def worst(decoded: Pixels, truth: Pixels) -> int:
    return int(np.abs(decoded.astype(int) - truth).max())


def linear_profile(name: str) -> bytes:
    """Return littleCMS's sRGB profile with a curve of gamma 1 (ICC.1:2022, 10.18, function type 0)."""
    at = SRGB_PROFILE.index(b"para") + 8
    linear = SRGB_PROFILE[:at] + bytes(4) + b"\0\1\0\0" + SRGB_PROFILE[at + 8 :]
    return linear.replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))


@pytest.mark.parametrize("container", ["PNG", "TIFF", "WebP"])
@pytest.mark.parametrize("name", ["sRGB", "line"])
def test_decode_applies_profiles_whatever_their_name(pixels: Pixels, container: str, name: str) -> None:
    options = {"lossless": True} if container == "WebP" else {}
    data = encode(stored(pixels, lambda light: light), container, icc_profile=linear_profile(name), **options)
    assert worst(decode(data).pixels, pixels) <= 3


@pytest.mark.parametrize("container", ["PNG", "TIFF", "WebP", "JPEG"])
def test_decode_keeps_every_srgb_profile(pixels: Pixels, container: str) -> None:
    """Also one with another name, and one with slightly different numbers."""
    image = Image.fromarray(pixels)
    options: dict[str, Any] = {"lossless": True} if container == "WebP" else {}
    plain = decode(encode(image, container, **options)).pixels
    renamed = SRGB_PROFILE.replace("sRGB".encode("utf-16-be"), "c2ci".encode("utf-16-be"))
    for profile in (SRGB_PROFILE, renamed, build_rgb_profile(SRGB_CHROMATICITIES, SRGB_CURVE)):
        assert np.array_equal(decode(encode(image, container, icc_profile=profile, **options)).pixels, plain)


def test_decode_applies_profiles_to_grey_images(pixels: Pixels) -> None:
    grey = Image.fromarray(pixels).convert("L")
    light = Image.fromarray(np.round(255 * to_linear(np.asarray(grey) / 255)).astype(np.uint8))
    for image in (light, Image.merge("LA", (light, Image.new("L", light.size, 255)))):
        decoded = decode(encode(image, "PNG", icc_profile=linear_profile("sRGB"))).pixels
        assert worst(decoded, np.asarray(grey.convert("RGB"))) <= 3


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


def avif(image: Image.Image, **options: Any) -> bytes:
    return encode(image, "AVIF", quality=100, subsampling="4:4:4", speed=8, **options)


def test_decode_applies_nclx_of_avif(pixels: Pixels) -> None:
    for matrix, points in ((TO_P3, (12, 13)), (TO_2020, (9, 1))):
        decoded = decode(with_coding_points(avif(stored(pixels, from_linear, matrix)), *points)).pixels
        assert np.abs(decoded.astype(int) - pixels).mean() < 1.5
        assert worst(decoded, pixels) <= 12
    data = avif(Image.fromarray(pixels))
    assert np.array_equal(decode(data).pixels, decode(with_coding_points(data, 2, 2)).pixels)


def test_decode_applies_nclx_of_heic() -> None:
    data = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    plain = decode(data).pixels
    assert np.array_equal(decode(with_coding_points(data, 2, 2)).pixels, plain)
    light = np.clip(to_linear(plain / 255) @ np.linalg.inv(TO_P3).T, 0, 1)
    assert np.abs(decode(with_coding_points(data, 12, 13)).pixels - 255 * from_linear(light)).max() <= 2


def test_decode_prefers_the_profile_to_nclx(pixels: Pixels) -> None:
    data = avif(stored(pixels, lambda light: light), icc_profile=linear_profile("sRGB"))
    for points in ((1, 13), (12, 13)):
        decoded = decode(with_coding_points(data, *points)).pixels
        assert np.abs(decoded.astype(int) - pixels).mean() < 2


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_decode_refuses_hdr(pixels: Pixels, transfer: int, name: str) -> None:
    image = Image.fromarray(pixels)
    heic = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    files = (
        png_with_chunks(encode(image, "PNG"), cicp(9, transfer)),
        png_with_chunks(encode(image, "PNG", icc_profile=SRGB_PROFILE), cicp(9, transfer)),
        with_coding_points(avif(image), 9, transfer),
        with_coding_points(heic, 9, transfer),
        encode(image, "JPEG", icc_profile=profile_with_cicp(transfer)),
        encode(image, "PNG", icc_profile=profile_with_cicp(transfer)),
    )
    for data in files:
        with pytest.raises(UnsupportedFormat, match=f"HDR image: save it as SDR.*{name}"):
            decode(data)


def profile_with_cicp(transfer: int) -> bytes:
    """Return sRGB with the tag `cicp` instead of `cprt` (ICC.1:2022, 9.2.17 and 10.3)."""
    at = SRGB_PROFILE.index(b"cprt")
    table = b"cicp" + struct.pack(">II", len(SRGB_PROFILE), 12)
    return SRGB_PROFILE[:at] + table + SRGB_PROFILE[at + 12 :] + b"cicp" + bytes(4) + bytes([9, transfer, 0, 1])


def test_decode_refuses_the_profile_that_stands_for_pq(pixels: Pixels) -> None:
    profile = SRGB_PROFILE + "ITUR_2100_PQ_FULL".encode("utf-16-be")
    with pytest.raises(UnsupportedFormat, match="HDR"):
        decode(encode(Image.fromarray(pixels), "PNG", icc_profile=profile))


def test_decode_refuses_logarithmic_curves(pixels: Pixels) -> None:
    with pytest.raises(UnsupportedFormat, match="logarithmic"):
        decode(png_with_chunks(encode(Image.fromarray(pixels), "PNG"), cicp(1, 9)))


@pytest.mark.parametrize("container", ["JPEG", "TIFF"])
def test_decode_ignores_rgb_profiles_of_cmyk(pixels: Pixels, container: str) -> None:
    image = Image.fromarray(pixels).convert("CMYK")
    plain = decode(encode(image, container)).pixels
    assert np.array_equal(decode(encode(image, container, icc_profile=SRGB_PROFILE)).pixels, plain)
    assert np.array_equal(decode(encode(image, container, icc_profile=linear_profile("sRGB"))).pixels, plain)


def test_to_srgb_blends_before_converting() -> None:
    clear = Image.new("RGBA", (4, 4), (10, 200, 30, 0))
    assert (np.asarray(to_srgb(clear, [linear_profile("sRGB")])) == 255).all()


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 8, 9, 10, 11, 12, 22])
def test_profiles_of_all_primaries_keep_white(primaries: int) -> None:
    profile = CodingPoints(primaries, 13).profile()
    image = Image.new("RGB", (8, 8), "white")
    assert profile and (np.asarray(to_srgb(image, [profile])) >= 254).all()


@pytest.mark.parametrize("chromaticities", [(0.3, 0.0, 0.6, 0.3, 0.3, 0.6, 0.1, 0.1), (0.3, 0.3) * 4])
def test_build_rgb_profile_rejects_impossible_primaries(chromaticities: Any) -> None:
    with pytest.raises(ValueError):
        build_rgb_profile(chromaticities, Curve(1.0))


def test_read_coding_points_survives_any_truncation() -> None:
    data = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    assert read_coding_points(data) == CodingPoints(1, 13)
    end = data.index(b"mdat")
    for size in range(end):
        assert read_coding_points(data[:size]) in (None, CodingPoints(1, 13))
