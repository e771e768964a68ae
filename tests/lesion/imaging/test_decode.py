"""Photographs of every format come out upright, in sRGB; anything else is refused by its own exception."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.decode import decode
from PIL import Image

from tests.support.paths import SAMPLES

PHOTOGRAPHS = [SAMPLES / f"ISIC_{number}.jpg" for number in ("0000026", "0000030")]


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


@pytest.fixture
def photograph() -> Image.Image:
    with Image.open(PHOTOGRAPHS[0]) as image:
        return image.convert("RGB").resize((320, 240))


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_a_large_jpeg_is_reduced_but_never_below_the_side_asked_for(path: Path) -> None:
    photo = decode(path.read_bytes(), at_least=512)
    assert min(photo.width, photo.height) == 1129
    assert 512 <= min(photo.pixels.shape[:2]) < 1024


@pytest.mark.parametrize("name", ["PNG", "WebP", "TIFF", "BMP"])
def test_lossless_formats_keep_every_pixel(photograph: Image.Image, name: str) -> None:
    options = {"lossless": True} if name == "WebP" else {}
    photo = decode(encode(photograph, name, **options))
    assert photo.format == name
    assert np.array_equal(photo.pixels, np.asarray(photograph))


def test_orientation_stands_a_photograph_upright(photograph: Image.Image) -> None:
    exif = Image.Exif()
    exif[274] = 6
    photo = decode(encode(photograph, "PNG", exif=exif))
    assert (photo.width, photo.height) == (240, 320)
    assert np.array_equal(photo.pixels, np.rot90(np.asarray(photograph), -1))


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    photo = decode(encode(Image.fromarray(ramp), "PNG"))
    assert np.array_equal(photo.pixels[..., 0], (ramp >> 8).astype(np.uint8))


def test_transparent_pixels_become_white() -> None:
    photo = decode(encode(Image.new("RGBA", (40, 30), (200, 0, 0, 0)), "PNG"))
    assert (photo.pixels == 255).all()


def test_a_truncated_file_is_invalid() -> None:
    data = PHOTOGRAPHS[0].read_bytes()
    with pytest.raises(InvalidImage, match="truncated or corrupt"):
        decode(data[: len(data) // 2])


def test_the_name_of_the_format_does_not_matter_but_its_content_does() -> None:
    with pytest.raises(UnsupportedFormat, match="JPEG"):
        decode(b"<svg xmlns='http://www.w3.org/2000/svg'/>")


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(TooLarge, match="megapixels"):
        decode(encode(Image.new("1", (9000, 9000)), "PNG"))
