"""Answers of the API that are the same for everyone between two deployments, as files of the page.

They are the answers of the application itself, with the environment of the deployed function. So the files and the API's
routes, which stay for direct callers, cannot differ. A visit of the page then starts no function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.api import create_app
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

PATHS = ("/api/classes", "/api/config", "/api/model", "/api/samples")
"""Routes that need nothing of a request."""
MEDIA_TYPE = "application/json"


@dataclass(frozen=True)
class Answer:
    """An answer of the API.

    Attributes:
        status: HTTP status.
        headers: pairs of a name in lower case and its value.
        body: as sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True)
class Facts:
    """Answers to publish.

    Attributes:
        files: content by path, with the leading slash.
        cache_control: header of every file, as the API sends it.
        wrong_method: the API's answer to a method other than GET and HEAD.
    """

    files: Mapping[str, str]
    cache_control: str
    wrong_method: Answer


class FactsError(Exception):
    """Raised if an answer cannot be published as a file; the message names it."""


def read_facts(environment: Mapping[str, str]) -> Facts:
    """Return the facts of a deployment.

    Args:
        environment: variables of the function, see `lesion.settings`; those of this process do not matter.

    Raises:
        FactsError: an answer has another type or cache header than the rest, or the routes answer wrong methods differently.
        LesionError: from `lesion`, where model or samples cannot be read.
    """
    settings = read_settings(environment)
    app = create_app(settings, Model(settings.model, threads=settings.threads))
    ask = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"])
    answers = {path: _ask(ask, "GET", path) for path in PATHS}
    wrong = {_ask(ask, method, path) for path in PATHS for method in ("POST", "PUT", "DELETE", "OPTIONS")}
    kinds = {(item.status, dict(item.headers)["content-type"]) for item in answers.values()}
    controls = {dict(item.headers)["cache-control"] for item in answers.values()}
    if kinds != {(200, MEDIA_TYPE)} or len(controls) != 1 or len(wrong) != 1:
        raise FactsError(f"The answers of {', '.join(PATHS)} differ in more than their body: {kinds}, {controls}.")
    return Facts({path: item.body for path, item in answers.items()}, controls.pop(), wrong.pop())


def _ask(ask: Mangum, method: str, path: str) -> Answer:
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "facts"}
    event: Any = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "facts"},
        "requestContext": {"http": http, "requestId": "facts", "stage": "$default", "domainName": "facts"},
        "isBase64Encoded": False,
    }
    context: Any = None
    answer = ask(event, context)
    return Answer(answer["statusCode"], tuple(sorted(answer["headers"].items())), answer["body"])
