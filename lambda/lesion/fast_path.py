"""Answer the usual request without a web framework: `POST /api/classify` in an event of API Gateway.

Most cold starts are caused by somebody who waits for a classification. Loading FastAPI and pydantic would more than double
that wait, and later requests would spend a seventh of their time in them. So such a request is answered here, errors
included, from the same functions as in `lesion.web.api`: `extract_upload`, `classify`, `represent`, `problem_of`. All other
requests (several images, other routes, invalid queries, unreadable events) are left to `lesion.web.api` before an image is
decoded.
"""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lesion.errors import RequestError
from lesion.inference.card import IMAGE_TYPES
from lesion.inference.classify import classify
from lesion.inference.model import Model
from lesion.inference.schemas import Views
from lesion.settings import Settings
from lesion.web.access_log import CLASSIFY_PATH
from lesion.web.middleware import ORIGIN_HEADER, has_origin_secret, wrong_origin
from lesion.web.problems import NO_STORE, Problem, log_unhandled, problem_of, unhandled_problem
from lesion.web.representation import represent
from lesion.web.upload import extract_upload

_METHOD = "POST"
_QUERY: dict[str, dict[str, Any]] = {
    "views": {str(views.value): views for views in Views},
    "evidence": {"true": True, "false": False},
    "image_type": {"auto": None, **{name: name for name in IMAGE_TYPES}},
}


@dataclass(frozen=True)
class _Request:
    """The parts of an event that a classification needs.

    Attributes:
        options: keyword arguments of `classify`.
        secrets: values of the origin header.
        content_type: of the body, or None.
        accept: value of the header Accept, or None.
        body: decoded from base64.
    """

    options: dict[str, Any]
    secrets: list[bytes]
    content_type: str | None
    accept: str | None
    body: bytes


def respond(event: dict[str, Any], model: Model, settings: Settings) -> dict[str, Any] | None:
    """Return the answer in API Gateway's format, or None if the request must be answered by the framework.

    Args:
        event: an HTTP request in any payload format.
        model: the loaded model.
        settings: largest upload and origin secrets.
    """
    try:
        request = _read(event)
    except (AttributeError, KeyError, TypeError, ValueError):
        # `lesion.handler` answers events that cannot be read.
        return None
    if request is None:
        return None
    if not has_origin_secret(request.secrets, settings.origin_secrets):
        return problem_answer(wrong_origin())
    try:
        images = extract_upload(request.body, request.content_type, settings.max_upload_bytes)
        if len(images) > 1:
            return None
        content, media_type = represent(classify(images[0], model, **request.options), model.card, request.accept)
    except RequestError as error:
        return problem_answer(problem_of(error))
    except Exception as error:
        # Answered here too: a second attempt in the framework would decode again, and while the exception still holds the
        # decoded image there may not be enough memory to load the framework.
        log_unhandled(error, _METHOD, CLASSIFY_PATH)
        return problem_answer(unhandled_problem())
    headers = {"cache-control": NO_STORE, "content-length": str(len(content)), "content-type": media_type}
    return _answer(200, headers, content)


def problem_answer(problem: Problem) -> dict[str, Any]:
    """Return a problem as an answer in API Gateway's format.

    Args:
        problem: the error.
    """
    return _answer(problem.status, problem.headers(), problem.body())


def _answer(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    return {"statusCode": status, "headers": headers, "body": body.decode(), "isBase64Encoded": False}


def _read(event: dict[str, Any]) -> _Request | None:
    """Parse an event; None if it is not the usual request, an exception if it is malformed."""
    http = event["requestContext"].get("http") or {}
    if event.get("version") != "2.0" or (http.get("method"), http.get("path")) != (_METHOD, CLASSIFY_PATH):
        return None
    options = _parse_query(event.get("rawQueryString", ""))
    if options is None:
        return None
    headers = {name.lower(): value for name, value in event["headers"].items()}
    content_type = headers.get("content-type")
    body = event.get("body") or ""
    return _Request(
        options=options,
        secrets=[headers[ORIGIN_HEADER].encode()] if ORIGIN_HEADER in headers else [],
        # The framework receives the header's bytes, and decodes them like this.
        content_type=content_type if content_type is None else content_type.encode().decode("latin-1"),
        accept=headers.get("accept"),
        body=base64.b64decode(body) if event.get("isBase64Encoded", False) else body.encode(),
    )


def _parse_query(text: str) -> dict[str, Any] | None:
    """Return keyword arguments of `classify`, or None if a parameter is unknown, repeated or in an unusual notation."""
    pairs = parse_qsl(text, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or any(value not in _QUERY.get(name, ()) for name, value in pairs):
        return None
    return {name: _QUERY[name][value] for name, value in pairs}
