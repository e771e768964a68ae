"""Entry of the Lambda function: `lesion.handler.handler`.

The model is loaded when this is imported, because Lambda gives the whole CPU while it starts. The web framework, which
takes longer, is loaded with the first request that needs it, which a photograph does not (see `lesion.fast_path`); with
provisioned concurrency also now, because there nobody waits.
"""

import gc

# Loading makes hundreds of thousands of objects that stay: looking among them for garbage takes a tenth of the start.
gc.disable()

import logging
import os
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

from lesion import fast_path
from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.access_log import Records, only_ours
from lesion.web.samples import Samples

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

only_ours()
_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
_records = Records(service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "lesion"), model=_model.card.version)
# A gallery that is broken is found now, not with the first request that loads the framework.
Samples(_settings.samples)
gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event, and write a line about it.

    Args:
        event: of API Gateway (payload format 2.0 or 1.0) or a function URL; any other event counts as a warm-up call.
        context: Lambda's, passed on.
    """
    if not _is_http(event):
        return {"status": "warm", "model": _model.card.version}
    started = perf_counter()
    answer = fast_path.answer(event, _model, _settings) or _read(_http(), event, context)
    _records.write(event, answer, context, 1000 * (perf_counter() - started))
    return answer


def _read(http: Handler, event: dict[str, Any], context: Any) -> dict[str, Any]:
    if not isinstance(_method(event), str) or not _has_format(event):
        return _unreadable()
    try:
        return http(event, context)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The application answers its own faults. What is left is an event that cannot be made a request of: base64 that is
        # none, a host with a port that is no number. Its message may hold what the event held.
        logging.getLogger("lesion").warning("an event cannot be read: %s", type(error).__name__)
        return _unreadable()


@cache
def _http() -> Handler:
    """The application, behind what makes requests of events."""
    from mangum import Mangum
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

    from lesion.web.api import create_app
    from lesion.web.origin import Origin
    from lesion.web.problems import MEDIA_TYPE

    app = Origin(create_app(_settings, _model), _settings.origin_secrets)
    # Without its type in the list, a problem would be sent in base64.
    return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def _unreadable() -> dict[str, Any]:
    from lesion.errors import InvalidRequest
    from lesion.web.problems import answer

    problem = answer(InvalidRequest("The request cannot be read. What can be asked, and how, is described at /api/docs."))
    return {
        "statusCode": problem.status_code,
        "headers": dict(problem.headers),
        "body": bytes(problem.body).decode(),
        "isBase64Encoded": False,
    }


def _is_http(event: object) -> bool:
    # A schedule, a bucket or a person's test event may be any JSON at all, and Mangum raises on what it does not know.
    request = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(request, dict):
        return False
    http = request.get("http")
    return isinstance(http, dict) or (http is None and "httpMethod" in event)


def _has_format(event: dict[str, Any]) -> bool:
    # What Mangum tells the formats by: 2.0, 1.0, and a load balancer's.
    return "version" in event or "resource" in event or "elb" in event["requestContext"]


def _method(event: dict[str, Any]) -> object:
    http = event["requestContext"].get("http")
    return event["httpMethod"] if http is None else http.get("method")


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency":
    _http()
