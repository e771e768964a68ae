"""`check_jpeg` and `check_tiff` reject files that are small but very costly to decode."""

import pytest
from lesion.errors import TooLarge, UnsupportedFormat
from lesion.imaging.preflight import (
    MAX_CHUNK_BYTES,
    MAX_SCANS,
    MAX_SCANS_ANY_SIZE,
    MAX_SEGMENTS,
    check_jpeg,
    check_tiff,
)

SCAN = b"\xff\xda\0\2data"
END = b"\xff\xd9"
# Numbers of TIFF tags.
BITS, SAMPLES, STRIP_ROWS, TILE_WIDTH, TILE_LENGTH = 258, 277, 278, 322, 323


def jpeg(segments: bytes, width: int = 100, height: int = 100) -> bytes:
    return b"\xff\xd8\xff\xc0\0\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\1\1\x11\0" + segments


@pytest.mark.parametrize(
    "segments",
    [
        SCAN * MAX_SCANS + END,
        b"\xff\xfe\0\2" * (MAX_SEGMENTS - 3) + SCAN + END,
        SCAN + END + b"\xff\x01 not a segment any more",
        END + SCAN + END,
        SCAN,
    ],
)
def test_check_jpeg_accepts_usual_files(segments: bytes) -> None:
    check_jpeg(jpeg(segments))


@pytest.mark.parametrize(
    "segments",
    [
        SCAN * (MAX_SCANS + 1),
        b"\xff\xfe\0\2" * MAX_SEGMENTS,
        b"\xff\x01\0\2" + SCAN,
        b"\xff\xfe\0\1" + SCAN,
        b"\xff\xfe",
    ],
)
def test_check_jpeg_rejects_many_scans_or_segments(segments: bytes) -> None:
    """Also unknown segments and segments without a length, which Pillow and libjpeg parse differently."""
    with pytest.raises(ValueError, match="segment"):
        check_jpeg(jpeg(segments))


def test_check_jpeg_limits_scans_by_pixels() -> None:
    check_jpeg(jpeg(SCAN * MAX_SCANS_ANY_SIZE, 8000, 6000))
    with pytest.raises(ValueError, match="21 scans of 48000000 pixels"):
        check_jpeg(jpeg(SCAN * (MAX_SCANS_ANY_SIZE + 1), 8000, 6000))


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {BITS: (8, 8, 8), SAMPLES: 3, STRIP_ROWS: 16},
        {BITS: 16, TILE_WIDTH: 256, TILE_LENGTH: 256},
    ],
)
def test_check_tiff_accepts_usual_files(tags: dict[int, object]) -> None:
    check_tiff(tags, 4000, 3000)


@pytest.mark.parametrize(
    ("tags", "width", "height"),
    [
        ({TILE_WIDTH: 20_000, TILE_LENGTH: 20_000}, 10, 10),
        ({BITS: (16, 16, 16), SAMPLES: 3}, 6000, 6000),
        ({STRIP_ROWS: 10_000}, MAX_CHUNK_BYTES // 4 // 10_000 + 1, 10_000),
    ],
)
def test_check_tiff_rejects_large_tiles_and_strips(tags: dict[int, object], width: int, height: int) -> None:
    with pytest.raises(TooLarge, match="at most 160 MB"):
        check_tiff(tags, width, height)


@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2, 0xC3])
@pytest.mark.parametrize("bits", [12, 16])
def test_check_jpeg_names_wide_samples(frame: int, bits: int) -> None:
    data = jpeg(SCAN + END).replace(b"\xff\xc0\0\x0b\x08", bytes([0xFF, frame, 0, 11, bits]))
    with pytest.raises(UnsupportedFormat, match=f"{bits}-bit samples"):
        check_jpeg(data)


@pytest.mark.parametrize(("frame", "name"), [(0xC5, "hierarchical"), (0xCB, "lossless"), (0xF7, "JPEG-LS")])
def test_check_jpeg_names_other_compressions(frame: int, name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=name):
        check_jpeg(jpeg(SCAN + END).replace(b"\xff\xc0", bytes([0xFF, frame])))
