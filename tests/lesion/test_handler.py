"""Literal events of API Gateway get exactly the answers that it takes; any other event warms the function up."""

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

# The photograph in the events is 64 x 48 pixels of (51, 51, 0).
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
    """Numbers to five decimals: the last digits differ between processors."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {name: rounded(item) for name, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", ["v2-form", "v2-body", "v1-form"])
def test_a_photograph_in_an_event_is_judged(handler: Handler, stand_in: Model, name: str) -> None:
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
        "image": {"width": 64, "height": 48, "format": "PNG"},
        "model": {"version": "stand-in", "sha256": stand_in.sha256},
        "disclaimer": DISCLAIMER,
    }


def test_ping_in_format_2_is_answered_exactly_so(handler: Handler) -> None:
    assert handler(event("v2-ping"), None) == {
        "statusCode": 200,
        "headers": {"content-length": "6", "content-type": "application/json", "cache-control": "no-store"},
        "body": '"pong"',
        "isBase64Encoded": False,
    }


def test_ping_in_format_1_is_answered_exactly_so(handler: Handler) -> None:
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
def test_a_problem_goes_out_as_text(handler: Handler, name: str, status: int, code: str) -> None:
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
def test_any_other_event_warms_up(handler: Handler, other: Any) -> None:
    assert handler(other, None) == {"status": "warm", "model": "stand-in"}


@pytest.mark.parametrize("written", [{}, {"http": {"method": "GET", "path": "/api/ping"}}])
def test_an_event_of_no_format_is_a_request_that_cannot_be_read(handler: Handler, written: dict[str, Any]) -> None:
    response = handler({"requestContext": written, "httpMethod": "GET", "path": "/api/ping"}, None)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (400, "invalid_request")


def test_each_request_leaves_one_line_without_what_was_sent(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    handler(event("v2-form"), None)
    handler(event("v2-not-found"), None)
    handler(event("schedule"), None)
    judged, missing = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (judged["route"], judged["code"], judged["status"]) == ("/api/classify", "ok", 200)
    assert (judged["width"], judged["height"], judged["model"]) == (64, 48, "stand-in")
    assert {"DecodeTime", "InferTime", "Judged", "Refused"} <= judged.keys()
    assert (missing["route"], missing["code"], missing["status"]) == ("other", "not_found", 404)
    assert event("v2-not-found")["rawPath"] not in json.dumps(missing)


def test_with_a_secret_only_those_who_show_it_are_answered(environment: dict[str, str], stand_in_file: Path) -> None:
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


def test_starting_loads_nothing_of_training_and_leaves_nothing_at_home(
    environment: dict[str, str], stand_in_file: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, lesion.handler as h\n"
        "assert h.handler({}, None)['status'] == 'warm'\n"
        "print(sorted({'torch', 'onnx', 'boto3', 'httpx', 'uvicorn', 'sklearn', 'scipy', 'export'} & set(sys.modules)))"
    )
    done = run_python(code, {**environment, "LESION_MODEL": str(stand_in_file), "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert list(tmp_path.rglob("*")) == []


def test_telemetry_stays_off_even_where_it_was_turned_on(environment: dict[str, str], tmp_path: Path) -> None:
    code = "import lesion.inference.model, onnxruntime, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = run_python(code, {**environment, "HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"})
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert list(tmp_path.rglob("*")) == []


def test_a_bad_model_file_stops_the_start_with_its_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    done = run_python("import lesion.handler", {**environment, "LESION_MODEL": str(tmp_path / "nowhere.onnx")})
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("Put a model there, or set LESION_MODEL to where it is.")


def test_a_fault_is_not_taken_for_a_request_that_cannot_be_read(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(event: Any, context: Any) -> Any:
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(sys.modules["lesion.handler"], "_application", cache(lambda: fail))
    with pytest.raises(RuntimeError, match="nobody expected"):
        handler(event("v1-form"), None)
