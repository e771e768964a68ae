"""Write one line of JSON per request on Lambda: allow-listed fields, and metrics in CloudWatch's embedded format.

Only the names in `FIELDS` and `METRICS` are ever written. The route is one of the application's own or "other", because a
path is whatever a caller types. Of the request, no header, query, address, name or body is logged, and of the answer no
probability and no decision: only its code, sizes, timings and model. Besides these lines the log contains this package's own
messages about unhandled errors; messages of other packages are dropped (`drop_third_party_logs`).
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

NAMESPACE = "LesionClassifier"
SERVICE = "service"
"""The metrics' only dimension: the function's name, which separates two deployments in one account."""
CLASSIFY_PATH = "/api/classify"
OTHER = "other"
ROUTES = frozenset(
    f"/api/{name}"
    for name in ("classes", "classify", "config", "docs", "docs.css", "model", "openapi.json", "ping", "samples")
)
"""Routes that a line may name. Listed here because a line is written before the application is loaded."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

FIELDS = {
    SERVICE: "name of the function",
    "request_id": "Lambda's, which the gateway's access log calls function_request_id",
    "route": "of the application, or other",
    "method": "of HTTP, or other",
    "status": "of the answer",
    "code": "ok, or the code of the refusal or problem; null for routes that classify nothing",
    "cold": "whether it was the first request of this execution environment",
    "bytes_in": "size of the request's body",
    "bytes_out": "size of the answer's body",
    "images": "number of images that were classified; null without a classification",
    "width": "of the image, in pixels; null for several images",
    "height": "of the image, in pixels; null for several images",
    "ms": "duration of the whole request",
    "model": "version of the model that answered",
}
"""Every field that is not a metric, with its meaning."""

METRICS = {
    "Classified": "Count",
    "Refused": "Count",
    "Rejected": "Count",
    "DecodeTime": "Milliseconds",
    "InferTime": "Milliseconds",
}
"""Unit of each metric. CloudWatch charges each one by the month, so there are only those that the dashboard shows."""


def drop_third_party_logs() -> None:
    """Keep messages of other packages out of Lambda's log: Mangum logs every path, python-multipart bytes of bad forms.

    To be called when a function starts, when its runtime has already set up the log. On other hosts nothing is changed.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        for handler in logging.getLogger().handlers:
            handler.addFilter(logging.Filter("lesion"))


class AccessLog:
    """Writes one line for each request."""

    def __init__(self, service: str, model: str, stream: TextIO | None = None) -> None:
        """Open the log.

        Args:
            service: the function's name.
            model: version of the model.
            stream: where lines are written; None for standard output, which Lambda collects.
        """
        self._service = service
        self._model = model
        self._stream = stream
        self._cold = True

    def write(self, event: Mapping[str, Any], answer: Mapping[str, Any], context: Any, milliseconds: float) -> None:
        """Write the line of one request.

        Args:
            event: of API Gateway, in payload format 2.0 or 1.0.
            answer: the function's answer to it.
            context: Lambda's, or None.
            milliseconds: duration of the request.
        """
        line = self._fields(event, answer, context, milliseconds)
        metrics = _metrics(line["route"], answer)
        if metrics:
            line |= _embedded_metrics(metrics) | metrics
        self._cold = False
        print(json.dumps(line, separators=(",", ":")), file=self._stream or sys.stdout, flush=True)

    def _fields(
        self, event: Mapping[str, Any], answer: Mapping[str, Any], context: Any, milliseconds: float
    ) -> dict[str, Any]:
        path = event.get("rawPath", event.get("path"))
        method = (event["requestContext"].get("http") or {}).get("method", event.get("httpMethod"))
        # A test event that a person wrote may have any type in the place of text.
        route = path if isinstance(path, str) and path in ROUTES else OTHER
        body = _parse_body(route, answer)
        image = body.get("image")
        image = image if isinstance(image, dict) else {}
        return {
            SERVICE: self._service,
            "request_id": getattr(context, "aws_request_id", None),
            "route": route,
            "method": method if isinstance(method, str) and method in METHODS else OTHER,
            "status": answer["statusCode"],
            "code": _code(body),
            "cold": self._cold,
            "bytes_in": _size(event.get("body"), event.get("isBase64Encoded")),
            "bytes_out": _size(answer.get("body"), answer.get("isBase64Encoded")),
            "images": _image_count(body),
            "width": image.get("width"),
            "height": image.get("height"),
            "ms": round(milliseconds, 1),
            "model": self._model,
        }


def _parse_body(route: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer's JSON object if it is a classification or a problem, otherwise an empty one."""
    if answer["statusCode"] < 400 and route != CLASSIFY_PATH:
        return {}
    try:
        body = json.loads(answer.get("body") or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _code(body: Mapping[str, Any]) -> str | None:
    refusal = body.get("refusal")
    code = refusal.get("code") if isinstance(refusal, dict) else body.get("code", body.get("status"))
    return code if isinstance(code, str) else None


def _image_count(body: Mapping[str, Any]) -> int | None:
    if "timing_ms" not in body:
        return None
    images = body.get("images")
    return len(images) if isinstance(images, list) else 1


def _metrics(route: str, answer: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of one request; none if no image was to be classified."""
    if route != CLASSIFY_PATH:
        return {}
    if 400 <= answer["statusCode"] < 500:
        return {"Rejected": 1}
    body = _parse_body(route, answer)
    times = body.get("timing_ms")
    if not isinstance(times, dict):
        return {}
    refused = body.get("status") == "refused"
    return {
        "Classified": 0 if refused else 1,
        "Refused": 1 if refused else 0,
        "DecodeTime": times["decode"],
        "InferTime": times["infer"],
    }


def _embedded_metrics(metrics: Iterable[str]) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[SERVICE]],
        "Metrics": [{"Name": name, "Unit": METRICS[name]} for name in metrics],
    }
    return {"_aws": {"Timestamp": round(1000 * time.time()), "CloudWatchMetrics": [directive]}}


def _size(body: object, in_base64: object) -> int:
    """Return the bytes of a body without decoding it."""
    if not isinstance(body, str) or not body:
        return 0
    return len(body) * 3 // 4 - body[-2:].count("=") if in_base64 else len(body.encode(errors="replace"))
