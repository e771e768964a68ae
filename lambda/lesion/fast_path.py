"""The everyday request without the web framework: a photograph in an event of API Gateway.

A new environment is mostly started by somebody who waits for the answer to a photograph, and loading FastAPI and pydantic
would more than double that wait; later photographs would spend a seventh of their time in them. So such a photograph is
answered from the same parts as in `lesion.web.api`: `find_upload`, `classify`, `encode`. Whatever is unusual in any way, errors
above all, is left to `lesion.web.api`: there is one place that knows parameters, problems and logs.
"""

import base64
from typing import Any
from urllib.parse import parse_qsl

from lesion.inference.classify import NO_STORE, classify
from lesion.inference.model import Model
from lesion.inference.schemas import Views, encode
from lesion.settings import Settings
from lesion.web.origin import HEADER, opens
from lesion.web.upload import find_upload

_QUERY: dict[str, dict[str, Any]] = {
    "views": {str(views.value): views for views in Views},
    "evidence": {"true": True, "false": False},
}


def answer(event: dict[str, Any], model: Model, settings: Settings) -> dict[str, Any] | None:
    """The answer as API Gateway takes it, or None where the request is not an everyday one that succeeds.

    Args:
        event: an HTTP request, as any payload format has it.
        model: the loaded model.
        settings: the largest photograph, and the secrets of the origin.
    """
    http = event["requestContext"].get("http") or {}
    if event.get("version") != "2.0" or (http.get("method"), http.get("path")) != ("POST", "/api/classify"):
        return None
    try:
        query = _query(event.get("rawQueryString", ""))
        if query is None:
            return None
        headers = {name.lower(): value for name, value in event["headers"].items()}
        if not opens((headers[name].encode() for name in headers if name == HEADER), settings.origin_secrets):
            return None
        body = event.get("body", "")
        data = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
        content = encode(classify(find_upload(data, headers.get("content-type"), settings.max_upload_bytes), model, **query))
    except Exception:
        # Expected or not: it will happen again in `lesion.web.api`, which makes an answer and a log entry of it. Not here, where
        # the exception still holds what was decoded: there may be no memory to load the framework in.
        return None
    return {
        "statusCode": 200,
        "headers": {
            "content-length": str(len(content)),
            "content-type": "application/json",
            **{name.lower(): value for name, value in NO_STORE.items()},
        },
        "body": content.decode(),
        "isBase64Encoded": False,
    }


def _query(text: str) -> dict[str, Any] | None:
    """Arguments of `classify`, or None where a parameter is unknown, given twice, or written in an unusual way."""
    pairs = parse_qsl(text, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or any(value not in _QUERY.get(name, ()) for name, value in pairs):
        return None
    return {name: _QUERY[name][value] for name, value in pairs}
