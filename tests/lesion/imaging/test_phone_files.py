"""`decode` takes the main image of the files that phones of 2024 to 2026 write, whatever else is in them."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from lesion.imaging.decode import decode
from PIL import Image, ImageCms

from tests.support.heic_files import box, full, gain_map_heic
from tests.support.image_files import encode, png_with_chunks, small, with_coding_points
from tests.support.paths import PHONE_IMAGES, SAMPLES

SIDE = (320, 240)
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
VIDEO = box(b"ftyp", b"mp42\0\0\0\0mp42isom") + box(b"moov", full(b"mvhd", bytes(96))) + box(b"mdat", bytes(5000))


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return small(SAMPLES / "ISIC_0000026.jpg", *SIDE)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content


def xmp(text: str) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


def assert_shows(data: bytes, plain: bytes, name: str = "JPEG") -> None:
    """Assert that a file decodes to the pixels of the plain one, to the last level."""
    decoded, expected = decode(data), decode(plain)
    assert (decoded.format, decoded.width, decoded.height) == (name, expected.width, expected.height)
    assert np.array_equal(decoded.pixels, expected.pixels)


def ultra_hdr(photo: Image.Image) -> bytes:
    """Return an MPO of the photo and a smaller, grey gain map (ISO 21496-1, and Google's Ultra HDR)."""
    buffer = BytesIO()
    photo.save(buffer, "MPO", save_all=True, append_images=[photo.convert("L").resize((80, 60))], quality=90)
    data = buffer.getvalue()
    about = '<rdf:RDF xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMax="2.3"/>'
    iso = segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))
    return data[:2] + xmp(about) + iso + data[2:]


def test_decode_takes_the_base_of_ultra_hdr(photo: Image.Image) -> None:
    assert_shows(ultra_hdr(photo), encode(photo, "JPEG", quality=90))


def test_decode_takes_the_first_image_of_mpo(photo: Image.Image) -> None:
    buffer = BytesIO()
    photo.save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", SIDE, "red")] * 2, quality=90)
    assert_shows(buffer.getvalue(), encode(photo, "JPEG", quality=90))


@pytest.mark.parametrize(
    "behind",
    [VIDEO, b"\0\0\x01\x0aMotionPhoto_Data" + VIDEO, VIDEO + b"SEFH\x6b\0\0\0\1\0\0\0SEFT", b"\xff\xd9" * 9, bytes(70_000)],
)
def test_decode_ignores_what_follows_a_jpeg(photo: Image.Image, behind: bytes) -> None:
    """Motion photos of Pixel and Samsung phones, Samsung's trailer, padding."""
    plain = encode(photo, "JPEG", quality=90)
    motion = xmp('<rdf:Description GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="5200"/>')
    assert_shows(plain[:2] + motion + plain[2:] + behind, plain)


def test_decode_ignores_the_video_of_a_heic() -> None:
    plain = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    assert_shows(plain + box(b"mpvd", VIDEO), plain, "HEIC")
    assert_shows(plain + box(b"mpvd", VIDEO) + box(b"sefd", b"SEFH" + bytes(20) + b"SEFT"), plain, "HEIC")


def test_decode_takes_the_base_of_a_heic_with_a_gain_map() -> None:
    """The `tmap` item of iOS 18 is PQ; only the SDR image counts, with its own colours."""
    plain = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    assert_shows(gain_map_heic(), plain, "HEIC")
    assert_shows(gain_map_heic(12, 13), with_coding_points(plain, 12, 13), "HEIC")


def test_decode_reads_heic_of_10_bits(photo: Image.Image) -> None:
    data = (PHONE_IMAGES / "ISIC_0000026-10bit.heic").read_bytes()
    decoded = decode(data)
    assert (decoded.format, decoded.width, decoded.height) == ("HEIC", *SIDE)
    assert np.abs(decoded.pixels.astype(int) - np.asarray(photo)).mean() < 4
    wide = decode(with_coding_points(data, 12, 13)).pixels.astype(int)
    assert 1 < np.abs(wide - decoded.pixels).mean() < 20


def test_decode_reads_screenshots_and_messenger_copies(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[305] = "Screenshot"
    plain = encode(photo, "PNG")
    chunks = [(b"sRGB", b"\0"), (b"gAMA", (45455).to_bytes(4)), (b"pHYs", bytes(9)), (b"sBIT", b"\x08\x08\x08")]
    assert_shows(png_with_chunks(encode(photo, "PNG", exif=exif), *chunks), plain, "PNG")
    assert_shows(encode(photo.convert("RGBA"), "PNG", icc_profile=SRGB_PROFILE), plain, "PNG")
    copy = encode(photo, "JPEG", quality=80, progressive=True)
    assert_shows(encode(photo, "JPEG", quality=80, progressive=True, icc_profile=SRGB_PROFILE, exif=exif), copy)


@pytest.mark.parametrize("name", ["WebP", "AVIF"])
def test_decode_takes_the_first_frame_of_animations(photo: Image.Image, name: str) -> None:
    options: dict[str, Any] = {"lossless": True} if name == "WebP" else {"quality": 90}
    others = [Image.new("RGB", SIDE, "red"), Image.new("RGB", SIDE, "blue")]
    decoded = decode(encode(photo, name, save_all=True, append_images=others, duration=100, **options))
    assert (decoded.width, decoded.height) == SIDE
    assert np.abs(decoded.pixels.astype(int) - np.asarray(photo)).mean() < 4
