"""Policies of the distribution: what is cached, what is forwarded to the API, and which headers a response gets."""

from aws_cdk import Duration
from aws_cdk.aws_cloudfront import (
    CacheCookieBehavior,
    CacheHeaderBehavior,
    CachePolicy,
    CacheQueryStringBehavior,
    HeadersFrameOption,
    HeadersReferrerPolicy,
    OriginRequestCookieBehavior,
    OriginRequestHeaderBehavior,
    OriginRequestPolicy,
    OriginRequestQueryStringBehavior,
    ResponseCustomHeader,
    ResponseCustomHeadersBehavior,
    ResponseHeadersContentSecurityPolicy,
    ResponseHeadersContentTypeOptions,
    ResponseHeadersFrameOptions,
    ResponseHeadersPolicy,
    ResponseHeadersReferrerPolicy,
    ResponseHeadersStrictTransportSecurity,
    ResponseSecurityHeadersBehavior,
)
from constructs import Construct

from infra.config import Settings
from infra.constructs.names import global_name
from infra.packaging.headers import SECURITY_HEADERS

FORWARDED_HEADERS = ("Accept", "Content-Type")
"""Request headers that the API reads. Cookie, User-Agent and Referer are not forwarded; neither is Host, by which API
Gateway would select another API."""

EDGE_SECONDS = 86_400
"""Time in seconds for which CloudFront caches the page. A deployment invalidates it; this bounds a failed invalidation."""


def page_cache_policy(scope: Construct, settings: Settings) -> CachePolicy:
    """Return a policy that caches the page at the edge although its files say no-cache, which is meant for browsers."""
    edge = Duration.seconds(EDGE_SECONDS)
    return CachePolicy(
        scope,
        "PageCache",
        cache_policy_name=global_name(settings, "page"),
        min_ttl=edge,
        default_ttl=edge,
        max_ttl=edge,
        enable_accept_encoding_brotli=True,
        enable_accept_encoding_gzip=True,
        cookie_behavior=CacheCookieBehavior.none(),
        header_behavior=CacheHeaderBehavior.none(),
        query_string_behavior=CacheQueryStringBehavior.none(),
    )


def api_request_policy(scope: Construct, settings: Settings) -> OriginRequestPolicy:
    """Return a policy that forwards the query and `FORWARDED_HEADERS`."""
    return OriginRequestPolicy(
        scope,
        "ApiRequest",
        origin_request_policy_name=global_name(settings, "api"),
        header_behavior=OriginRequestHeaderBehavior.allow_list(*FORWARDED_HEADERS),
        query_string_behavior=OriginRequestQueryStringBehavior.all(),
        cookie_behavior=OriginRequestCookieBehavior.none(),
    )


def response_headers_policy(scope: Construct, settings: Settings) -> ResponseHeadersPolicy:
    """Return `SECURITY_HEADERS` and HSTS as a CloudFront policy, which has dedicated fields for some of them.

    Raises:
        KeyError: a required header is missing from `SECURITY_HEADERS`.
        ValueError: a header has a value that CloudFront does not support.
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
        response_headers_policy_name=global_name(settings, "headers"),
        security_headers_behavior=security,
        custom_headers_behavior=ResponseCustomHeadersBehavior(custom_headers=custom),
    )
