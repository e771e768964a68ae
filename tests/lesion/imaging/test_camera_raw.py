"""`decode` refuses camera raw files, whose previews it must not classify, and opens pyramids and pages."""

from collections.abc import Mapping
from io import BytesIO

import numpy as np
import pytest
import tifffile
from lesion.errors import UnsupportedFormat
from lesion.imaging.decode import decode
from PIL import Image

from tests.support.image_files import encode, small
from tests.support.paths import SAMPLES
from tests.support.tiff_files import Values, directory, tiff_file


def raw_file(first: Mapping[int, tuple[int, Values]], inner: Mapping[int, tuple[int, Values]] | None, order: str) -> bytes:
    """Return a TIFF whose first directory shows a small preview; `inner` is a sub-directory with larger pixels."""
    preview = np.asarray(small(SAMPLES / "ISIC_0000026.jpg", 64, 48))
    where: dict[int, tuple[int, Values]] = {}
    whole = tiff_file(preview, photometric=2, order=order, more=dict(first))
    if inner is not None:
        at = len(whole) + 12
        where = {330: (4, at + at % 2)}
        whole = tiff_file(preview, photometric=2, order=order, more=dict(first) | where)
        whole += bytes(at + at % 2 - len(whole))
        whole += directory({256: (4, 64), 257: (4, 48), 258: (3, 16), 259: (3, 1), **inner}, len(whole), order)
    return whole


RAW: Mapping[str, tuple[Mapping[int, tuple[int, Values]], Mapping[int, tuple[int, Values]] | None, str]] = {
    "DNG": ({254: (4, 1), 50706: (1, (1, 4, 0, 0))}, {254: (4, 0), 262: (3, 32803)}, "DNG"),
    "DNG that is only its raw image": ({50706: (1, (1, 4, 0, 0))}, None, "DNG"),
    "DNG of a phone, LinearRaw": ({254: (4, 1), 50706: (1, (1, 6, 0, 0))}, {262: (3, 34892)}, "DNG"),
    "NEF": ({254: (4, 1), 271: (2, b"NIKON CORPORATION\0")}, {254: (4, 0), 262: (3, 32803)}, "CFA"),
    "ARW": ({254: (4, 1), 271: (2, b"SONY\0")}, {254: (4, 0), 262: (3, 32803)}, "CFA"),
    "preview that is not marked as such": ({}, {262: (3, 32803)}, "CFA"),
    "LinearRaw": ({}, {262: (3, 34892)}, "LinearRaw"),
    "reduced image": ({254: (4, 1)}, {254: (4, 0), 262: (3, 1)}, "reduced"),
    "reduced image, by the older tag": ({255: (3, 2)}, None, "reduced"),
    "mosaic": ({262: (3, 32803), 258: (3, 16), 277: (3, 1)}, None, "CFA"),
}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("order", "<>")
def test_decode_refuses_camera_raw(name: str, order: str) -> None:
    first, inner, words = RAW[name]
    with pytest.raises(UnsupportedFormat, match=rf"camera raw file .*{words}.*JPEG"):
        decode(raw_file(first, inner, order))


def test_decode_refuses_cr2() -> None:
    data = raw_file({}, None, "<")
    # CR2 has its own signature and the offset of its raw directory behind the header of TIFF.
    with pytest.raises(UnsupportedFormat, match=r"camera raw file .*CR2"):
        decode(data[:8] + b"CR\2\0" + data[12:])


@pytest.mark.parametrize(
    "head",
    [b"IIU\0\x18\0\0\0", b"IIRO\x08\0\0\0", b"FUJIFILMCCD-RAW 0201", b"FOVb\1\0\3\0", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"],
)
def test_decode_names_other_camera_raw_files(head: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="camera raw"):
        decode(head + bytes(500))


def test_decode_opens_pyramids_and_pages() -> None:
    """A first directory of full size, then reduced images: as following pages and as sub-directories."""
    image = small(SAMPLES / "ISIC_0000026.jpg", 128, 96)
    pages = encode(image, "TIFF", save_all=True, append_images=[image.resize((64, 48)), Image.new("L", (9, 9))])
    assert np.array_equal(decode(pages).pixels, np.asarray(image))
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(np.asarray(image), photometric="rgb", subifds=1)
        writer.write(np.asarray(image.resize((64, 48))), photometric="rgb", subfiletype=1)
    assert np.array_equal(decode(file.getvalue()).pixels, np.asarray(image))
    assert np.array_equal(decode(raw_file({}, {254: (4, 1), 262: (3, 2)}, ">")).pixels.shape, (48, 64, 3))


def test_decode_survives_directories_that_loop() -> None:
    data = raw_file({330: (4, (8, 8, 8))}, None, "<")
    at = int.from_bytes(data[4:8], "little")
    looped = raw_file({330: (4, (at, at, at))}, None, "<")
    assert decode(looped).pixels.shape == (48, 64, 3)
