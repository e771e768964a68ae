"""`decode` reads the files of phones, scanners and old programs as upright sRGB pixels."""

from typing import Any

import numpy as np
import pytest
from lesion.errors import InvalidImage, UnsupportedFormat
from lesion.imaging.decode import decode
from lesion.imaging.formats import FORMATS, sniff_format
from lesion.imaging.heic import HeicImage, check_item_names
from PIL import Image, ImageCms

from tests.support.image_files import encode, small
from tests.support.paths import PHONE_IMAGES, SAMPLES

SIDE = (96, 64)


@pytest.fixture(scope="module")
def sample_image() -> Image.Image:
    return small(SAMPLES / "ISIC_0000026.jpg", *SIDE)


def difference(pixels: Any, image: Image.Image) -> float:
    """Return the mean absolute difference in levels of 255."""
    return float(np.abs(pixels.astype(float) - np.asarray(image.convert("RGB"), float)).mean())


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "AVIF"])
def test_decode_supports_every_format(sample_image: Image.Image, name: str) -> None:
    decoded = decode(encode(sample_image, name))
    assert (decoded.format, decoded.width, decoded.height) == (name, *SIDE)
    assert decoded.pixels.shape == (64, 96, 3)
    assert decoded.pixels.dtype == np.uint8
    assert difference(decoded.pixels, sample_image) < 6


@pytest.mark.parametrize(("name", "turned"), [("ISIC_0000026.heic", False), ("ISIC_0000026-turned.heic", True)])
def test_decode_turns_heic_upright(name: str, turned: bool) -> None:
    decoded = decode((PHONE_IMAGES / name).read_bytes())
    expected = small(SAMPLES / "ISIC_0000026.jpg", 320, 240)
    pixels = np.rot90(decoded.pixels) if turned else decoded.pixels
    assert (decoded.format, decoded.width, decoded.height) == ("HEIC", *((240, 320) if turned else (320, 240)))
    assert difference(pixels, expected) < 4


@pytest.mark.parametrize("item", [b"\xb3xif", b"E\xbaif", b"Exi\xc3"])
def test_decode_rejects_heic_that_crashes_the_decoder(item: bytes) -> None:
    # Found by random corruption: pi_heif 1.4.0 cannot decode such a type, and dereferences a null pointer.
    data = (PHONE_IMAGES / "ISIC_0000026-turned.heic").read_bytes().replace(b"\0\0Exif\0", b"\0\0" + item + b"\0", 1)
    with pytest.raises(InvalidImage):
        decode(data)


def test_check_item_names_ignores_pixels() -> None:
    data = bytearray((PHONE_IMAGES / "ISIC_0000026.heic").read_bytes())
    data[-20:-12] = b"\xff\xff\xff\xffinfe"
    check_item_names(bytes(data))
    check_item_names(bytes(data) + b"infe")


@pytest.mark.parametrize("quality", [50, 95])
def test_decode_converts_cmyk(sample_image: Image.Image, quality: int) -> None:
    decoded = decode(encode(sample_image.convert("CMYK"), "JPEG", quality=quality))
    assert difference(decoded.pixels, sample_image) < 12


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA"])
def test_decode_converts_every_mode_to_rgb(sample_image: Image.Image, mode: str) -> None:
    converted = sample_image.convert(mode)
    decoded = decode(encode(converted, "PNG"))
    assert decoded.pixels.shape == (64, 96, 3)
    assert difference(decoded.pixels, converted) == 0


def test_decode_converts_grey_jpegs_to_rgb(sample_image: Image.Image) -> None:
    pixels = decode(encode(sample_image.convert("L"), "JPEG")).pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()


def test_decode_blends_a_palette_colour_onto_white() -> None:
    image = Image.new("P", (20, 10), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (10, 0, 20, 10))
    pixels = decode(encode(image, "PNG", transparency=0)).pixels
    assert (pixels[:, :10] == 255).all()
    assert (pixels[:, 10:] == (200, 100, 50)).all()


@pytest.mark.parametrize(("mode", "clear", "other"), [("1", 0, 255), ("L", 7, 90), ("RGB", (7, 7, 7), (90, 80, 70))])
@pytest.mark.parametrize("size", [(20, 10), (2400, 1200)])
def test_decode_blends_a_colour_onto_white(mode: str, clear: Any, other: Any, size: tuple[int, int]) -> None:
    image = Image.new(mode, size, clear)
    image.paste(other, (size[0] // 2, 0, *size))
    pixels = decode(encode(image, "PNG", transparency=clear)).pixels
    half = pixels.shape[1] // 2
    assert (pixels[:, :half] == 255).all()
    assert (pixels[:, half:] == other).all()


def test_decode_uses_the_first_frame() -> None:
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "lime", "blue")]
    for name in ("GIF", "WebP", "PNG", "AVIF"):
        options = {"lossless": True} if name == "WebP" else {}
        data = encode(frames[0], name, save_all=True, append_images=frames[1:], duration=100, **options)
        assert np.abs(decode(data).pixels.astype(int) - (255, 0, 0)).max() < 12, name


def test_decode_uses_the_first_page() -> None:
    data = encode(Image.new("RGB", (40, 30), "red"), "TIFF", save_all=True, append_images=[Image.new("RGB", (50, 60))])
    decoded = decode(data)
    assert (decoded.width, decoded.height) == (40, 30)
    assert (decoded.pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_decode_rejects_32_bit_pixels(dtype: Any) -> None:
    data = encode(Image.fromarray(np.zeros((30, 40), dtype)), "TIFF")
    with pytest.raises(UnsupportedFormat, match="8-bit RGB"):
        decode(data)


UPRIGHT = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WebP"])
def test_decode_applies_every_orientation(sample_image: Image.Image, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if name == "WebP" else {"quality": 100, "subsampling": 0} if name == "JPEG" else {}
    decoded = decode(encode(sample_image, name, exif=exif, **options))
    expected = UPRIGHT[orientation](np.asarray(sample_image))
    assert (decoded.height, decoded.width) == decoded.pixels.shape[:2] == expected.shape[:2]
    assert np.abs(decoded.pixels.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_decode_ignores_unknown_orientations(sample_image: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    assert np.array_equal(decode(encode(sample_image, "PNG", exif=exif)).pixels, np.asarray(sample_image))


def test_decode_ignores_malformed_exif(sample_image: Image.Image) -> None:
    decoded = decode(encode(sample_image, "JPEG", exif=b"Exif\0\0garbage that is no TIFF header"))
    assert (decoded.width, decoded.height) == SIDE


def test_decode_ignores_exif_that_raises(sample_image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow raises several kinds of exception for malformed EXIF data."""

    def fail(_: Image.Image) -> Image.Exif:
        raise SyntaxError("malformed EXIF data")

    monkeypatch.setattr(Image.Image, "getexif", fail)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.getexif", fail)
    assert np.array_equal(decode(encode(sample_image, "PNG")).pixels, np.asarray(sample_image))


def wide_gamut() -> bytes:
    """Return an RGB profile that is called sRGB, with red and green swapped, so that a conversion is easy to see."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(profile[128:132])
    entries = [profile[132 + 12 * n : 144 + 12 * n] for n in range(count)]
    swap = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
    table = b"".join(swap.get(entry[:4], entry[:4]) + entry[4:] for entry in entries)
    return profile[:132] + table + profile[132 + 12 * count :]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WebP"])
def test_decode_applies_the_colour_profile(name: str) -> None:
    image = Image.new("RGB", (40, 30), (200, 50, 100))
    options = {"lossless": True} if name == "WebP" else {"quality": 100} if name == "JPEG" else {}
    pixels = decode(encode(image, name, icc_profile=wide_gamut(), **options)).pixels
    assert np.abs(pixels.astype(int) - (50, 200, 100)).max() <= 4


def test_decode_keeps_srgb(sample_image: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode(encode(sample_image, "PNG", icc_profile=profile)).pixels, np.asarray(sample_image))


@pytest.mark.parametrize("profile", [b"no profile", bytes(200)])
def test_decode_ignores_malformed_profiles(sample_image: Image.Image, profile: bytes) -> None:
    assert np.array_equal(decode(encode(sample_image, "PNG", icc_profile=profile)).pixels, np.asarray(sample_image))


def test_decode_ignores_profiles_of_other_spaces(sample_image: Image.Image) -> None:
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(decode(encode(sample_image, "PNG", icc_profile=grey)).pixels, np.asarray(sample_image))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_decode_rejects_truncated_files(name: str, share: float) -> None:
    if name == "HEIC":
        data = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    else:
        data = encode(small(SAMPLES / "ISIC_0000026.jpg", 400, 300), name)
    with pytest.raises(InvalidImage, match=f"This {name} file is truncated or corrupt"):
        decode(data[: int(share * len(data))])


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff\xd8", b"BM"[:1], b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypmp42" + bytes(16)]
)
def test_decode_rejects_files_that_are_not_images(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="JPEG, PNG"):
        decode(data)


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"II*\0",
        b"MM\0*",
        b"BM",
        b"GIF89a",
        b"\0\0\0\x18ftypheic" + bytes(12),
        b"\0\0\0\x18ftypavif" + bytes(12),
    ],
)
@pytest.mark.parametrize("rest", [b"", bytes(200), b"\xff" * 200])
def test_decode_rejects_a_header_alone(head: bytes, rest: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode(head + rest)


def test_decode_rejects_zero_pixels() -> None:
    gif = b"GIF89a" + bytes(4) + b"\x80\0\0" + bytes(6) + b",\0\0\0\0\0\0\0\0\0\x02\x02L\x01\0;"
    bmp = encode(Image.new("RGB", (1, 1)), "BMP")
    empty = bmp[:18] + bytes(8) + bmp[26:]
    for data in (gif, empty):
        with pytest.raises(InvalidImage):
            decode(data)


def test_decode_accepts_one_pixel() -> None:
    assert decode(encode(Image.new("RGB", (1, 1), "red"), "PNG")).pixels.tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"heic", "HEIC"),
        (b"mif1\0\0\0\0mif1heic", "HEIC"),
        (b"avif\0\0\0\0avifmif1", "AVIF"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
    ],
)
def test_sniff_format_reads_the_brands(brands: bytes, name: str) -> None:
    box = b"ftyp" + brands
    assert sniff_format((4 + len(box)).to_bytes(4) + box) == name


def test_heic_crop_returns_the_rectangle() -> None:
    heic = HeicImage((PHONE_IMAGES / "ISIC_0000026.heic").read_bytes())
    heic.load()
    width, height = heic.size
    whole = np.asarray(heic.crop((0, 0, width, height)))
    assert whole.shape == (height, width, 3) and whole.std() > 10
    part = np.asarray(heic.crop((5, 7, width - 3, height - 2)))
    assert np.array_equal(part, whole[7 : height - 2, 5 : width - 3])
