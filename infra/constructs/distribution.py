"""The only door: one CloudFront distribution, the page everywhere and the API under /api/."""

from aws_cdk import Duration
from aws_cdk.aws_certificatemanager import ICertificate
from aws_cdk.aws_cloudfront import (
    AccessLevel,
    AllowedMethods,
    BehaviorOptions,
    CacheCookieBehavior,
    CacheHeaderBehavior,
    CachePolicy,
    CacheQueryStringBehavior,
    Distribution,
    ErrorResponse,
    FunctionAssociation,
    FunctionEventType,
    HeadersFrameOption,
    HeadersReferrerPolicy,
    HttpVersion,
    OriginProtocolPolicy,
    OriginRequestCookieBehavior,
    OriginRequestHeaderBehavior,
    OriginRequestPolicy,
    OriginRequestQueryStringBehavior,
    PriceClass,
    ResponseCustomHeader,
    ResponseCustomHeadersBehavior,
    ResponseHeadersContentSecurityPolicy,
    ResponseHeadersContentTypeOptions,
    ResponseHeadersFrameOptions,
    ResponseHeadersPolicy,
    ResponseHeadersReferrerPolicy,
    ResponseHeadersStrictTransportSecurity,
    ResponseSecurityHeadersBehavior,
    SecurityPolicyProtocol,
    ViewerProtocolPolicy,
)
from aws_cdk.aws_cloudfront_origins import HttpOrigin, S3BucketOrigin
from aws_cdk.aws_s3 import IBucket
from constructs import Construct
from lesion.web.origin import HEADER

from infra.config import GATEWAY_SECONDS, Settings
from infra.constructs.nag import acknowledge
from infra.constructs.upload_limit import create_upload_limit
from infra.packaging.headers import SECURITY_HEADERS

FORWARDED_HEADERS = ("Accept", "Content-Type")
"""All that the API reads. No cookie, user agent or referrer reaches it; and not Host, by which API Gateway would look for
another service."""

EDGE_SECONDS = 86_400
"""How long CloudFront keeps the page. A deployment empties it, so this only bounds what a failed emptying leaves."""

UNCACHED_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""Every status that CloudFront would keep for ten seconds, and answer to others who ask the same path with another query."""

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
) -> Distribution:
    """Make the distribution.

    Args:
        scope: what it is made in.
        settings: price class, domain, HSTS.
        bucket: of the page; it is opened to this distribution and to nothing else.
        api_host: host of the API's own address.
        secret: what the function wants to see, see `infra.constructs.origin_secret`.
        certificate: of the own domain, in us-east-1.
        web_acl_arn: firewall, in us-east-1.
    """
    headers = _response_headers(scope, settings)
    distribution = Distribution(
        scope,
        "Distribution",
        comment="Skin-lesion classifier: page and API",
        default_root_object="index.html",
        default_behavior=BehaviorOptions(
            # Who may list is told 404 for what is not there, and else 403.
            origin=S3BucketOrigin.with_origin_access_control(
                bucket, origin_access_levels=[AccessLevel.READ, AccessLevel.LIST]
            ),
            viewer_protocol_policy=ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=_page_cache(scope),
            response_headers_policy=headers,
            compress=True,
        ),
        additional_behaviors={
            "/api/*": BehaviorOptions(
                origin=HttpOrigin(
                    api_host,
                    protocol_policy=OriginProtocolPolicy.HTTPS_ONLY,
                    # Longer than the gateway waits, whose answer says more.
                    read_timeout=Duration.seconds(GATEWAY_SECONDS + 1),
                    custom_headers={HEADER: secret},
                ),
                # No redirect: a photograph that was sent without TLS has been shown already.
                viewer_protocol_policy=ViewerProtocolPolicy.HTTPS_ONLY,
                allowed_methods=AllowedMethods.ALLOW_ALL,
                cache_policy=CachePolicy.CACHING_DISABLED,
                origin_request_policy=_api_request(scope),
                response_headers_policy=headers,
                compress=True,
                function_associations=[
                    FunctionAssociation(function=create_upload_limit(scope), event_type=FunctionEventType.VIEWER_REQUEST)
                ],
            )
        },
        # No pages of its own for errors: they would replace those of the API, which say what to do.
        error_responses=[ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in UNCACHED_ERRORS],
        price_class=_PRICE_CLASSES[settings.price_class],
        http_version=HttpVersion.HTTP2_AND_3,
        # CloudFront's own certificate comes with its own policy.
        minimum_protocol_version=SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None,
        domain_names=[settings.domain_name] if settings.domain_name else None,
        certificate=certificate,
        web_acl_id=web_acl_arn,
    )
    acknowledge(distribution, _reasons(settings))
    return distribution


def _page_cache(scope: Construct) -> CachePolicy:
    """Keep the page at the edge though its files say no-cache, which is meant for browsers."""
    edge = Duration.seconds(EDGE_SECONDS)
    return CachePolicy(
        scope,
        "PageCache",
        min_ttl=edge,
        default_ttl=edge,
        max_ttl=edge,
        enable_accept_encoding_brotli=True,
        enable_accept_encoding_gzip=True,
        cookie_behavior=CacheCookieBehavior.none(),
        header_behavior=CacheHeaderBehavior.none(),
        query_string_behavior=CacheQueryStringBehavior.none(),
    )


def _api_request(scope: Construct) -> OriginRequestPolicy:
    return OriginRequestPolicy(
        scope,
        "ApiRequest",
        header_behavior=OriginRequestHeaderBehavior.allow_list(*FORWARDED_HEADERS),
        query_string_behavior=OriginRequestQueryStringBehavior.all(),
        cookie_behavior=OriginRequestCookieBehavior.none(),
    )


def _response_headers(scope: Construct, settings: Settings) -> ResponseHeadersPolicy:
    """`SECURITY_HEADERS` and HSTS, in the words of CloudFront, which has fields of its own for some of them.

    Raises:
        KeyError: a header that must be there was taken out of `SECURITY_HEADERS`.
        ValueError: a header has a value that CloudFront does not know.
    """
    rest = dict(SECURITY_HEADERS)
    if rest.pop("X-Content-Type-Options") != "nosniff":
        raise ValueError("X-Content-Type-Options can only be nosniff.")
    security = ResponseSecurityHeadersBehavior(
        content_security_policy=ResponseHeadersContentSecurityPolicy(
            content_security_policy=rest.pop("Content-Security-Policy"), override=True
        ),
        content_type_options=ResponseHeadersContentTypeOptions(override=True),
        frame_options=ResponseHeadersFrameOptions(
            frame_option=HeadersFrameOption[rest.pop("X-Frame-Options").upper()], override=True
        ),
        referrer_policy=ResponseHeadersReferrerPolicy(
            referrer_policy=HeadersReferrerPolicy[rest.pop("Referrer-Policy").upper().replace("-", "_")], override=True
        ),
        strict_transport_security=ResponseHeadersStrictTransportSecurity(
            access_control_max_age=Duration.days(settings.hsts_days), include_subdomains=False, override=True
        ),
    )
    custom = [ResponseCustomHeader(header=name, value=value, override=True) for name, value in rest.items()]
    return ResponseHeadersPolicy(
        scope,
        "Headers",
        security_headers_behavior=security,
        custom_headers_behavior=ResponseCustomHeadersBehavior(custom_headers=custom),
    )


def _reasons(settings: Settings) -> dict[str, str]:
    reasons = {
        "Annotation::@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk": "The root is index.html and queries are not "
        "passed on, so no listing gets out; without the right S3 answers 403 for what is not there.",
        "AwsSolutions-CFR1": "A demonstration for everybody; no country is shut out.",
        "AwsSolutions-CFR3": "CloudFront's log keeps each visitor's address, user agent and query, and this service "
        "promises to keep nothing of a person. Metrics and the API's log count requests without these.",
    }
    if not settings.waf:
        reasons["AwsSolutions-CFR2"] = (
            "The firewall costs USD 6 a month where nobody calls, so it is a choice (lesion:waf). Without it the stage's "
            "throttle, the reserved concurrency and the budget alarm bound what an attack can cost."
        )
    if not settings.domain_name:
        reasons["AwsSolutions-CFR4"] = (
            "CloudFront's own domain fixes the policy; with lesion:domain_name it is TLS 1.2 and newer."
        )
    return reasons
