"""One line per request, of allow-listed fields; what a person sent is not in it, whatever it was."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.access_log import FIELDS, METRICS, NAMESPACE, ROUTES, SERVICE, AccessLog
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


def judged(**changed: Any) -> dict[str, Any]:
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


def test_every_route_of_the_application_may_be_named(stand_in: Model) -> None:
    assert {getattr(route, "path", None) for route in create_app(Settings(), stand_in).routes} == ROUTES


def test_a_judged_photograph() -> None:
    written = line(event(body="QUJDRA==", isBase64Encoded=True), judged())
    directive = written.pop("_aws")
    assert isinstance(directive["Timestamp"], int)
    assert directive["CloudWatchMetrics"] == [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[SERVICE]],
            "Metrics": [
                {"Name": "Judged", "Unit": "Count"},
                {"Name": "Refused", "Unit": "Count"},
                {"Name": "DecodeTime", "Unit": "Milliseconds"},
                {"Name": "InferTime", "Unit": "Milliseconds"},
            ],
        }
    ]
    assert written.pop("bytes_out") == len(judged()["body"])
    assert written == {
        "service": "lesion-live",
        "request_id": "8f5e",
        "route": "/api/classify",
        "method": "POST",
        "status": 200,
        "code": "ok",
        "cold": True,
        "bytes_in": 4,
        "width": 1024,
        "height": 768,
        "ms": 20.0,
        "model": "1.2.3",
        "Judged": 1,
        "Refused": 0,
        "DecodeTime": 6.1,
        "InferTime": 9.0,
    }


def test_a_refused_one_is_counted_as_such_with_its_code() -> None:
    written = line(event(), judged(status="refused", refusal={"code": "too_dark", "message": "…"}, prediction=None))
    assert (written["code"], written["Judged"], written["Refused"]) == ("too_dark", 0, 1)


def test_a_rejected_one_is_counted_with_the_problems_code() -> None:
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
def test_what_judges_no_photograph_has_no_metrics(path: str, body: Any, status: int, code: str | None) -> None:
    written = line(event(path), answer(body, status))
    assert (written["status"], written["code"]) == (status, code)
    assert not written.keys() & {"_aws", *METRICS}


@pytest.mark.parametrize("path", [f"/api/{SECRET}", f"/{SECRET}", "", None])
def test_a_path_that_is_not_a_route_is_not_named(path: Any) -> None:
    assert line(event() | {"rawPath": path}, answer({}, 404))["route"] == "other"


def test_a_method_that_is_not_one_of_http_is_not_named() -> None:
    assert line(event(method=SECRET), answer({}, 405))["method"] == "other"


def test_payload_format_1_is_understood() -> None:
    old = {"httpMethod": "GET", "path": "/api/ping", "requestContext": {"httpMethod": "GET"}}
    written = line(old, answer("pong"))
    assert (written["route"], written["method"]) == ("/api/ping", "GET")


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", None, '{"status": 3, "timing_ms": null, "image": null}'])
def test_an_answer_of_another_kind_is_no_fault(body: str | None) -> None:
    written = line(event(), {"statusCode": 200, "body": body})
    assert written["code"] is None
    assert "_aws" not in written


@pytest.mark.parametrize(
    "answered",
    [
        judged(),
        judged(status="refused", refusal={"code": "too_dark", "message": SECRET}),
        answer({"code": "fault", "detail": SECRET, "title": SECRET}, 500),
        answer({"code": "invalid_parameter", "detail": SECRET}, 422),
    ],
)
def test_nothing_but_the_named_fields_and_nothing_of_a_person(answered: dict[str, Any]) -> None:
    written = line(event(f"/api/classify/{SECRET}", body=SECRET), answered) | line(event(body=SECRET), answered)
    assert written.keys() <= {"_aws", *FIELDS, *METRICS}
    text = json.dumps(written)
    for word in (SECRET, "192.0.2.7", "0.625", "above_threshold"):
        assert word not in text


def test_only_the_first_request_is_cold_and_lambdas_context_may_be_missing() -> None:
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
def test_sizes_are_in_bytes(body: str | None, encoded: bool, size: int) -> None:
    assert line(event(body=body, isBase64Encoded=encoded), judged())["bytes_in"] == size
