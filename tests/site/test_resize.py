"""Photos above the limits of the service: made smaller in the browser before the upload."""

import re
import struct
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.paths import PHONE_IMAGES
from tests.support.site.visit import IMAGE, IMAGES, STATUSES, UPLOAD_LIMIT, record_uploads


def test_resize_shrinks_file_above_limit(page: Page, tmp_path: Path) -> None:
    """A file above the upload limit is made smaller first."""
    with Image.open(IMAGE) as image:
        image.resize((1800, 1350)).save(tmp_path / "large.bmp")
    assert (tmp_path / "large.bmp").stat().st_size > 4_718_592
    page.set_input_files("#file", tmp_path / "large.bmp")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#details")).to_contain_text(re.compile("1600 . 1200 pixels, JPEG"))
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")


def test_resize_applies_pixel_limit_of_format(page: Page, tmp_path: Path) -> None:
    """A format with a lower pixel limit is made smaller by its own limit."""
    with Image.open(IMAGE) as image:
        image.resize((5800, 4350)).save(tmp_path / "large.webp", quality=5, method=0)
    assert (tmp_path / "large.webp").stat().st_size < 4_500_000
    page.set_input_files("#file", tmp_path / "large.webp")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#details")).to_contain_text(re.compile("1600 . 1200 pixels, JPEG"))


def test_resize_failure_sends_nothing(page: Page) -> None:
    """A file that the browser cannot make smaller is not sent."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.set_input_files("#file", {"name": "large.heic", "mimeType": "image/heic", "buffer": bytes(5_000_000)})
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#advice")).to_contain_text("Save it as a JPEG")
    assert "POST" not in asked


def test_resize_uploads_upright_without_metadata(page: Page, tmp_path: Path) -> None:
    """A file above the limit is uploaded upright and without its metadata."""
    images = record_uploads(page)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif[0x010E] = "where I live"
    with Image.open(IMAGES[0]) as image:
        image.resize((3000, 2250)).save(tmp_path / "large.jpg", exif=exif, quality=100, subsampling=0)
    with open(tmp_path / "large.jpg", "ab") as file:
        file.write(bytes(max(0, UPLOAD_LIMIT + 1 - file.tell())))
    page.set_input_files("#file", tmp_path / "large.jpg")
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")
    assert b"where I live" not in images[0]
    with Image.open(BytesIO(images[0])) as smaller:
        assert smaller.size == (1200, 1600)
        assert not smaller.getexif()


def test_heic_within_limit_is_sent_unchanged(page: Page) -> None:
    """HEIC within the limit is sent unchanged."""
    page.set_input_files("#file", PHONE_IMAGES / "ISIC_0000026.heic")
    expect(page.locator("#preview")).to_have_js_property("naturalWidth", 320)
    page.get_by_role("button", name="Analyse", exact=True).click()
    # What the service says of it.
    expect(page.locator("#details")).to_contain_text("ISIC_0000026.heic, 320 × 240 pixels, HEIC")


def test_heic_above_limit_is_decoded_by_page(page: Page, tmp_path: Path) -> None:
    """HEIC above the limit is decoded and made smaller by the page."""
    images = record_uploads(page)
    original = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    # A box that readers pass over.
    (tmp_path / "large.heic").write_bytes(original + struct.pack(">I4s", UPLOAD_LIMIT, b"free") + bytes(UPLOAD_LIMIT - 8))
    page.set_input_files("#file", tmp_path / "large.heic")
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES)
    expect(page.locator("#details")).to_contain_text("made smaller in your browser")
    with Image.open(BytesIO(images[0])) as smaller:
        assert smaller.format == "JPEG"
        assert smaller.size == (320, 240)
