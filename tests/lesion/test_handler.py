"""Lambda handler: literal events of API Gateway get exactly the expected answers; other events warm the function up."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.messages import DISCLAIMER
from lesion.inference.model import Model

from tests.support.literal_events import EVENTS, Handler, event
from tests.support.subprocesses import run_python

# The image in the events is 64 x 48 pixels of (51, 51, 0).
PREDICTION = {
    "decision": "above_threshold",
    "malignant_probability": 0.64566,
    "threshold": 0.5,
    "prediction_set": ["malignant"],
    "logit": 0.6,
    "classes": [
        {"code": "melanoma", "malignant": True, "probability": 0.48424},
        {"code": "nevus", "malignant": False, "probability": 0.35434},
        {"code": "basal_cell_carcinoma", "malignant": True, "probability": 0.16141},
    ],
}


def rounded(value: Any) -> Any:
    """Round numbers to five decimals: the last digits differ between processors."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {name: rounded(item) for name, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", ["v2-form", "v2-body", "v1-form"])
def test_handler_classifies_the_image_of_an_event(handler: Handler, stand_in: Model, name: str) -> None:
    response = handler(event(name), None)
    body = response.pop("body")
    answer = json.loads(body)
    assert response == {
        "statusCode": 200,
        "headers": {
            "content-length": str(len(body.encode())),
            "content-type": "application/json",
            "cache-control": "no-store",
        },
        **({"multiValueHeaders": {}} if name.startswith("v1") else {}),
        "isBase64Encoded": False,
    }
    assert set(answer.pop("timing_ms")) == {"decode", "infer", "total"}
    assert rounded(answer) == {
        "status": "ok",
        "refusal": None,
        "prediction": PREDICTION,
        "evidence": {"rows": 4, "columns": 4, "bias": -1.0, "values": [[1.6] * 4] * 4},
        "image": {
            "width": 64,
            "height": 48,
            "format": "PNG",
            "type": "dermoscopic",
            "type_source": "assumed",
            "type_probability": None,
        },
        "images": None,
        "agreement": None,
        "model": {"version": "stand-in", "sha256": stand_in.sha256},
        "disclaimer": DISCLAIMER,
    }


def test_handler_answers_ping_in_format_2(handler: Handler) -> None:
    assert handler(event("v2-ping"), None) == {
        "statusCode": 200,
        "headers": {"content-length": "6", "content-type": "application/json", "cache-control": "no-store"},
        "body": '"pong"',
        "isBase64Encoded": False,
    }


def test_handler_answers_ping_in_format_1(handler: Handler) -> None:
    assert handler(event("v1-ping"), None) == {
        "statusCode": 200,
        "headers": {"content-length": "6", "content-type": "application/json", "cache-control": "no-store"},
        "multiValueHeaders": {},
        "body": '"pong"',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("v2-not-found", 404, "not_found"),
        ("v2-text-body", 415, "unsupported_format"),
        ("v1-wrong-parameter", 422, "invalid_parameter"),
    ],
)
def test_handler_sends_problems_as_text(handler: Handler, name: str, status: int, code: str) -> None:
    response = handler(event(name), None)
    assert (response["statusCode"], response["isBase64Encoded"]) == (status, False)
    assert response["headers"]["content-type"] == "application/problem+json"
    assert json.loads(response["body"])["code"] == code


@pytest.mark.parametrize(
    "other",
    [
        event("schedule"),
        event("bucket"),
        {},
        {"warm": True},
        {"requestContext": None},
        {"requestContext": {"connectionId": "a", "eventType": "MESSAGE"}},
        {"Records": [{"EventSource": "aws:sns"}]},
        [],
        None,
        "warm",
        0,
    ],
)
def test_handler_warms_up_with_other_events(handler: Handler, other: Any) -> None:
    assert handler(other, None) == {"status": "warm", "model": "stand-in"}


@pytest.mark.parametrize("written", [{}, {"http": {"method": "GET", "path": "/api/ping"}}])
def test_handler_rejects_events_without_a_format(handler: Handler, written: dict[str, Any]) -> None:
    response = handler({"requestContext": written, "httpMethod": "GET", "path": "/api/ping"}, None)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (400, "invalid_request")


def test_handler_logs_one_line_per_request(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of the request's own text is in it."""
    handler(event("v2-form"), None)
    handler(event("v2-not-found"), None)
    handler(event("schedule"), None)
    classified, missing = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (classified["route"], classified["code"], classified["status"]) == ("/api/classify", "ok", 200)
    assert (classified["width"], classified["height"], classified["model"]) == (64, 48, "stand-in")
    assert {"DecodeTime", "InferTime", "Classified", "Refused"} <= classified.keys()
    assert (missing["route"], missing["code"], missing["status"]) == ("other", "not_found", 404)
    assert event("v2-not-found")["rawPath"] not in json.dumps(missing)


def test_handler_requires_the_origin_secret(environment: dict[str, str], stand_in_file: Path) -> None:
    code = (
        "import json, sys, lesion.handler as h\n"
        "event = json.load(open(sys.argv[1]))\n"
        "print(h.handler(event, None)['statusCode'], file=sys.stderr)\n"
        "event['headers']['x-origin-secret'] = 's' * 48\n"
        "print(h.handler(event, None)['statusCode'], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(EVENTS / "v2-ping.json")],
        env={**environment, "LESION_MODEL": str(stand_in_file), "LESION_ORIGIN_SECRETS": "s" * 48},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "403\n200\n")
    assert "ssss" not in done.stdout


def test_start_loads_no_training_package(environment: dict[str, str], stand_in_file: Path, tmp_path: Path) -> None:
    """It also writes nothing to the home folder."""
    code = (
        "import sys, lesion.handler as h\n"
        "assert h.handler({}, None)['status'] == 'warm'\n"
        "print(sorted({'torch', 'onnx', 'boto3', 'httpx', 'uvicorn', 'sklearn', 'scipy', 'export'} & set(sys.modules)))"
    )
    done = run_python(code, {**environment, "LESION_MODEL": str(stand_in_file), "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert list(tmp_path.rglob("*")) == []


def test_telemetry_stays_off(environment: dict[str, str], tmp_path: Path) -> None:
    """Also if the environment turned it on."""
    code = "import lesion.inference.model, onnxruntime, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = run_python(code, {**environment, "HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"})
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert list(tmp_path.rglob("*")) == []


def test_missing_model_file_stops_the_start(environment: dict[str, str], tmp_path: Path) -> None:
    done = run_python("import lesion.handler", {**environment, "LESION_MODEL": str(tmp_path / "nowhere.onnx")})
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("Put a model there, or set LESION_MODEL to where it is.")


def test_handler_raises_unhandled_errors(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not answered as requests that cannot be read."""

    def fail(event: Any, context: Any) -> Any:
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(sys.modules["lesion.handler"], "_application", cache(lambda: fail))
    with pytest.raises(RuntimeError, match="nobody expected"):
        handler(event("v1-form"), None)


def test_handler_rejects_invalid_base64(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the kind of error only, because its message may quote the event."""
    response = handler(event("v2-body") | {"body": "A", "isBase64Encoded": True}, None)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (400, "invalid_request")
    assert [record.getMessage() for record in caplog.records if record.name == "lesion"] == [
        "an event cannot be read: Error"
    ]
