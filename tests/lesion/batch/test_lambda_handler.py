"""The batch's Lambda function with stubbed answers of S3; `tests/emulation/test_at_scale.py` classifies a whole bucket."""

import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from lesion.batch.schema import StorageError
from lesion.errors import SettingsError


@pytest.fixture
def s3(stand_in_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    variables = {
        "LESION_MODEL": str(stand_in_file),
        "LESION_BATCH_SOURCE": "images",
        "LESION_BATCH_TARGET": "results",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield importlib.import_module("lesion.batch.lambda_handler")
    sys.modules.pop("lesion.batch.lambda_handler")


def test_denied_image_becomes_a_row(s3: ModuleType, image_bytes: bytes) -> None:
    with Stubber(s3._s3) as stub:
        stub.add_client_error("get_object", "AccessDenied")
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(image_bytes), len(image_bytes))})
        denied, classified = s3.classify_keys(["a.jpg", "b.jpg"])
    assert (denied["code"], denied["message"]) == ("unreadable", "S3 says AccessDenied.")
    assert classified["status"] == "ok"


def test_denied_bucket_writes_nothing(s3: ModuleType) -> None:
    with Stubber(s3._s3) as stub:
        for _ in range(3):
            stub.add_client_error(
                "get_object", "AccessDenied", "not authorized to perform: kms:Decrypt on patients/anna.jpg"
            )
        with pytest.raises(StorageError, match="AccessDenied") as raised:
            s3.handler({"run": "first", "keys": ["a.jpg", "b.jpg", "c.jpg"]}, None)
        stub.assert_no_pending_responses()
    assert "anna" not in str(raised.value)


def body(data: bytes) -> dict[str, Any]:
    return {"Body": StreamingBody(io.BytesIO(data), len(data))}


def test_handler_writes_one_part(s3: ModuleType, image_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a row for every key; those that crashed the function are not read again."""
    sent: dict[str, Any] = {}
    keys = ["a.jpg", "crashed.jpg", "gone.jpg"]
    with Stubber(s3._s3) as stub:
        stub.add_response("get_object", body(image_bytes), {"Bucket": "images", "Key": "a.jpg"})
        stub.add_client_error("get_object", "NoSuchKey")
        expected = {"Bucket": "results", "Key": s3.part_key("first", keys), "Body": ANY, "ContentType": ANY}
        stub.add_response("put_object", {}, expected)
        real = s3._s3.put_object
        monkeypatch.setattr(s3._s3, "put_object", lambda **options: (sent.update(options), real(**options))[1])
        s3.handler({"run": "first", "keys": keys, "crashed": ["crashed.jpg", None]}, None)
        stub.assert_no_pending_responses()
    rows = pq.read_table(io.BytesIO(sent["Body"])).to_pylist()
    assert [(row["file"], row["code"]) for row in rows] == [
        ("a.jpg", None),
        ("gone.jpg", "unreadable"),
        ("crashed.jpg", "crashed"),
    ]
    assert rows[0]["status"] == "ok"


def test_handler_with_one_key_writes_nothing(s3: ModuleType, image_bytes: bytes) -> None:
    with Stubber(s3._s3) as stub:
        stub.add_response("get_object", body(image_bytes), {"Bucket": "images", "Key": "a.jpg"})
        s3.handler({"key": "a.jpg"}, None)
        stub.assert_no_pending_responses()


def test_part_key_follows_from_the_keys(s3: ModuleType) -> None:
    assert s3.part_key("first", ["a", "b"]) == s3.part_key("first", ["a", "b"])
    assert len({s3.part_key("first", keys) for keys in (["a", "b"], ["b", "a"], ["a"])}) == 3
    assert s3.part_key("first", ["a"]).startswith("results/run=first/")


@pytest.mark.parametrize("operation", ["get_object", "put_object"])
@pytest.mark.parametrize("code", ["SlowDown", "InternalError", None])
def test_unavailable_storage_is_raised(
    s3: ModuleType, monkeypatch: pytest.MonkeyPatch, operation: str, code: str | None
) -> None:
    """Neither the message nor the exception's cause names the image."""

    def fail(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://anna.example.org")

    with Stubber(s3._s3) as stub, pytest.raises(StorageError) as raised:
        if code is None:
            monkeypatch.setattr(s3._s3, operation, fail)
        else:
            stub.add_client_error(operation, code, "anna.jpg")
        if operation == "get_object":
            s3.fetch("anna.jpg")
        else:
            s3.write_part("anna.parquet", [])
    assert (code or "EndpointConnectionError") in str(raised.value)
    assert "anna" not in str(raised.value) and raised.value.__suppress_context__


def test_start_requires_both_buckets(s3: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESION_BATCH_TARGET", " ")
    with pytest.raises(SettingsError, match="LESION_BATCH_TARGET is not set"):
        importlib.reload(s3)
