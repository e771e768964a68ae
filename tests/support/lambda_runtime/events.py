"""Conversion of HTTP requests to API Gateway events, and of a function's responses to HTTP."""

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

REQUEST_BYTES = 10 * 1024 * 1024
"""API Gateway's limit of a request body in bytes."""

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


@dataclass(frozen=True)
class Request:
    """An HTTP request; `target` is the undecoded path and query."""

    method: str
    target: str
    headers: Iterable[tuple[str, str]]
    body: bytes
    source: str


def version_2(request: Request) -> dict[str, Any]:
    """Return the event in payload format 2.0: an HTTP API or a function URL."""
    url = urlsplit(request.target)
    headers: dict[str, str] = {}
    for name, value in request.headers:
        name = name.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    body, encoded = _body(request.body, headers.get("content-type", ""))
    query = {name: ",".join(values) for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": url.path,
        "rawQueryString": url.query,
        "headers": headers,
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": headers.get("host", ""),
            "http": {
                "method": request.method,
                "path": url.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": "request-id",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": int(1000 * time.time()),
        },
        **({"body": body} if request.body else {}),
        "isBase64Encoded": encoded,
    }


def version_1(request: Request) -> dict[str, Any]:
    """Return the event in payload format 1.0: a REST API with binary media types, or an HTTP API configured for it."""
    url = urlsplit(request.target)
    several: dict[str, list[str]] = {}
    for name, value in request.headers:
        several.setdefault(name, []).append(value)
    kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    body, encoded = _body(request.body, kind)
    query = parse_qs(url.query, keep_blank_values=True)
    return {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": url.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": url.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source},
            "path": url.path,
            "protocol": "HTTP/1.1",
            "requestId": "request-id",
            "resourcePath": "/{proxy+}",
            "stage": "$default",
        },
        "body": body if request.body else None,
        "isBase64Encoded": encoded,
    }


def response(result: Any) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a function's response.

    Raises:
        ValueError: it is not in the format that API Gateway takes.
    """
    if not isinstance(result, dict) or not isinstance(result.get("statusCode"), int):
        raise ValueError("The function's answer has no statusCode.")
    headers = {**(result.get("headers") or {})}
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers[name] = ",".join(values)
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    body = result.get("body") or ""
    return result["statusCode"], headers, base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()


def _body(body: bytes, kind: str) -> tuple[str, bool]:
    # Bodies of all but the text types are base64-encoded.
    if kind.startswith(_TEXT):
        return body.decode(errors="replace"), False
    return base64.b64encode(body).decode(), True
