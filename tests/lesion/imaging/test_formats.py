"""What telephones, scanners and old programs write comes out as upright sRGB pixels, or is refused by its own exception."""

from typing import Any

import numpy as np
import pytest
from lesion.errors import InvalidImage, UnsupportedFormat
from lesion.imaging.decode import decode
from lesion.imaging.formats import FORMATS, sniff_format
from lesion.imaging.heic import HeicImage, check_item_names
from PIL import Image, ImageCms

from tests.support.image_files import encode, small
from tests.support.paths import SAMPLES, TELEPHONE

SIDE = (96, 64)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return small(SAMPLES / "ISIC_0000026.jpg", *SIDE)


def difference(pixels: Any, image: Image.Image) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(pixels.astype(float) - np.asarray(image.convert("RGB"), float)).mean())


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "AVIF"])
def test_every_format_is_named_and_decoded(picture: Image.Image, name: str) -> None:
    photo = decode(encode(picture, name))
    assert (photo.format, photo.width, photo.height) == (name, *SIDE)
    assert photo.pixels.shape == (64, 96, 3)
    assert photo.pixels.dtype == np.uint8
    assert difference(photo.pixels, picture) < 6


@pytest.mark.parametrize(("name", "turned"), [("ISIC_0000026.heic", False), ("ISIC_0000026-turned.heic", True)])
def test_photographs_of_telephones_are_decoded_and_stand_upright(name: str, turned: bool) -> None:
    photo = decode((TELEPHONE / name).read_bytes())
    expected = small(SAMPLES / "ISIC_0000026.jpg", 320, 240)
    pixels = np.rot90(photo.pixels) if turned else photo.pixels
    assert (photo.format, photo.width, photo.height) == ("HEIC", *((240, 320) if turned else (320, 240)))
    assert difference(pixels, expected) < 4


@pytest.mark.parametrize("item", [b"\xb3xif", b"E\xbaif", b"Exi\xc3"])
def test_an_item_type_that_would_end_the_process_is_invalid(item: bytes) -> None:
    # Found by random corruption: pi_heif 1.4.0 makes no text of such a type, and goes on with a null pointer.
    data = (TELEPHONE / "ISIC_0000026-turned.heic").read_bytes().replace(b"\0\0Exif\0", b"\0\0" + item + b"\0", 1)
    with pytest.raises(InvalidImage):
        decode(data)


def test_the_letters_of_an_item_box_among_the_pixels_do_no_harm() -> None:
    data = bytearray((TELEPHONE / "ISIC_0000026.heic").read_bytes())
    data[-20:-12] = b"\xff\xff\xff\xffinfe"
    check_item_names(bytes(data))
    check_item_names(bytes(data) + b"infe")


@pytest.mark.parametrize("quality", [50, 95])
def test_cmyk_jpegs_have_the_right_colours(picture: Image.Image, quality: int) -> None:
    photo = decode(encode(picture.convert("CMYK"), "JPEG", quality=quality))
    assert difference(photo.pixels, picture) < 12


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA"])
def test_every_pixel_type_becomes_rgb(picture: Image.Image, mode: str) -> None:
    converted = picture.convert(mode)
    photo = decode(encode(converted, "PNG"))
    assert photo.pixels.shape == (64, 96, 3)
    assert difference(photo.pixels, converted) == 0


def test_grey_jpegs_become_rgb(picture: Image.Image) -> None:
    pixels = decode(encode(picture.convert("L"), "JPEG")).pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.new("P", (20, 10), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (10, 0, 20, 10))
    pixels = decode(encode(image, "PNG", transparency=0)).pixels
    assert (pixels[:, :10] == 255).all()
    assert (pixels[:, 10:] == (200, 100, 50)).all()


@pytest.mark.parametrize(("mode", "clear", "other"), [("1", 0, 255), ("L", 7, 90), ("RGB", (7, 7, 7), (90, 80, 70))])
@pytest.mark.parametrize("size", [(20, 10), (2400, 1200)])
def test_a_transparent_colour_without_a_palette_becomes_white(
    mode: str, clear: Any, other: Any, size: tuple[int, int]
) -> None:
    image = Image.new(mode, size, clear)
    image.paste(other, (size[0] // 2, 0, *size))
    pixels = decode(encode(image, "PNG", transparency=clear)).pixels
    half = pixels.shape[1] // 2
    assert (pixels[:, :half] == 255).all()
    assert (pixels[:, half:] == other).all()


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "lime", "blue")]
    for name in ("GIF", "WebP", "PNG", "AVIF"):
        options = {"lossless": True} if name == "WebP" else {}
        data = encode(frames[0], name, save_all=True, append_images=frames[1:], duration=100, **options)
        assert np.abs(decode(data).pixels.astype(int) - (255, 0, 0)).max() < 12, name


def test_a_tiff_of_several_pages_gives_the_first() -> None:
    data = encode(Image.new("RGB", (40, 30), "red"), "TIFF", save_all=True, append_images=[Image.new("RGB", (50, 60))])
    photo = decode(data)
    assert (photo.width, photo.height) == (40, 30)
    assert (photo.pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_defined_brightness_are_refused(dtype: Any) -> None:
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
def test_every_orientation_stands_upright(picture: Image.Image, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if name == "WebP" else {"quality": 100, "subsampling": 0} if name == "JPEG" else {}
    photo = decode(encode(picture, name, exif=exif, **options))
    expected = UPRIGHT[orientation](np.asarray(picture))
    assert (photo.height, photo.width) == photo.pixels.shape[:2] == expected.shape[:2]
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(picture: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    assert np.array_equal(decode(encode(picture, "PNG", exif=exif)).pixels, np.asarray(picture))


def test_broken_exif_is_no_exif(picture: Image.Image) -> None:
    photo = decode(encode(picture, "JPEG", exif=b"Exif\0\0garbage that is no TIFF header"))
    assert (photo.width, photo.height) == SIDE


def wide_gamut() -> bytes:
    """An RGB profile whose red and green are swapped, so that a conversion cannot be overlooked."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(profile[128:132])
    entries = [profile[132 + 12 * n : 144 + 12 * n] for n in range(count)]
    swap = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
    table = b"".join(swap.get(entry[:4], entry[:4]) + entry[4:] for entry in entries)
    other = profile[:132] + table + profile[132 + 12 * count :]
    # Its name must not be that of sRGB either: such a profile is left alone.
    return other.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WebP"])
def test_colours_are_converted_by_the_files_profile(name: str) -> None:
    image = Image.new("RGB", (40, 30), (200, 50, 100))
    options = {"lossless": True} if name == "WebP" else {"quality": 100} if name == "JPEG" else {}
    pixels = decode(encode(image, name, icc_profile=wide_gamut(), **options)).pixels
    assert np.abs(pixels.astype(int) - (50, 200, 100)).max() <= 4


def test_the_usual_profile_changes_nothing(picture: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode(encode(picture, "PNG", icc_profile=profile)).pixels, np.asarray(picture))


@pytest.mark.parametrize("profile", [b"no profile", bytes(200)])
def test_a_broken_profile_counts_as_none(picture: Image.Image, profile: bytes) -> None:
    assert np.array_equal(decode(encode(picture, "PNG", icc_profile=profile)).pixels, np.asarray(picture))


def test_a_profile_of_another_colour_space_counts_as_none(picture: Image.Image) -> None:
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(decode(encode(picture, "PNG", icc_profile=grey)).pixels, np.asarray(picture))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_of_any_format_is_invalid(name: str, share: float) -> None:
    if name == "HEIC":
        data = (TELEPHONE / "ISIC_0000026.heic").read_bytes()
    else:
        data = encode(small(SAMPLES / "ISIC_0000026.jpg", 400, 300), name)
    with pytest.raises(InvalidImage, match=f"This {name} file is truncated or corrupt"):
        decode(data[: int(share * len(data))])


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff\xd8", b"BM"[:1], b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypmp42" + bytes(16)]
)
def test_what_is_no_image_is_not_supported(data: bytes) -> None:
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
def test_a_header_alone_is_invalid(head: bytes, rest: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode(head + rest)


def test_zero_pixels_are_invalid() -> None:
    gif = b"GIF89a" + bytes(4) + b"\x80\0\0" + bytes(6) + b",\0\0\0\0\0\0\0\0\0\x02\x02L\x01\0;"
    bmp = encode(Image.new("RGB", (1, 1)), "BMP")
    empty = bmp[:18] + bytes(8) + bmp[26:]
    for data in (gif, empty):
        with pytest.raises(InvalidImage):
            decode(data)


def test_one_pixel_is_an_image() -> None:
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
def test_the_codec_of_an_iso_container_is_named_by_its_brands(brands: bytes, name: str) -> None:
    box = b"ftyp" + brands
    assert sniff_format((4 + len(box)).to_bytes(4) + box) == name


def test_a_part_of_a_heic_is_that_part_of_it() -> None:
    heic = HeicImage((TELEPHONE / "ISIC_0000026.heic").read_bytes())
    heic.load()
    width, height = heic.size
    whole = np.asarray(heic.crop((0, 0, width, height)))
    assert whole.shape == (height, width, 3) and whole.std() > 10
    part = np.asarray(heic.crop((5, 7, width - 3, height - 2)))
    assert np.array_equal(part, whole[7 : height - 2, 5 : width - 3])
