"""`decode` returns upright sRGB pixels, or raises the exception of the error."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.decode import decode
from PIL import Image

from tests.support.paths import SAMPLES

SAMPLE_FILES = [SAMPLES / f"ISIC_{number}.jpg" for number in ("0000026", "0000030")]


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


@pytest.fixture
def sample() -> Image.Image:
    with Image.open(SAMPLE_FILES[0]) as image:
        return image.convert("RGB").resize((320, 240))


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.stem)
def test_decode_reduces_jpegs_to_the_side_at_least(path: Path) -> None:
    decoded = decode(path.read_bytes(), at_least=512)
    assert min(decoded.width, decoded.height) == 1129
    assert 512 <= min(decoded.pixels.shape[:2]) < 1024


@pytest.mark.parametrize("name", ["PNG", "WebP", "TIFF", "BMP"])
def test_decode_keeps_pixels_of_lossless_formats(sample: Image.Image, name: str) -> None:
    options = {"lossless": True} if name == "WebP" else {}
    decoded = decode(encode(sample, name, **options))
    assert decoded.format == name
    assert np.array_equal(decoded.pixels, np.asarray(sample))


def test_decode_applies_the_exif_orientation(sample: Image.Image) -> None:
    exif = Image.Exif()
    exif[274] = 6
    decoded = decode(encode(sample, "PNG", exif=exif))
    assert (decoded.width, decoded.height) == (240, 320)
    assert np.array_equal(decoded.pixels, np.rot90(np.asarray(sample), -1))


def test_decode_scales_16_bits() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    decoded = decode(encode(Image.fromarray(ramp), "PNG"))
    assert np.array_equal(decoded.pixels[..., 0], (ramp >> 8).astype(np.uint8))


def test_decode_blends_onto_white() -> None:
    decoded = decode(encode(Image.new("RGBA", (40, 30), (200, 0, 0, 0)), "PNG"))
    assert (decoded.pixels == 255).all()


def test_decode_rejects_a_truncated_jpeg() -> None:
    data = SAMPLE_FILES[0].read_bytes()
    with pytest.raises(InvalidImage, match="truncated or corrupt"):
        decode(data[: len(data) // 2])


def test_decode_rejects_other_content() -> None:
    with pytest.raises(UnsupportedFormat, match="JPEG"):
        decode(b"<svg xmlns='http://www.w3.org/2000/svg'/>")


def test_decode_rejects_too_many_pixels() -> None:
    with pytest.raises(TooLarge, match="megapixels"):
        decode(encode(Image.new("1", (9000, 9000)), "PNG"))
