"""CloudFront distribution, the only public entry: the API under /api/, the page everywhere else."""

from aws_cdk import Duration
from aws_cdk.aws_certificatemanager import ICertificate
from aws_cdk.aws_cloudfront import (
    AccessLevel,
    AllowedMethods,
    BehaviorOptions,
    CachePolicy,
    Distribution,
    ErrorResponse,
    FunctionAssociation,
    FunctionEventType,
    HttpVersion,
    OriginProtocolPolicy,
    PriceClass,
    S3OriginAccessControl,
    SecurityPolicyProtocol,
    ViewerProtocolPolicy,
)
from aws_cdk.aws_cloudfront_origins import HttpOrigin, S3BucketOrigin
from aws_cdk.aws_s3 import IBucket
from constructs import Construct
from lesion.web.middleware import ORIGIN_HEADER

from infra.config import GATEWAY_SECONDS, Settings
from infra.constructs.distribution_policies import api_request_policy, page_cache_policy, response_headers_policy
from infra.constructs.facts import create_method_check
from infra.constructs.nag import acknowledge
from infra.constructs.names import global_name
from infra.constructs.page_addresses import create_page_addresses
from infra.constructs.upload_limit import create_upload_limit
from infra.packaging.facts import Facts

UNCACHED_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""Statuses that CloudFront would cache for ten seconds and return to other requests of the same path."""

_PRICE_CLASSES = {"100": PriceClass.PRICE_CLASS_100, "200": PriceClass.PRICE_CLASS_200, "all": PriceClass.PRICE_CLASS_ALL}


def create_distribution(
    scope: Construct,
    settings: Settings,
    *,
    bucket: IBucket,
    api_host: str,
    secret: str,
    certificate: ICertificate | None,
    web_acl_arn: str | None,
    facts: Facts,
) -> Distribution:
    """Create the distribution.

    Args:
        scope: parent construct.
        settings: price class, domain, HSTS, whether the service is stopped.
        bucket: of the page; this distribution becomes its only reader.
        api_host: host of the API's own address.
        secret: value of the header that the function requires, see `infra.constructs.origin_secret`.
        certificate: of the custom domain, in us-east-1.
        web_acl_arn: web ACL, in us-east-1.
        facts: answers of the API that the bucket serves.
    """
    headers = response_headers_policy(scope, settings)
    # With the right to list, S3 answers 404 for a missing object instead of 403.
    files = S3BucketOrigin.with_origin_access_control(
        bucket,
        origin_access_control=S3OriginAccessControl(
            scope, "AccessControl", origin_access_control_name=global_name(settings, "page")
        ),
        origin_access_levels=[AccessLevel.READ, AccessLevel.LIST],
    )
    page_cache = page_cache_policy(scope, settings)
    read_only = create_method_check(scope, facts.wrong_method)
    distribution = Distribution(
        scope,
        "Distribution",
        enabled=not settings.stopped,
        comment="Skin-lesion classifier: page and API",
        default_root_object="index.html",
        default_behavior=BehaviorOptions(
            origin=files,
            viewer_protocol_policy=ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=page_cache,
            response_headers_policy=headers,
            compress=True,
            function_associations=[
                FunctionAssociation(function=create_page_addresses(scope), event_type=FunctionEventType.VIEWER_REQUEST)
            ],
        ),
        additional_behaviors={
            # Before `/api/*`: the first pattern that matches is used.
            **{
                path: BehaviorOptions(
                    origin=files,
                    viewer_protocol_policy=ViewerProtocolPolicy.HTTPS_ONLY,
                    # The function refuses other methods than GET and HEAD; CloudFront would answer them 403, without a
                    # problem document.
                    allowed_methods=AllowedMethods.ALLOW_ALL,
                    cache_policy=page_cache,
                    response_headers_policy=headers,
                    compress=True,
                    function_associations=[
                        FunctionAssociation(function=read_only, event_type=FunctionEventType.VIEWER_REQUEST)
                    ],
                )
                for path in facts.files
            },
            "/api/*": BehaviorOptions(
                origin=HttpOrigin(
                    api_host,
                    protocol_policy=OriginProtocolPolicy.HTTPS_ONLY,
                    # Longer than the HTTP API's timeout, whose answer is more specific.
                    read_timeout=Duration.seconds(GATEWAY_SECONDS + 1),
                    custom_headers={ORIGIN_HEADER: secret},
                ),
                # No redirect: an image sent without TLS has been exposed already.
                viewer_protocol_policy=ViewerProtocolPolicy.HTTPS_ONLY,
                allowed_methods=AllowedMethods.ALLOW_ALL,
                cache_policy=CachePolicy.CACHING_DISABLED,
                origin_request_policy=api_request_policy(scope, settings),
                response_headers_policy=headers,
                compress=True,
                function_associations=[
                    FunctionAssociation(function=create_upload_limit(scope), event_type=FunctionEventType.VIEWER_REQUEST)
                ],
            ),
        },
        # No custom error pages: they would replace the API's problem documents.
        error_responses=[ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in UNCACHED_ERRORS],
        price_class=_PRICE_CLASSES[settings.price_class],
        http_version=HttpVersion.HTTP2_AND_3,
        # CloudFront's default certificate has a fixed policy.
        minimum_protocol_version=SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None,
        domain_names=[settings.domain_name] if settings.domain_name else None,
        certificate=certificate,
        web_acl_id=web_acl_arn,
    )
    acknowledge(distribution, _reasons(settings))
    return distribution


def _reasons(settings: Settings) -> dict[str, str]:
    reasons = {
        "Annotation::@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk": "The default root object is index.html "
        "and queries are not forwarded, so no listing is exposed; without the right S3 answers 403 for missing objects.",
        "AwsSolutions-CFR1": "A public demonstration; no country is blocked.",
        "AwsSolutions-CFR3": "CloudFront's log records each visitor's IP address, user agent and query; this service "
        "promises to keep no personal data. Metrics and the API's access log count requests without these.",
    }
    if not settings.waf:
        reasons["AwsSolutions-CFR2"] = (
            "The web ACL has a monthly price without any traffic, so it is optional (lesion:waf). Without it, the stage's "
            "throttle and the reserved concurrency limit only the cost of the API. Nothing limits requests to the page: "
            "alarms on requests and downloads announce them, and `make stop` ends them."
        )
    if not settings.domain_name:
        reasons["AwsSolutions-CFR4"] = (
            "CloudFront's default domain has a fixed policy; with lesion:domain_name it is TLS 1.2 or newer."
        )
    return reasons
