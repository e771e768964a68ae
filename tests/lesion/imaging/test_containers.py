"""Any image in any container: the pixels are the image's within the container's own loss, or the file is refused."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lesion.errors import UnsupportedFormat
from lesion.imaging.decode import decode
from lesion.imaging.rgb_profile import SRGB_CHROMATICITIES, SRGB_CURVE, Curve, build_rgb_profile
from PIL import Image

from tests.support.colours import ADOBE, P3, TO_ADOBE, TO_P3, cicp, from_linear, gama, to_linear
from tests.support.image_files import encode, png_with_chunks, with_coding_points
from tests.support.tiff_files import tiff_file

MOST = settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
Pixels = Any


@dataclass(frozen=True)
class Space:
    """A colour space: how samples become linear sRGB, and how files describe it."""

    to_light: Any
    matrix: Pixels
    profile: bytes
    points: tuple[int, int] | None
    gamma: float | None


SPACES = {
    "sRGB": Space(to_linear, np.eye(3), build_rgb_profile(SRGB_CHROMATICITIES, SRGB_CURVE), (1, 13), 1 / 2.2),
    "P3": Space(to_linear, TO_P3, build_rgb_profile(P3, SRGB_CURVE), (12, 13), None),
    "Adobe RGB": Space(lambda v: v**2.2, TO_ADOBE, build_rgb_profile(ADOBE, Curve(2.2)), None, None),
    "linear": Space(lambda v: v, np.eye(3), build_rgb_profile(SRGB_CHROMATICITIES, Curve(1.0)), (1, 8), 1.0),
    "gamma 1.8": Space(lambda v: v**1.8, np.eye(3), build_rgb_profile(SRGB_CHROMATICITIES, Curve(1.8)), None, 1 / 1.8),
}


def shown(samples: Pixels, space: Space) -> Pixels:
    """Return 0 to 255 in sRGB for samples of a colour space, computed without a profile."""
    light = space.to_light(samples / 255) @ np.linalg.inv(space.matrix).T
    return 255 * from_linear(np.clip(light, 0, 1))


@st.composite
def images(draw: st.DrawFn, *, channels: int = 3, noise: int = 255) -> Pixels:
    """Draw H x W x channels: gradients and noise. Of longer ones, `decode` returns the middle."""
    width = draw(st.integers(1, 70))
    height = draw(st.integers(-(-width // 3), min(50, 3 * width)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y, x = np.mgrid[:height, :width]
    waves = [random.integers(0, 200) + x * random.uniform(-3, 3) + y * random.uniform(-3, 3) for _ in range(channels)]
    values = np.stack(waves, axis=-1) + random.integers(0, draw(st.integers(1, noise)) + 1, (height, width, channels))
    return np.clip(values, 0, 255).astype(np.uint8)


def png16(pixels: Pixels, kind: int) -> bytes:
    """Return a PNG of 16 bits; Pillow writes only grey ones."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def worst(data: bytes, truth: Pixels) -> float:
    pixels = decode(data).pixels
    assert pixels.shape == truth.shape
    return float(np.abs(pixels - truth.astype(float)).max())


@MOST
@given(images(), st.sampled_from(["PNG", "BMP", "WebP", "TIFF", "GIF"]), st.sampled_from(["RGB", "L", "P", "1"]))
def test_lossless_containers_are_exact(pixels: Pixels, name: str, mode: str) -> None:
    if (name, mode) == ("GIF", "RGB"):
        mode = "P"
    image = Image.fromarray(pixels).convert(mode)
    options = {"lossless": True, "exact": True} if name == "WebP" else {}
    data = encode(image.convert("RGB") if name == "WebP" else image, name, **options)
    assert worst(data, np.asarray(image.convert("RGB"))) == 0


@MOST
@given(images(), st.sampled_from(sorted(SPACES)), st.sampled_from(["ICC", "code points", "gAMA"]), st.data())
def test_described_colours_are_converted(pixels: Pixels, name: str, described: str, data: st.DataObject) -> None:
    space = SPACES[name]
    image = Image.fromarray(pixels)
    if described == "gAMA" and space.gamma:
        file = png_with_chunks(encode(image, "PNG"), gama(space.gamma))
    elif described == "code points" and space.points:
        file = png_with_chunks(encode(image, "PNG"), cicp(*space.points))
    else:
        container = data.draw(st.sampled_from(["PNG", "WebP", "TIFF"]))
        options = {"lossless": True, "exact": True} if container == "WebP" else {}
        file = encode(image, container, icc_profile=space.profile, **options)
    # littleCMS computes with 8 bits of input and 14 bits between the curves.
    assert worst(file, shown(pixels, space)) <= (0.001 if name == "sRGB" else 2)


@MOST
@given(
    images(channels=4),
    st.sampled_from(["RGB", "RGBA", "grey"]),
    st.sampled_from([8, 16]),
    st.sampled_from([1, 5, 8, 32773]),
    st.sampled_from("<>"),
    st.sampled_from([(None, None), ((16, 32), None), (None, 7)]),
    st.booleans(),
    st.booleans(),
)
def test_tiff_layouts_are_exact_or_refused(
    pixels: Pixels, kind: str, bits: int, compression: int, order: str, chunks: Any, planar: bool, predictor: bool
) -> None:
    samples = pixels[..., : {"RGB": 3, "RGBA": 4, "grey": 1}[kind]]
    wide = samples if bits == 8 else samples.astype(np.uint16) * 256 + 255 - samples
    file = tiff_file(
        wide,
        photometric=1 if kind == "grey" else 2,
        bits=bits,
        order=order,
        compression=compression,
        tile=chunks[0],
        rows_per_strip=chunks[1],
        planar=planar and kind != "grey",
        predictor=predictor and compression in (5, 8),
        more={338: (3, (2,))} if kind == "RGBA" else {},
    )
    alpha = samples[..., 3:] / 255 if kind == "RGBA" else 1.0
    truth = np.broadcast_to(samples[..., :3] * alpha + 255 * (1 - alpha), (*samples.shape[:2], 3))
    assert worst(file, truth) <= (1 if kind == "RGBA" else 0)


@MOST
@given(images(), st.sampled_from([0, 2]))
def test_png_of_16_bits_is_exact(pixels: Pixels, kind: int) -> None:
    samples = pixels[..., : 1 if kind == 0 else 3]
    file = png16(samples.astype(np.uint16) * 256 + 255 - samples, kind)
    assert worst(file, np.broadcast_to(samples, pixels.shape)) == 0


@MOST
@given(images(channels=4), st.sampled_from(["PNG", "WebP"]))
def test_transparent_images_are_on_white(pixels: Pixels, name: str) -> None:
    file = encode(Image.fromarray(pixels), name, **({"lossless": True, "exact": True} if name == "WebP" else {}))
    alpha = pixels[..., 3:] / 255
    assert worst(file, pixels[..., :3] * alpha + 255 * (1 - alpha)) <= 1


@MOST
@given(images(noise=6), st.sampled_from(["JPEG", "AVIF", "WebP"]), st.sampled_from(sorted(SPACES)), st.booleans())
def test_lossy_containers_lose_little(pixels: Pixels, name: str, colours: str, points: bool) -> None:
    """Smooth images, because only of these a bound of the loss is known: 3 levels on average, as stored."""
    space, image = SPACES[colours], Image.fromarray(pixels)
    options = {"subsampling": "4:4:4"} if name in ("JPEG", "AVIF") else {}
    by_points = points and name == "AVIF" and space.points is not None
    described = {} if by_points else {"icc_profile": space.profile}
    file = encode(image, name, quality=95, **options, **described)
    if by_points and space.points:
        file = with_coding_points(file, *space.points)
    low, high = (shown(np.clip(pixels + change, 0, 255), space) for change in (-3.0, 3.0))
    decoded = decode(file).pixels.astype(float)
    outside = np.maximum(np.maximum(low - decoded, decoded - high), 0)
    assert outside.mean() <= 2.5


@MOST
@given(images(), st.sampled_from([16, 18]), st.sampled_from(["PNG", "AVIF"]))
def test_hdr_is_refused(pixels: Pixels, transfer: int, name: str) -> None:
    image = Image.fromarray(pixels)
    plain = encode(image, name)
    file = png_with_chunks(plain, cicp(9, transfer)) if name == "PNG" else with_coding_points(plain, 9, transfer)
    with pytest.raises(UnsupportedFormat, match="HDR image"):
        decode(file)
