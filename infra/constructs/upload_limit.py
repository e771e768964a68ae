"""The answer to what is larger than a function can be given: a sentence, from CloudFront itself.

Lambda takes events of 6 MB, which is a body of some 4.7 MB in base64. Beyond that API Gateway answers in its own words, and
they do not say what to do. So the edge begins to refuse a little below, in the words of the function.
"""

import json

from aws_cdk.aws_cloudfront import Function, FunctionCode, FunctionRuntime
from constructs import Construct
from lesion.errors import TooLarge
from lesion.settings import Settings
from lesion.web.problems import answer
from lesion.web.upload import FRAMING, find_upload

MAX_BODY_BYTES = Settings.max_upload_bytes + FRAMING
"""Of a body: the largest photograph, in a form. A larger photograph outside a form gets its answer from the function."""

_CODE = """
function handler(event) {
  const length = event.request.headers["content-length"];
  // Without a length, API Gateway will count.
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
    """A CloudFront function for viewers' requests to the API, which sees headers only: no photograph is looked at."""
    problem = answer(_problem())
    names = {"MOST_BYTES": MAX_BODY_BYTES, "MEDIA_TYPE": problem.media_type, "BODY": bytes(problem.body).decode()}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return Function(
        scope,
        "TooLarge",
        code=FunctionCode.from_inline(constants + _CODE.lstrip()),
        runtime=FunctionRuntime.JS_2_0,
        comment="Says what to do with a photograph that is too large.",
    )


def _problem() -> TooLarge:
    """What the function says to a photograph of one byte too many."""
    try:
        find_upload(bytes(Settings.max_upload_bytes + 1), None, Settings.max_upload_bytes)
    except TooLarge as error:
        return error
    raise AssertionError("A photograph above the limit was taken.")
