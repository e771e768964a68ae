"""`decode` converts colours to sRGB by the description that takes precedence, and refuses HDR images."""

import struct
from typing import Any

import numpy as np
import pytest
from lesion.errors import UnsupportedFormat
from lesion.imaging.bmff import read_coding_points
from lesion.imaging.coding_points import CodingPoints
from lesion.imaging.colour import to_srgb
from lesion.imaging.decode import decode
from lesion.imaging.rgb_profile import SRGB_CHROMATICITIES, SRGB_CURVE, Curve, build_rgb_profile
from PIL import Image

from tests.support.colours import (
    SRGB_PROFILE,
    TO_2020,
    TO_P3,
    Pixels,
    bright_photo,
    cicp,
    from_linear,
    linear_profile,
    stored,
    to_linear,
    worst,
)
from tests.support.image_files import encode, png_with_chunks, with_coding_points
from tests.support.paths import PHONE_IMAGES


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return bright_photo()


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
