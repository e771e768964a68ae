"""Static page: a private bucket whose files `cdk deploy` uploads.

CDK's BucketDeployment adds a helper function with a 22 MB layer and findings of cdk-nag. It is used nevertheless, because
`cdk deploy` is then the only command: it deletes removed files, sets headers and invalidates CloudFront. An own helper would
need the same rights and have the same findings; `aws s3 sync` is a second command with its own rights; serving the page from
the function would delay it by a cold start.
"""

from dataclasses import dataclass
from typing import Any, cast

from aws_cdk import CfnElement, CfnResource, RemovalPolicy, Stack
from aws_cdk.aws_cloudfront import IDistribution
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership
from aws_cdk.aws_s3_deployment import BucketDeployment, CacheControl, Source
from constructs import Construct

from infra.config import Settings
from infra.constructs.function import log_group
from infra.constructs.nag import acknowledge
from infra.packaging.bundle import CACHE_CONTROL, TYPES, assemble

COPIES_MB = 512
"""Memory of the helper function. The default is too small for a few MB of images, and the model is three times as large."""

_UNKNOWN = {"Thumbnails": ".webp", "Private": ".gz"}
"""Suffixes whose media type the helper does not know or gets wrong: private mode's files are served as gzip archives."""


@dataclass(frozen=True)
class Uploader:
    """CDK's helper function that uploads files, the same for every upload.

    Attributes:
        log: its log group.
        role: its rights.
        memory_mb: its memory.
    """

    log: LogGroup
    role: Role
    memory_mb: int = COPIES_MB


def create_site_bucket(scope: Construct, settings: Settings) -> Bucket:
    """Create a bucket that only CloudFront reads, deleted with its stack."""
    bucket = Bucket(
        scope,
        "PageBucket",
        block_public_access=BlockPublicAccess.BLOCK_ALL,
        encryption=BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
        # Its contents are in the repository.
        removal_policy=RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": "Only CloudFront reads it and only deployments write it. An access log would record what is "
            "requested and when, and need a second bucket."
        },
    )
    _short_log(bucket, log_group(scope, "EmptyLog", settings))
    return bucket


def _short_log(bucket: Bucket, log: LogGroup) -> None:
    """Set the log group of CDK's helper that empties the bucket: its default one would outlive the stack."""
    provider = Stack.of(bucket).node.find_child("Custom::S3AutoDeleteObjectsCustomResourceProvider")
    handler = cast(CfnResource, provider.node.find_child("Handler"))
    handler.add_property_override("LoggingConfig.LogGroup", log.log_group_name)


def create_uploader(scope: Construct, settings: Settings, bucket: Bucket) -> Uploader:
    """Create log and role of the helper that writes `bucket`; the helper itself comes with the first upload."""
    log = log_group(scope, "PublishLog", settings)
    role = Role(scope, "PublishRole", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    _acknowledge_role(scope, bucket, role)
    return Uploader(log, role)


def deploy_site(scope: Construct, bucket: Bucket, distribution: IDistribution, uploader: Uploader, kept: str) -> None:
    """Upload the page's files to `bucket` at each deployment that changes them, and invalidate `distribution`.

    Args:
        scope: parent construct.
        bucket: of the page.
        distribution: that serves it.
        uploader: see `create_uploader`.
        kept: prefix of files that others upload, and that are not deleted.
    """
    files = Source.asset(str(assemble()))
    parts: dict[str, dict[str, Any]] = {
        f"Publish{name}": {"exclude": ["*"], "include": [f"*{suffix}"], "content_type": TYPES[suffix]}
        for name, suffix in _UNKNOWN.items()
    }
    parts["Publish"] = {"exclude": [*(f"*{suffix}" for suffix in _UNKNOWN.values()), f"{kept}*"]}
    for name, types in parts.items():
        BucketDeployment(
            scope,
            name,
            sources=[files],
            destination_bucket=bucket,
            cache_control=[CacheControl.from_string(CACHE_CONTROL)],
            distribution=distribution,
            distribution_paths=["/*"],
            memory_limit=uploader.memory_mb,
            log_group=uploader.log,
            role=uploader.role,
            **types,
        )
    _acknowledge_helpers(scope)


def _acknowledge_role(scope: Construct, bucket: Bucket, role: Role) -> None:
    stack = Stack.of(scope)
    files = stack.get_logical_id(cast(CfnElement, bucket.node.default_child))
    assets = f"arn:aws:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-{stack.region}"
    why = "CDK's helper reads this account's assets, writes only this bucket, and runs at deployments only."
    actions = ("GetBucket*", "GetObject*", "List*", "Abort*", "DeleteObject*")
    acknowledge(
        role,
        {
            **{f"AwsSolutions-IAM5[Action::s3:{action}]": why for action in actions},
            f"AwsSolutions-IAM5[Resource::{assets}/*]": why,
            f"AwsSolutions-IAM5[Resource::<{files}.Arn>/*]": why,
            "AwsSolutions-IAM5[Resource::*]": "CDK lets the helper invalidate the cache of any distribution of this "
            "account, which loses nothing: the files are fetched again.",
        },
    )


def _acknowledge_helpers(scope: Construct) -> None:
    for helper in Stack.of(scope).node.children:
        if helper.node.id.startswith("Custom::CDKBucketDeployment"):
            acknowledge(
                helper, {"AwsSolutions-L1": "CDK chooses the runtime of its helper and updates it with its releases."}
            )
