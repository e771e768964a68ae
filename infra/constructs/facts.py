"""Static facts: answers of the API that the bucket serves at the same paths, so that a visit of the page starts no function.

They are uploaded after the alias has shifted to the new version, and CloudFormation uploads those of the version before when
it rolls back, so that they belong to the version that answers.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk.aws_cloudfront import Function, FunctionCode, FunctionRuntime, IDistribution
from aws_cdk.aws_lambda import Alias
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_s3_deployment import BucketDeployment, CacheControl, Source
from constructs import Construct

from infra.constructs.site import Uploader
from infra.packaging.facts import MEDIA_TYPE, Answer, Facts

PREFIX = "api/"
"""Keys of the facts in the bucket; the upload of the page leaves them alone."""

_CODE = """
function handler(event) {
  const method = event.request.method;
  if (method === "GET" || method === "HEAD") return event.request;
  const body = { encoding: "text", data: BODY };
  return { statusCode: STATUS, statusDescription: "Method Not Allowed", headers: HEADERS, body };
}
"""


def deploy_facts(
    scope: Construct, facts: Facts, bucket: Bucket, distribution: IDistribution, alias: Alias, uploader: Uploader
) -> None:
    """Upload the facts to `bucket` after `alias` has shifted, and invalidate them at `distribution`."""
    with TemporaryDirectory() as folder:
        for path, content in facts.files.items():
            file = Path(folder) / path.removeprefix("/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)
        published = BucketDeployment(
            scope,
            "PublishFacts",
            sources=[Source.asset(folder)],
            destination_bucket=bucket,
            exclude=["*"],
            include=[f"{PREFIX}*"],
            content_type=MEDIA_TYPE,
            cache_control=[CacheControl.from_string(facts.cache_control)],
            distribution=distribution,
            distribution_paths=[f"/{PREFIX}*"],
            memory_limit=uploader.memory_mb,
            log_group=uploader.log,
            role=uploader.role,
        )
    published.node.add_dependency(alias)


def create_method_check(scope: Construct, wrong_method: Answer) -> Function:
    """Create the CloudFront function that answers methods other than GET and HEAD as the API does; S3 would answer XML."""
    # CloudFront computes the length, and refuses a function that sets it.
    headers = {name: {"value": value} for name, value in wrong_method.headers if name != "content-length"}
    names = {"STATUS": wrong_method.status, "HEADERS": headers, "BODY": wrong_method.body}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return Function(
        scope,
        "ReadOnly",
        code=FunctionCode.from_inline(constants + _CODE.lstrip()),
        runtime=FunctionRuntime.JS_2_0,
        comment="Answers 405 to other methods than GET and HEAD.",
    )
