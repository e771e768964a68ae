"""A function that returns the event it received, for tests of the transport: `tests.support.lambda_runtime.echo.handler`."""

import base64
import hashlib
import json
import os
import time
from typing import Any


def handler(event: Any, context: Any) -> Any:
    """Return a digest of the body and the context of the call, or misbehave as the event requests."""
    wish = event.get("wish") if isinstance(event, dict) else None
    if wish == "raise":
        raise ValueError("as was wished")
    if wish == "die":
        os._exit(3)
    if wish == "sleep":
        time.sleep(60)
    if wish == "large":
        return "x" * 7_000_000
    if not isinstance(event, dict) or "requestContext" not in event:
        return {"event": event, "left_ms": context.get_remaining_time_in_millis(), "id": context.aws_request_id}
    body = event.get("body") or ""
    data = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    told = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "encoded": event["isBase64Encoded"],
        "version": event["version"],
        "trace": os.environ.get("_X_AMZN_TRACE_ID", ""),
        "process": os.getpid(),
    }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(told),
        "isBase64Encoded": False,
    }
