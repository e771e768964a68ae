"""Malformed and adversarial requests, as events of the Lambda function."""

import base64
import json
from typing import Any

import pytest
from lesion.web.upload import MAX_FORM_OVERHEAD

from tests.support.literal_events import Handler, event
from tests.support.multipart import BOUNDARY, FORM, form, part


def sent(body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {**event("v2-body"), "headers": headers, "body": body, "isBase64Encoded": True}


def code(answer: dict[str, Any]) -> tuple[int, str | None]:
    told = json.loads(answer["body"])
    return answer["statusCode"], told.get("code")


MANY = form(*[part(f"field{n}", b"", file=None) for n in range(10_000)])
LONG = "x" * 6000

MALFORMED = {
    "no boundary": (form(part("file", b"x")), {"content-type": "multipart/form-data"}, 400, "invalid_request"),
    "a boundary that is not there": (
        form(part("file", b"x")),
        {"content-type": "multipart/form-data; boundary=b"},
        400,
        "invalid_request",
    ),
    "10,000 fields": (MANY, FORM, 400, "invalid_request"),
    "a form in a form": (
        form(part("file", b"--inner\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--inner--\r\n")),
        FORM,
        415,
        "unsupported_format",
    ),
    "a form of mixed parts": (
        form(part("file", b"x")),
        {"content-type": f"multipart/mixed; boundary={BOUNDARY}"},
        400,
        "invalid_request",
    ),
    "a length that lies in a part": (
        form(b"--an-edge\r\nContent-Length: 99999\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n"),
        FORM,
        415,
        "unsupported_format",
    ),
    "a part in base64": (
        form(
            b"--an-edge\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name=file\r\n\r\n"
            + base64.b64encode(b"GIF89a")
            + b"\r\n"
        ),
        FORM,
        415,
        "unsupported_format",
    ),
    "a header of 6,000 letters": (
        form(f"--an-edge\r\nX: {LONG}\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n".encode()),
        FORM,
        400,
        "invalid_request",
    ),
    "a name of 4,000 letters": (form(part("f" * 4000, b"x")), FORM, 422, "missing_file"),
    "line ends of another system": (form(part("file", b"x")).replace(b"\r\n", b"\n"), FORM, 400, "invalid_request"),
    "only the end": (b"--an-edge--\r\n", FORM, 422, "missing_file"),
    "large field beside the image": (
        form(part("note", b"x" * (4_500_000 + MAX_FORM_OVERHEAD), file=None)),
        FORM,
        413,
        "too_large",
    ),
    "JSON": (b'{"file": "..."}', {"content-type": "application/json"}, 415, "unsupported_format"),
    "an address of data": (b"data:image/png;base64,iVBORw0KGgo=", {"content-type": "text/plain"}, 415, "unsupported_format"),
}


@pytest.mark.parametrize(("body", "headers", "status", "expected"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_body_gets_its_problem(
    handler: Handler, body: bytes, headers: dict[str, str], status: int, expected: str
) -> None:
    assert code(handler(sent(base64.b64encode(body).decode(), headers), None)) == (status, expected)


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA=A", "A" * 101, "\u00e9\u00e9\u00e9\u00e9"])
def test_malformed_base64_is_an_invalid_request(handler: Handler, text: str) -> None:
    answer = handler(sent(text, {}), None)
    assert code(answer) == (400, "invalid_request")
    assert answer["headers"]["content-type"] == "application/problem+json"


@pytest.mark.parametrize("text", ["=", "!!!!", "%%%", "\x00\n", ""])
def test_base64_without_content_is_a_missing_file(handler: Handler, text: str) -> None:
    assert code(handler(sent(text, {}), None)) == (422, "missing_file")


@pytest.mark.parametrize("host", ["a:b", "a:b:c", "[::1]:80", ":", "a:99999999"])
def test_malformed_host_is_not_a_server_error(handler: Handler, host: str) -> None:
    answer = handler({**event("v2-ping"), "headers": {"host": host}}, None)
    assert answer["statusCode"] in (200, 400)


@pytest.mark.parametrize("method", [[], {}, None, 5, ["POST"]])
def test_method_that_is_not_text_is_an_invalid_request(handler: Handler, method: object) -> None:
    newer, older = event("v2-ping"), event("v1-form")
    newer["requestContext"]["http"]["method"] = older["httpMethod"] = method
    for one in (newer, older):
        assert code(handler(one, None)) == (400, "invalid_request")


PATHS = [
    "/api/../../../etc/passwd",
    "/api/classify/../../etc/passwd",
    "/api/%2e%2e/%2e%2e/etc/passwd",
    "/api/ping%00",
    "/api/ping\x00",
    "/api/ping;a=b",
    "//api/ping",
    "/API/PING",
    "/api/" + "x" * 100_000,
    "/api/\u202egnp",
    "/api/%ff%fe",
    "/api/%",
    "",
    "*",
    "http://evil.example/api/ping",
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_path_outside_the_routes_is_not_found(handler: Handler, path: str) -> None:
    context = event("v2-ping")["requestContext"]
    context["http"]["path"] = path
    answer = handler({**event("v2-ping"), "rawPath": path, "requestContext": context}, None)
    assert code(answer) == (404, "not_found")


QUERIES = {
    "sample=../../../etc/passwd": 404,
    "sample=%2e%2e%2f%2e%2e%2fetc%2fpasswd": 404,
    "sample=a%00b": 404,
    "sample=" + "x" * 100_000: 404,
    "sample=%ff%fe": 404,
    "views=1&views=8": 422,
    "views=" + "9" * 100_000: 422,
    "views=1e400": 422,
    "views=NaN": 422,
    "views=%00": 422,
    "&" * 50_000: 422,
    "a=b&" * 10_000: 422,
    "evidence[]=true": 422,
}


@pytest.mark.parametrize(("query", "status"), QUERIES.items(), ids=range(len(QUERIES)))
def test_malformed_query_is_refused(handler: Handler, query: str, status: int) -> None:
    context = event("v2-ping")["requestContext"]
    context["http"]["path"] = "/api/classify"
    changed = {**event("v2-ping"), "rawPath": "/api/classify", "rawQueryString": query, "requestContext": context}
    assert handler(changed, None)["statusCode"] == status
