"""`classify_row` returns a row for every file, also for those that cannot be read or classified."""

import errno
import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from lesion.batch import schema
from lesion.batch.schema import StorageError, classify_row, crashed_row, describe_run
from lesion.inference.card import ImageType
from lesion.inference.model import Model
from PIL import Image

from tests.support.image_files import encode


def reader(error: Exception) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), os.strerror(errno.ENOENT)),
        (OSError("no text of the system"), "The file cannot be read."),
    ],
)
def test_unreadable_file_becomes_a_row(stand_in: Model, error: OSError, message: str) -> None:
    row = classify_row("a.jpg", reader(error), stand_in, 1)
    assert row == {"file": "a.jpg", "status": "error", "code": "unreadable", "message": message}


def test_unavailable_storage_is_raised(stand_in: Model) -> None:
    """It says nothing about the image, so it must not become a row."""
    with pytest.raises(StorageError):
        classify_row("a.jpg", reader(StorageError("not now")), stand_in, 1)


def test_too_large_file_becomes_a_row(stand_in: Model, image_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MAX_FILE_BYTES", len(image_bytes) - 1)
    row = classify_row("a.jpg", lambda: image_bytes, stand_in, 1)
    assert (row["status"], row["code"]) == ("error", "too_large")
    assert row["message"] == f"The file has more than {len(image_bytes) - 1} bytes."


def test_unhandled_error_becomes_a_row(stand_in: Model, image_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row names the exception without its message, which may quote the file."""

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("anna")

    monkeypatch.setattr(schema, "analyse", fail)
    row = classify_row("a.jpg", lambda: image_bytes, stand_in, 1)
    assert row == {"file": "a.jpg", "status": "error", "code": "fault", "message": "RuntimeError"}


def test_rows_fit_the_schema(stand_in: Model, image_bytes: bytes) -> None:
    run = describe_run(stand_in, 8)
    rows = [classify_row("a.jpg", lambda: image_bytes, stand_in, 8), crashed_row("b.jpg")]
    table = pa.Table.from_pylist(rows, run.schema())
    assert table.schema.metadata == {
        b"model_version": b"stand-in",
        b"model_sha256": stand_in.sha256.encode(),
        b"views": b"8",
        b"image_type": b"auto",
    }
    assert table["status"].to_pylist() == ["ok", "error"]
    assert table["probability_nevus"].to_pylist()[1] is None
    assert table["image_type"].to_pylist() == ["dermoscopic", None]
    assert table["image_type_source"].to_pylist() == ["assumed", None]


@pytest.mark.parametrize(
    ("given", "expected"), [(None, ("dermoscopic", "detected", 0.5)), ("clinical", ("clinical", "given", 0.3))]
)
def test_row_has_the_image_type_and_its_threshold(
    two_types: Model, given: ImageType | None, expected: tuple[str, str, float]
) -> None:
    """Of the stand-in, an image without blue is dermoscopic."""
    image = encode(Image.new("RGB", (64, 64), (51, 51, 0)), "PNG")
    row = classify_row("a.png", lambda: image, two_types, 1, given)
    assert (row["image_type"], row["image_type_source"], row["threshold"]) == expected


def test_unsupported_image_type_becomes_a_row(stand_in: Model, image_bytes: bytes) -> None:
    row = classify_row("a.jpg", lambda: image_bytes, stand_in, 1, "clinical")
    assert (row["status"], row["code"]) == ("error", "unsupported_image_type")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + b"\1\0\0\1\4\0\1\0\0\0\x40\0\0\0" + bytes(200), "camera raw"),
        (b"\xff\x0a" + bytes(200), "JPEG XL"),
    ],
)
def test_unsupported_kind_becomes_a_row(stand_in: Model, data: bytes, words: str) -> None:
    row = classify_row("a", lambda: data, stand_in, 1)
    assert (row["status"], row["code"]) == ("error", "unsupported_format") and words in row["message"]
