"""The access log has one line per request with allow-listed fields, and nothing that a person sent."""

import io
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.access_log import FIELDS, METRICS, NAMESPACE, ROUTES, SERVICE, AccessLog, drop_third_party_logs
from lesion.web.api import create_app

SECRET = "anna-schmidt"
CONTEXT = SimpleNamespace(aws_request_id="8f5e", function_name="f")


def event(path: str = "/api/classify", method: str = "POST", **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": f"url=https://{SECRET}.org",
        "queryStringParameters": {"url": SECRET},
        "headers": {"user-agent": SECRET, "x-forwarded-for": "192.0.2.7", "content-disposition": SECRET},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.7", "userAgent": SECRET}},
        **more,
    }


def answer(body: Any, status: int = 200) -> dict[str, Any]:
    return {"statusCode": status, "headers": {}, "body": json.dumps(body), "isBase64Encoded": False}


def classified(**changed: Any) -> dict[str, Any]:
    return answer(
        {
            "status": "ok",
            "refusal": None,
            "prediction": {"decision": "above_threshold", "malignant_probability": 0.625},
            "image": {"width": 1024, "height": 768, "format": "JPEG"},
            "timing_ms": {"decode": 6.1, "infer": 9.0, "total": 15.9},
            **changed,
        }
    )


def line(event: dict[str, Any], answer: dict[str, Any], context: Any = CONTEXT) -> dict[str, Any]:
    out = io.StringIO()
    AccessLog("lesion-live", "1.2.3", out).write(event, answer, context, 20.04)
    assert out.getvalue().count("\n") == 1
    written: dict[str, Any] = json.loads(out.getvalue())
    return written


def test_routes_are_those_of_the_application(stand_in: Model) -> None:
    assert {getattr(route, "path", None) for route in create_app(Settings(), stand_in).routes} == ROUTES


def test_write_line_of_a_classification() -> None:
    written = line(event(body="QUJDRA==", isBase64Encoded=True), classified())
    directive = written.pop("_aws")
    assert isinstance(directive["Timestamp"], int)
    assert directive["CloudWatchMetrics"] == [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[SERVICE]],
            "Metrics": [
                {"Name": "Classified", "Unit": "Count"},
                {"Name": "Refused", "Unit": "Count"},
                {"Name": "DecodeTime", "Unit": "Milliseconds"},
                {"Name": "InferTime", "Unit": "Milliseconds"},
            ],
        }
    ]
    assert written.pop("bytes_out") == len(classified()["body"])
    assert written == {
        "service": "lesion-live",
        "request_id": "8f5e",
        "route": "/api/classify",
        "method": "POST",
        "status": 200,
        "code": "ok",
        "cold": True,
        "bytes_in": 4,
        "images": 1,
        "width": 1024,
        "height": 768,
        "ms": 20.0,
        "model": "1.2.3",
        "Classified": 1,
        "Refused": 0,
        "DecodeTime": 6.1,
        "InferTime": 9.0,
    }


def test_write_counts_the_images_of_a_lesion() -> None:
    """One line and one classification; nothing of the single images but their number."""
    image = {"status": "ok", "prediction": {"malignant_probability": 0.625}, "image": {"width": 1024}, "note": SECRET}
    written = line(event(), classified(image=None, images=[image] * 3, agreement="disagree"))
    assert (written["images"], written["Classified"], written["width"]) == (3, 1, None)
    text = json.dumps(written)
    assert SECRET not in text and "disagree" not in text and "0.625" not in text


def test_write_counts_refusals() -> None:
    written = line(event(), classified(status="refused", refusal={"code": "too_dark", "message": "…"}, prediction=None))
    assert (written["code"], written["Classified"], written["Refused"]) == ("too_dark", 0, 1)


def test_write_counts_rejected_requests() -> None:
    written = line(event(), answer({"code": "unsupported_format", "detail": SECRET}, 415))
    assert (written["status"], written["code"], written["Rejected"]) == (415, "unsupported_format", 1)
    assert [item["Name"] for item in written["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == ["Rejected"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/ping", "pong", 200, None),
        ("/api/ping", {"code": "method_not_allowed"}, 405, "method_not_allowed"),
        ("/api/classify", {"code": "fault"}, 500, "fault"),
        (f"/api/{SECRET}", {"code": "not_found"}, 404, "not_found"),
    ],
)
def test_write_has_no_metrics_without_classification(path: str, body: Any, status: int, code: str | None) -> None:
    written = line(event(path), answer(body, status))
    assert (written["status"], written["code"]) == (status, code)
    assert not written.keys() & {"_aws", *METRICS}


@pytest.mark.parametrize("path", [f"/api/{SECRET}", f"/{SECRET}", "", None])
def test_write_hides_unknown_paths(path: Any) -> None:
    assert line(event() | {"rawPath": path}, answer({}, 404))["route"] == "other"


def test_write_hides_unknown_methods() -> None:
    assert line(event(method=SECRET), answer({}, 405))["method"] == "other"


def test_write_supports_payload_format_1() -> None:
    old = {"httpMethod": "GET", "path": "/api/ping", "requestContext": {"httpMethod": "GET"}}
    written = line(old, answer("pong"))
    assert (written["route"], written["method"]) == ("/api/ping", "GET")


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", None, '{"status": 3, "timing_ms": null, "image": null}'])
def test_write_tolerates_other_bodies(body: str | None) -> None:
    written = line(event(), {"statusCode": 200, "body": body})
    assert written["code"] is None
    assert "_aws" not in written


@pytest.mark.parametrize(
    "answered",
    [
        classified(),
        classified(status="refused", refusal={"code": "too_dark", "message": SECRET}),
        answer({"code": "fault", "detail": SECRET, "title": SECRET}, 500),
        answer({"code": "invalid_parameter", "detail": SECRET}, 422),
    ],
)
def test_write_logs_no_personal_data(answered: dict[str, Any]) -> None:
    written = line(event(f"/api/classify/{SECRET}", body=SECRET), answered) | line(event(body=SECRET), answered)
    assert written.keys() <= {"_aws", *FIELDS, *METRICS}
    text = json.dumps(written)
    for word in (SECRET, "192.0.2.7", "0.625", "above_threshold"):
        assert word not in text


def test_write_marks_the_first_request_as_cold() -> None:
    """Lambda's context may be missing."""
    out = io.StringIO()
    records = AccessLog("lesion-live", "1.2.3", out)
    for _ in range(3):
        records.write(event("/api/ping", "GET"), answer("pong"), None, 1)
    lines = [json.loads(text) for text in out.getvalue().splitlines()]
    assert [item["cold"] for item in lines] == [True, False, False]
    assert {item["request_id"] for item in lines} == {None}


@pytest.mark.parametrize(
    ("body", "encoded", "size"),
    [(None, False, 0), ("", True, 0), ("äb", False, 3), ("QQ==", True, 1), ("QUI=", True, 2), ("QUJD", True, 3)],
)
def test_write_measures_bodies_in_bytes(body: str | None, encoded: bool, size: int) -> None:
    assert line(event(body=body, isBase64Encoded=encoded), classified())["bytes_in"] == size


@pytest.mark.parametrize("on_lambda", [True, False])
def test_drop_third_party_logs_keeps_own_messages(monkeypatch: pytest.MonkeyPatch, on_lambda: bool) -> None:
    """On Lambda only messages of this package remain; other hosts keep all."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    if on_lambda:
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    drop_third_party_logs()
    logging.getLogger("lesion").warning("ours")
    logging.getLogger("mangum").warning("theirs")
    assert out.getvalue() == ("ours\n" if on_lambda else "ours\ntheirs\n")
