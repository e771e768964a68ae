"""`decode` returns the exact pixels of every TIFF layout that Pillow opens, or names the pixel type."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from lesion.errors import InvalidImage, UnsupportedFormat
from lesion.imaging.decode import decode

from tests.support.image_files import small
from tests.support.paths import SAMPLES
from tests.support.tiff_files import tiff_file
from tests.support.tiff_kinds import KINDS, PALETTE, expected, layouts, pairwise, samples

ALWAYS_READ = {
    ("white is zero", 16),
    ("grey", 16),
    ("RGB", 16),
    ("RGB and alpha", 16),
    ("CMYK", 16),
    ("grey", 8),
    ("RGB", 8),
}


@pytest.mark.parametrize("choose", [pairwise, pytest.param(layouts, marks=pytest.mark.slow)])
# Palettes have at most 256 colours.
@pytest.mark.parametrize(
    ("kind", "bits"), [(kind, bits) for kind in KINDS for bits in (1, 2, 4, 8, 12, 16) if kind != "palette" or bits <= 8]
)
def test_decode_reads_every_tiff_layout_or_names_it(choose: Any, kind: str, bits: int) -> None:
    values = samples(kind, bits)
    truth = expected(kind, bits, values)
    # Blending, CMYK, YCbCr and division by alpha round.
    tolerance = 0 if kind in ("white is zero", "grey", "grey and unused", "palette", "RGB", "RGB and unused") else 2
    read = 0
    for layout in choose(kind, bits):
        data = tiff_file(values, **layout)
        try:
            pixels = decode(data).pixels
        except UnsupportedFormat as error:
            must_be_read = (kind, bits) in ALWAYS_READ and layout["fill_order"] == 1
            assert "Pixels of type" in str(error) and not must_be_read, layout
            continue
        read += 1
        assert np.abs(pixels - truth).max() <= tolerance, layout
    assert read or (kind, bits) not in ALWAYS_READ


@pytest.mark.parametrize("kind", ["white is zero", "grey", "RGB", "RGB and alpha", "CMYK"])
@pytest.mark.parametrize("bits", [8, 16])
def test_tifffile_reads_the_same_samples(kind: str, bits: int) -> None:
    """The second decoder agrees with the writer of these tests, wherever it needs no further package."""
    values = samples(kind, bits)
    for layout in layouts(kind, bits):
        if layout["compression"] == 5 or layout["fill_order"] == 2:
            continue
        stored = tifffile.imread(BytesIO(tiff_file(values, **layout)))
        stored = np.moveaxis(stored, 0, -1) if layout["planar"] else stored
        assert np.array_equal(stored.reshape(values.shape), values), layout


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("tile", [None, (32, 16)])
def test_decode_agrees_with_files_of_tifffile(planar: Any, byteorder: Any, compression: Any, tile: Any) -> None:
    values = np.asarray(small(SAMPLES / "ISIC_0000026.jpg", 96, 64)).astype(np.uint16) * 257
    stored = np.moveaxis(values, -1, 0) if planar == "separate" else values
    file = BytesIO()
    tifffile.imwrite(
        file, stored, photometric="rgb", planarconfig=planar, byteorder=byteorder, compression=compression, tile=tile
    )
    assert np.array_equal(decode(file.getvalue()).pixels, values >> 8)


def test_decode_reads_subsampled_ycbcr() -> None:
    """TIFF 6.0, section 21: blocks of 2 x 2 luma samples, then their chroma; libtiff averages nothing."""
    luma = samples("grey", 8)[:36, :44, 0]
    blue, red = np.full((18, 22), 110, np.uint8), np.full((18, 22), 150, np.uint8)
    blocks = luma.reshape(18, 2, 22, 2).transpose(0, 2, 1, 3).reshape(18, 22, 4)
    packed = np.concatenate([blocks, blue[..., None], red[..., None]], axis=-1)
    row = packed.reshape(1, -1, 1)
    data = tiff_file(
        row,
        photometric=6,
        more={256: (4, 44), 257: (4, 36), 258: (3, (8, 8, 8)), 277: (3, 3), 278: (4, 36), 530: (3, (2, 2))},
    )
    truth = np.stack([luma + 1.402 * 22, luma + 0.344136 * 18 - 0.714136 * 22, luma - 1.772 * 18], axis=-1)
    assert np.abs(decode(data).pixels - np.clip(truth, 0, 255)).max() <= 2


def test_decode_reads_palettes_of_8_bits() -> None:
    """libtiff, too, takes a palette without any value above 255 as one of 8 bits."""
    values = samples("palette", 8)
    data = tiff_file(values, photometric=3, more={320: (3, tuple(int(value) for value in PALETTE.ravel()))})
    assert np.array_equal(decode(data).pixels, PALETTE.T[values[..., 0]])


@pytest.mark.parametrize("order", "<>")
def test_decode_inverts_white_is_zero_of_16_bits(order: str) -> None:
    grey = np.asarray(small(SAMPLES / "ISIC_0000026.jpg", 96, 64).convert("L"))[..., None]
    wide = tiff_file(65535 - grey.astype(np.uint16) * 257, photometric=0, bits=16, order=order)
    narrow = tiff_file(255 - grey, photometric=0, order=order)
    assert np.array_equal(decode(wide).pixels, decode(narrow).pixels)
    assert np.array_equal(decode(wide).pixels[..., :1], grey)


NAMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "float32 grey": ({"dtype": np.float32, "photometric": 1, "format": 3}, "32-bit floating point grey"),
    "float32 RGB": ({"dtype": np.float32, "photometric": 2, "format": 3}, "32-bit floating point RGB"),
    "float64 grey": ({"dtype": np.float64, "photometric": 1, "format": 3}, "64-bit floating point grey"),
    "uint32 RGB": ({"dtype": np.uint32, "photometric": 2, "format": 1}, "32-bit integer RGB"),
    "uint32 grey": ({"dtype": np.uint32, "photometric": 1, "format": 1}, "32-bit integer grey"),
    "int16 grey": ({"dtype": np.int16, "photometric": 1, "format": 2}, "16-bit signed integer grey"),
    "int8 grey": ({"dtype": np.int8, "photometric": 1, "format": 2}, "8-bit signed integer grey"),
    "depth map": ({"dtype": np.uint16, "photometric": 51177, "format": 1}, "16-bit integer depth map"),
    "Lab": ({"dtype": np.uint16, "photometric": 8, "format": 1}, "16-bit integer Lab"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, 8])
def test_decode_names_pixel_types_without_brightness(name: str, order: str, compression: int) -> None:
    about, words = NAMES[name]
    values = np.zeros((30, 40, 3 if about["photometric"] in (2, 8) else 1), about["dtype"])
    data = tiff_file(
        values,
        photometric=about["photometric"],
        bits=8 * values.itemsize,
        order=order,
        compression=compression,
        more={339: (3, (about["format"],) * values.shape[-1])},
    )
    with pytest.raises(UnsupportedFormat, match=f"{words}.*8-bit RGB"):
        decode(data)


def test_decode_names_unsupported_compressions() -> None:
    data = tiff_file(samples("RGB", 8), photometric=2, more={259: (3, 34712)})
    with pytest.raises(UnsupportedFormat, match="compression 34712"):
        decode(data)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_decode_calls_truncated_tiffs_damaged(share: float) -> None:
    values = samples("RGB", 16)
    for layout in layouts("RGB", 16):
        data = tiff_file(values, **layout)
        with pytest.raises(InvalidImage):
            decode(data[: int(share * len(data))])
