"""Entry of the Lambda function: `lesion.handler.handler`.

The application and the model are made when this is imported, because Lambda gives the whole CPU while it starts.
"""

import os
from time import perf_counter
from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from lesion.api import create_app
from lesion.model import Model
from lesion.origin import Origin
from lesion.problems import MEDIA_TYPE
from lesion.records import Records
from lesion.settings import read_settings

_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
_app = create_app(_settings, _model)
_records = Records(
    service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "lesion"),
    model=_model.card.version,
    routes=(path for path in (getattr(route, "path", None) for route in _app.routes) if path),
)
# Without its type in the list, a problem would be sent in base64.
_http = Mangum(
    Origin(_app, _settings.origin_secrets), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE]
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event.

    Args:
        event: of API Gateway (payload format 2.0 or 1.0) or a function URL; any other event counts as a warm-up call.
        context: Lambda's, passed on.
    """
    if not _is_http(event):
        return {"status": "warm", "model": _model.card.version}
    started = perf_counter()
    answer = _http(event, context)
    _records.write(event, answer, context, 1000 * (perf_counter() - started))
    return answer


def _is_http(event: object) -> bool:
    # A schedule, a bucket or a person's test event may be any JSON at all, and Mangum raises on what it does not know.
    request = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(event, dict) and isinstance(request, dict) and ("http" in request or "httpMethod" in event)
