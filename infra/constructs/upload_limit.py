"""CloudFront function that answers 413 to uploads larger than Lambda accepts.

Lambda accepts events of 6 MB, which is a body of about 4.7 MB in base64. Above that, API Gateway answers with a message of
its own that does not say what to do. CloudFront therefore refuses slightly smaller bodies already, with the function's
problem document.
"""

import json

from aws_cdk.aws_cloudfront import Function, FunctionCode, FunctionRuntime
from constructs import Construct
from lesion.errors import TooLarge
from lesion.settings import Settings
from lesion.web.problems import MEDIA_TYPE, problem_of
from lesion.web.upload import MAX_FORM_OVERHEAD, extract_upload

MAX_BODY_BYTES = Settings.max_upload_bytes + MAX_FORM_OVERHEAD
"""Largest body in bytes: the largest image, in a form. The function itself answers a larger image outside a form."""

_CODE = """
function handler(event) {
  const length = event.request.headers["content-length"];
  // Without a length, API Gateway counts.
  if (!length || Number(length.value) <= MAX_BODY_BYTES) return event.request;
  return {
    statusCode: 413,
    statusDescription: "Content Too Large",
    headers: { "content-type": { value: MEDIA_TYPE }, "cache-control": { value: "no-store" } },
    body: { encoding: "text", data: BODY },
  };
}
"""


def create_upload_limit(scope: Construct) -> Function:
    """Create the CloudFront function for viewer requests to the API. It reads headers only, no body."""
    body = problem_of(_problem()).body().decode()
    names = {"MAX_BODY_BYTES": MAX_BODY_BYTES, "MEDIA_TYPE": MEDIA_TYPE, "BODY": body}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return Function(
        scope,
        "TooLarge",
        code=FunctionCode.from_inline(constants + _CODE.lstrip()),
        runtime=FunctionRuntime.JS_2_0,
        comment="Answers 413 to an image that is too large.",
    )


def _problem() -> TooLarge:
    """Return the error that the function raises for an image of one byte too many."""
    try:
        extract_upload(bytes(Settings.max_upload_bytes + 1), None, Settings.max_upload_bytes)
    except TooLarge as error:
        return error
    raise AssertionError("An image above the limit was accepted.")
