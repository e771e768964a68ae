"""Entry point of the Lambda function: `lesion.handler.handler`.

The model is loaded when this module is imported, because Lambda grants the whole CPU during initialisation. The web
framework takes longer to load. It is loaded by the first request that needs it, which an upload does not (see
`lesion.fast_path`); with provisioned concurrency, and for a snapshot (SnapStart), it is loaded at the start, because nobody
waits then.
"""

import gc

# Loading creates hundreds of thousands of permanent objects: collecting garbage among them takes a tenth of the start.
gc.disable()

import logging
import os
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

from lesion import fast_path
from lesion.errors import InvalidRequest
from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web import fhir, problems
from lesion.web.access_log import AccessLog, drop_third_party_logs
from lesion.web.problems import problem_of
from lesion.web.samples import SampleGallery

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_TEXT_TYPES = (problems.MEDIA_TYPE, fhir.MEDIA_TYPE)
"""Media types beyond those of Mangum that are sent as they are; others are sent as base64."""

drop_third_party_logs()
_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
_access_log = AccessLog(service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "lesion"), model=_model.card.version)
# A malformed gallery must fail at the start, not with the first request that loads the framework.
SampleGallery(_settings.samples)
gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event, and write a line of the access log if it is a request.

    Args:
        event: of API Gateway (payload format 2.0 or 1.0) or a function URL; any other event counts as a warm-up call.
        context: Lambda's, passed on.

    Returns:
        The answer in API Gateway's format; for a warm-up call, the model's version.
    """
    if not _is_http(event):
        return {"status": "warm", "model": _model.card.version}
    started = perf_counter()
    answer = fast_path.respond(event, _model, _settings) or _respond(_application(), event, context)
    _access_log.write(event, answer, context, 1000 * (perf_counter() - started))
    return answer


def _respond(application: Handler, event: dict[str, Any], context: Any) -> dict[str, Any]:
    if not isinstance(_method(event), str) or not _has_format(event):
        return _unreadable()
    try:
        return application(event, context)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The application answers its own errors. What remains is an event that Mangum cannot convert to a request: invalid
        # base64, or a host with a port that is not a number. The exception's message may quote the event.
        logging.getLogger("lesion").warning("an event cannot be read: %s", type(error).__name__)
        return _unreadable()


@cache
def _application() -> Handler:
    """Load the web framework and return the application, behind Mangum, which converts events to requests."""
    from mangum import Mangum
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

    from lesion.web.api import create_app
    from lesion.web.middleware import OriginGuard

    app = OriginGuard(create_app(_settings, _model), _settings.origin_secrets)
    return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, *_TEXT_TYPES])


def _unreadable() -> dict[str, Any]:
    error = InvalidRequest("The request cannot be read. All routes and parameters are described at /api/docs.")
    return fast_path.problem_answer(problem_of(error))


def _is_http(event: object) -> bool:
    # The event of a schedule, a bucket or a person's test may be any JSON, and Mangum raises on what it does not support.
    request = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(request, dict):
        return False
    http = request.get("http")
    return isinstance(http, dict) or (http is None and "httpMethod" in event)


def _has_format(event: dict[str, Any]) -> bool:
    # The keys by which Mangum distinguishes the payload formats: 2.0, 1.0, and a load balancer's.
    return "version" in event or "resource" in event or "elb" in event["requestContext"]


def _method(event: dict[str, Any]) -> object:
    http = event["requestContext"].get("http")
    return event["httpMethod"] if http is None else http.get("method")


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") in ("provisioned-concurrency", "snap-start"):
    _application()
