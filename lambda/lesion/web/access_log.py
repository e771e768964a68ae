"""One line of JSON per request on Lambda: allow-listed fields, and metrics in CloudWatch's embedded format.

Only what `FIELDS` names is ever written. The route is one of the application's own or "other", because a path is whatever a
caller types; of the answer only its code, sizes, timings and model are taken. Of the request there is no header, query,
address, name or body, and of the answer no probability and no decision. Beside these lines the log has what the package
says itself, of faults; what other packages say stays out of it (`only_ours`).
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
"""The metrics' only dimension: the function's name, so that two deployments in one account stay apart."""
CLASSIFY = "/api/classify"
OTHER = "other"
ROUTES = frozenset(
    f"/api/{name}"
    for name in ("classes", "classify", "config", "docs", "docs.css", "model", "openapi.json", "ping", "samples")
)
"""What may be named; written down here, because a line is written before the application is loaded."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

FIELDS = {
    SERVICE: "name of the function",
    "request_id": "Lambda's, which the gateway's access log has as function_request_id",
    "route": "of the application, or other",
    "method": "of HTTP, or other",
    "status": "of the answer",
    "code": "ok, or the code of the refusal or the problem; none for routes that judge nothing",
    "cold": "whether it was the first request of this environment",
    "bytes_in": "of the body",
    "bytes_out": "of the answer's body",
    "width": "of the photograph, in pixels",
    "height": "of the photograph, in pixels",
    "ms": "for the whole request",
    "model": "version of the model that answered",
}
"""Every field but the metrics, with its meaning."""

METRICS = {
    "Judged": "Count",
    "Refused": "Count",
    "Rejected": "Count",
    "DecodeTime": "Milliseconds",
    "InferTime": "Milliseconds",
}
"""Unit of each metric. Each costs money by the month, so there are no more than the dashboard shows."""


def only_ours() -> None:
    """Keep from Lambda's log what the packages would write there: Mangum every path, python-multipart bytes of broken forms.

    To be called when a function starts; by then its runtime has set the log up. Elsewhere the log is the host's own.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        for handler in logging.getLogger().handlers:
            handler.addFilter(logging.Filter("lesion"))


class Records:
    """Writes what happened, a line for each request."""

    def __init__(self, service: str, model: str, to: TextIO | None = None) -> None:
        """Prepare.

        Args:
            service: the function's name.
            model: version of the model.
            to: where lines go; standard output where it is None, which is where Lambda collects them.
        """
        self._service = service
        self._model = model
        self._to = to
        self._cold = True

    def write(self, event: Mapping[str, Any], answer: Mapping[str, Any], context: Any, milliseconds: float) -> None:
        """Write the line of one request.

        Args:
            event: of API Gateway, in payload format 2.0 or 1.0.
            answer: what goes back to it.
            context: Lambda's, or None.
            milliseconds: that it took.
        """
        line = self._facts(event, answer, context, milliseconds)
        metrics = _metrics(line["route"], answer)
        if metrics:
            line |= _embedded(metrics) | metrics
        self._cold = False
        print(json.dumps(line, separators=(",", ":")), file=self._to or sys.stdout, flush=True)

    def _facts(
        self, event: Mapping[str, Any], answer: Mapping[str, Any], context: Any, milliseconds: float
    ) -> dict[str, Any]:
        path = event.get("rawPath", event.get("path"))
        method = (event["requestContext"].get("http") or {}).get("method", event.get("httpMethod"))
        # A test event, typed by a person, may have anything in the place of text.
        route = path if isinstance(path, str) and path in ROUTES else OTHER
        told = _told(route, answer)
        image = told.get("image")
        image = image if isinstance(image, dict) else {}
        return {
            SERVICE: self._service,
            "request_id": getattr(context, "aws_request_id", None),
            "route": route,
            "method": method if isinstance(method, str) and method in METHODS else OTHER,
            "status": answer["statusCode"],
            "code": _code(told),
            "cold": self._cold,
            "bytes_in": _size(event.get("body"), event.get("isBase64Encoded")),
            "bytes_out": _size(answer.get("body"), answer.get("isBase64Encoded")),
            "width": image.get("width"),
            "height": image.get("height"),
            "ms": round(milliseconds, 1),
            "model": self._model,
        }


def _told(route: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's object, where it is a classification or a problem; else an empty one."""
    if answer["statusCode"] < 400 and route != CLASSIFY:
        return {}
    try:
        told = json.loads(answer.get("body") or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(told: Mapping[str, Any]) -> str | None:
    refusal = told.get("refusal")
    code = refusal.get("code") if isinstance(refusal, dict) else told.get("code", told.get("status"))
    return code if isinstance(code, str) else None


def _metrics(route: str, answer: Mapping[str, Any]) -> dict[str, float]:
    """What is counted of one request; nothing where no photograph was to be judged."""
    if route != CLASSIFY:
        return {}
    if 400 <= answer["statusCode"] < 500:
        return {"Rejected": 1}
    told = _told(route, answer)
    times = told.get("timing_ms")
    if not isinstance(times, dict):
        return {}
    refused = told.get("status") == "refused"
    return {
        "Judged": 0 if refused else 1,
        "Refused": 1 if refused else 0,
        "DecodeTime": times["decode"],
        "InferTime": times["infer"],
    }


def _embedded(metrics: Iterable[str]) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[SERVICE]],
        "Metrics": [{"Name": name, "Unit": METRICS[name]} for name in metrics],
    }
    return {"_aws": {"Timestamp": round(1000 * time.time()), "CloudWatchMetrics": [directive]}}


def _size(body: object, in_base64: object) -> int:
    """Bytes of a body, without decoding it."""
    if not isinstance(body, str) or not body:
        return 0
    return len(body) * 3 // 4 - body[-2:].count("=") if in_base64 else len(body.encode(errors="replace"))
