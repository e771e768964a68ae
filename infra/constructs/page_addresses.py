"""CloudFront function for the addresses of the page: each view is `index.html`, and other pages do not exist.

Custom error pages of the distribution would replace the problem documents of the API, too.
"""

import json

from aws_cdk.aws_cloudfront import Function, FunctionCode, FunctionRuntime
from constructs import Construct

from infra.packaging.bundle import CACHE_CONTROL, MISSING, SITE, VIEWS

_CODE = """
function handler(event) {
  const request = event.request;
  if (VIEWS.includes(request.uri.replace(/\\/$/, ""))) {
    request.uri = "/index.html";
    return request;
  }
  // Files have a suffix. S3 answers for the missing ones, and for / with the default root object.
  if (request.uri === "/" || /\\.[a-z0-9]+$/i.test(request.uri)) return request;
  return {
    statusCode: 404,
    statusDescription: "Not Found",
    headers: { "content-type": { value: "text/html" }, "cache-control": { value: CACHE_CONTROL } },
    body: { encoding: "text", data: MISSING },
  };
}
"""


def create_page_addresses(scope: Construct) -> Function:
    """Create the CloudFront function for viewer requests to the page.

    CloudFront adds the headers of the behaviour's response headers policy to the 404 as well.
    """
    # Indentation counts towards the 10 KB that a function may have.
    missing = "\n".join(line.strip() for line in (SITE / MISSING).read_text().splitlines())
    names = {"VIEWS": VIEWS, "CACHE_CONTROL": CACHE_CONTROL, "MISSING": missing}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return Function(
        scope,
        "PageAddresses",
        code=FunctionCode.from_inline(constants + _CODE.lstrip()),
        runtime=FunctionRuntime.JS_2_0,
        comment="Answers views of the page, and 404 to other addresses without a suffix.",
    )
