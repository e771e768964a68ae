"""The batch reads DICOM photographs, and no patient data reaches a row, a message or a log."""

import logging
from typing import Any

import jpeg_ls
import numpy as np
import pytest
from lesion.batch.dicom import dicom_to_png, is_dicom
from lesion.batch.schema import classify_row
from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.decode import decode
from lesion.inference.model import Model
from PIL import Image

from tests.support.colours import linear_profile, stored, worst
from tests.support.dicom_files import BASELINE, CT, JPEG_2000, JPEG_LS, PHOTOGRAPHIC, dicom
from tests.support.image_files import encode, small
from tests.support.paths import SAMPLES


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return small(SAMPLES / "ISIC_0000026.jpg", 320, 240)


def test_dicom_to_png_keeps_uncompressed_pixels(photo: Image.Image) -> None:
    pixels = np.asarray(photo)
    planes = np.moveaxis(pixels, -1, 0).tobytes()
    for data in (dicom(pixels.tobytes(), photo), dicom(planes, photo, PlanarConfiguration=1, SOPClassUID=PHOTOGRAPHIC)):
        assert is_dicom(data)
        assert np.array_equal(decode(dicom_to_png(data)).pixels, pixels)


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_dicom_to_png_reads_grey_of_12_bits(photo: Image.Image, kind: str) -> None:
    grey = np.asarray(photo.convert("L"))
    values = (grey.astype(np.uint16) << 4) ^ (0xFFF if kind == "MONOCHROME1" else 0)
    about: dict[str, Any] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": kind,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
    }
    data = dicom(values.astype("<u2").tobytes(), photo, **about)
    assert np.array_equal(decode(dicom_to_png(data)).pixels[..., 0], grey)


def test_dicom_to_png_reads_jpeg(photo: Image.Image) -> None:
    coded = encode(photo, "JPEG", quality=95)
    data = dicom(coded, photo, BASELINE, PhotometricInterpretation="YBR_FULL_422")
    assert worst(decode(dicom_to_png(data)).pixels, decode(coded).pixels) <= 2


def test_dicom_to_png_reads_jpeg_2000(photo: Image.Image) -> None:
    coded = encode(photo, "JPEG2000", irreversible=False, no_jp2=True)
    data = dicom(coded, photo, JPEG_2000, PhotometricInterpretation="YBR_RCT")
    assert np.array_equal(decode(dicom_to_png(data)).pixels, np.asarray(photo))


def test_dicom_to_png_reads_jpeg_ls(photo: Image.Image) -> None:
    data = dicom(bytes(jpeg_ls.encode_array(np.asarray(photo))), photo, JPEG_LS)
    assert np.array_equal(decode(dicom_to_png(data)).pixels, np.asarray(photo))


def test_dicom_to_png_keeps_the_colour_profile(photo: Image.Image) -> None:
    pixels = np.maximum(np.asarray(photo), 60)
    light = stored(pixels, lambda light: light)
    data = dicom(light.tobytes(), photo, ICCProfile=linear_profile("sRGB"))
    assert worst(decode(dicom_to_png(data)).pixels, pixels) <= 3


def test_dicom_to_png_refuses_other_kinds(photo: Image.Image) -> None:
    with pytest.raises(UnsupportedFormat, match="not a photograph"):
        dicom_to_png(dicom(photo.tobytes(), photo, sop_class=CT))
    with pytest.raises(UnsupportedFormat, match="compressed"):
        dicom_to_png(dicom(bytes(100), photo, "1.2.840.10008.1.2.4.100"))
    with pytest.raises(TooLarge, match="megapixels"):
        dicom_to_png(dicom(photo.tobytes(), photo, Rows=60_000, Columns=60_000))
    with pytest.raises(UnsupportedFormat, match="not supported here"):
        decode(dicom(photo.tobytes(), photo))


@pytest.mark.filterwarnings("error")
def test_patient_data_reach_no_row_and_no_log(
    stand_in: Model, photo: Image.Image, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = dicom(photo.tobytes(), photo)
    rows = []
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        for data in (whole, whole[:-1000], whole[:700], whole[:200], whole.replace(b"RGB ", b"XYZ ")):
            rows.append(classify_row("a.dcm", lambda data=data: data, stand_in, 1))  # type: ignore[misc]
    assert (rows[0]["format"], rows[0]["width"], rows[0]["height"]) == ("DICOM", 320, 240)
    assert [row.get("code") for row in rows[1:]] == ["invalid_image"] * 4
    assert all(secret not in str(rows) + caplog.text + "".join(capfd.readouterr()) for secret in ("Anna", "1945", "no date"))


def test_corrupt_dicom_is_read_or_refused(photo: Image.Image) -> None:
    data = dicom(photo.resize((16, 12)).tobytes(), photo.resize((16, 12)))
    for number in range(300):
        random = np.random.default_rng((8, number))
        changed = bytearray(data)
        for place in random.integers(132, len(data), int(random.integers(1, 8))):
            changed[place] = int(random.integers(256))
        try:
            assert decode(dicom_to_png(bytes(changed)))
        except (InvalidImage, UnsupportedFormat, TooLarge) as error:
            assert "Anna" not in str(error)
