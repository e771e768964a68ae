"""The same colours as samples of other colour spaces, and the chunks and profiles that say so."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.support.image_files import small
from tests.support.paths import SAMPLES

Pixels = Any
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# Linear sRGB to linear light of other primaries with the white D65: CSS Color 4 (sample code) and ITU-R BT.2087.
TO_P3 = np.array([[0.822462, 0.177538, 0.0], [0.033194, 0.966806, 0.0], [0.017083, 0.072397, 0.910520]])
TO_2020 = np.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])
TO_ADOBE = np.array([[0.715125, 0.284875, 0.0], [0.0, 1.0, 0.0], [0.0, 0.041162, 0.958838]])
P3 = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE = (0.3127, 0.3290, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)


def bright_photo() -> Pixels:
    """Return a dermoscopic image without its darkest pixels, for which 8 linear bits are too few, uint8 (120, 160, 3)."""
    return np.maximum(np.asarray(small(SAMPLES / "ISIC_0000026.jpg", 160, 120)), 60)


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


def worst(decoded: Pixels, truth: Pixels) -> int:
    return int(np.abs(decoded.astype(int) - truth).max())


def linear_profile(name: str) -> bytes:
    """Return littleCMS's sRGB profile with a curve of gamma 1 (ICC.1:2022, 10.18, function type 0)."""
    at = SRGB_PROFILE.index(b"para") + 8
    linear = SRGB_PROFILE[:at] + bytes(4) + b"\0\1\0\0" + SRGB_PROFILE[at + 8 :]
    return linear.replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))
