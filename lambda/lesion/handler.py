"""Entry of the Lambda function: `lesion.handler.handler`.

The application and the model are made when this is imported, because Lambda gives the whole CPU while it starts.
"""

from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from lesion.api import create_app
from lesion.model import Model
from lesion.problems import MEDIA_TYPE
from lesion.settings import read_settings

_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
# Without its type in the list, a problem would be sent in base64.
_http = Mangum(create_app(_settings, _model), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event.

    Args:
        event: of API Gateway (payload format 2.0 or 1.0) or a function URL; any other event counts as a warm-up call.
        context: Lambda's, passed on.
    """
    if not _is_http(event):
        return {"status": "warm", "model": _model.card.version}
    return _http(event, context)


def _is_http(event: object) -> bool:
    # A schedule, a bucket or a person's test event may be any JSON at all, and Mangum raises on what it does not know.
    request = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(event, dict) and isinstance(request, dict) and ("http" in request or "httpMethod" in event)
