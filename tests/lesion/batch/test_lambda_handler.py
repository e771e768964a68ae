"""What the batch's function makes of S3's answers. A whole bucket is judged in `tests/emulation/test_at_scale.py`."""

import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from lesion.batch.schema import StorageError


@pytest.fixture
def s3(stand_in_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    variables = {
        "LESION_MODEL": str(stand_in_file),
        "LESION_BATCH_SOURCE": "photographs",
        "LESION_BATCH_TARGET": "results",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield importlib.import_module("lesion.batch.lambda_handler")
    sys.modules.pop("lesion.batch.lambda_handler")


def test_a_photograph_that_is_denied_is_a_row_where_another_is_not(s3: ModuleType, photograph: bytes) -> None:
    with Stubber(s3._s3) as stub:
        stub.add_client_error("get_object", "AccessDenied")
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(photograph), len(photograph))})
        denied, judged = s3.classify_keys(["a.jpg", "b.jpg"])
    assert (denied["code"], denied["message"]) == ("unreadable", "S3 says AccessDenied.")
    assert judged["status"] == "ok"


def test_where_all_are_denied_a_right_is_missing_and_nothing_is_written(s3: ModuleType) -> None:
    with Stubber(s3._s3) as stub:
        for _ in range(3):
            stub.add_client_error(
                "get_object", "AccessDenied", "not authorized to perform: kms:Decrypt on patients/anna.jpg"
            )
        with pytest.raises(StorageError, match="AccessDenied") as raised:
            s3.handler({"run": "first", "keys": ["a.jpg", "b.jpg", "c.jpg"]}, None)
        stub.assert_no_pending_responses()
    assert "anna" not in str(raised.value)
