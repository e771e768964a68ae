"""Documented behaviour of CloudFront, API Gateway and S3 that the stacks' own template does not reach."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.bucket import Bucket
from tests.support.cloud.edge import Edge
from tests.support.cloud.function_settings import FunctionSettings
from tests.support.cloud.http_api import HttpApi
from tests.support.cloud.messages import Request, Response, value
from tests.support.cloud.policies import CachePolicy, ResponseHeaders, Selection
from tests.support.cloud.template import NotEmulated, Template
from tests.support.lambda_runtime.emulator import RuntimeApi

NONE: dict[str, Any] = {
    "CookiesConfig": {"CookieBehavior": "none"},
    "HeadersConfig": {"HeaderBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}


def template(**resources: Any) -> Template:
    return Template(Path(), "Small", "eu-central-1", resources)


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def nobody(_: FunctionSettings) -> RuntimeApi:
    raise AssertionError("No function is asked here.")


def api(*routes: str, **limits: float) -> HttpApi:
    parts = {
        "Api": resource("ApiGatewayV2::Api", ProtocolType="HTTP"),
        "Stage": resource("ApiGatewayV2::Stage", ApiId="api", StageName="$default", DefaultRouteSettings=limits),
        "Integration": resource("ApiGatewayV2::Integration", ApiId="api", IntegrationType="AWS_PROXY", IntegrationUri="f"),
    }
    for number, key in enumerate(routes):
        route = resource("ApiGatewayV2::Route", ApiId="api", RouteKey=key, Target="integrations/integration")
        parts[f"Route{number}"] = route
    return HttpApi(template(**parts), "api", nobody)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/a/b", 500), ("GET", "/a/b/c", 404), ("POST", "/a/b", 404), ("GET", "/a/", 404), ("PUT", "/z/y/x", 500)],
)
def test_route_matches_its_method_and_path(method: str, path: str, status: int) -> None:
    # Without permission to invoke the function, a request that matches a route ends with 500.
    assert api("GET /a/{name}", "ANY /z/{rest+}").answer(Request(method, path), 1).status == status


def test_throttle_refills_with_time() -> None:
    slow = api(ThrottlingBurstLimit=2, ThrottlingRateLimit=1)
    with slow.frozen_clock():
        assert [slow.answer(Request("GET", "/"), 1).status for _ in range(3)] == [404, 404, 429]
    now = slow.clock()
    slow.clock = lambda: now + 1.5
    assert [slow.answer(Request("GET", "/"), 1).status for _ in range(2)] == [404, 429]


def test_gateway_rejects_bodies_above_ten_megabytes() -> None:
    assert api().answer(Request("POST", "/", body=bytes(10 * 1024 * 1024 + 1)), 1).status == 413


def test_selection_forwards_only_what_it_lists() -> None:
    listed = Selection.read(
        {
            "CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": ["b"]},
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": ["X-One"]},
            "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": ["q r"]},
        }
    )
    request = Request("GET", "/?a=1&q%20r=2", (("x-one", "1"), ("X-Two", "2"), ("Cookie", "a=1; b=2")))
    assert listed.header_lines(request) == (("x-one", "1"), ("Cookie", "b=2"))
    assert listed.query(request) == "q%20r=2"
    assert (listed | Selection.read(NONE)) == listed


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 50), ("max-age=20", 20), ("max-age=5", 10), ("s-maxage=900", 100), ("no-store", 10)]
)
def test_cache_policy_keeps_ttl_within_its_bounds(said: str, seconds: int) -> None:
    policy = CachePolicy(10, 50, 100, Selection.read(NONE), compresses=False)
    assert policy.seconds(Response(200, (("Cache-Control", said),))) == seconds


@pytest.mark.parametrize(("overrides", "result"), [(True, "mine"), (False, "theirs")])
def test_response_headers_override_the_origin_if_told(overrides: bool, result: str) -> None:
    """A header of the origin stays unless the policy overrides it."""
    response = ResponseHeaders((("X-Some", "mine", overrides),)).add(Response(200, (("x-some", "theirs"),)))
    assert value(response.headers, "X-Some") == result
    assert value(ResponseHeaders((("X-Some", "mine", False),)).add(Response(200)).headers, "X-Some") == "mine"


def small_edge(**behaviour: Any) -> Edge:
    cache = {"Name": "c", "MinTTL": 0, "DefaultTTL": 60, "MaxTTL": 60}
    key = {**NONE, "EnableAcceptEncodingGzip": True}
    every = {"TargetOriginId": "none", "ViewerProtocolPolicy": "https-only", "CachePolicyId": {"Ref": "Cache"}}
    config = {
        "Enabled": True,
        "Origins": [{"Id": "none", "DomainName": "nobody.example.org", "CustomOriginConfig": {}}],
        "DefaultCacheBehavior": every,
        "CacheBehaviors": [
            {**every, "PathPattern": "docs/*.html", "AllowedMethods": ["GET", "HEAD", "OPTIONS"]},
            {**every, "PathPattern": "/docs/*", **behaviour},
        ],
    }
    policy = {**cache, "ParametersInCacheKeyAndForwardedToOrigin": key}
    parts = {
        "Cache": resource("CloudFront::CachePolicy", CachePolicyConfig=policy),
        "Distribution": resource("CloudFront::Distribution", DistributionConfig=config),
    }
    return Edge(template(**parts), [], [])


def test_edge_uses_the_first_matching_behaviour() -> None:
    edge = small_edge()
    # 502: the origin does not exist; 403: the behaviour does not allow the method.
    assert edge.answer(Request("OPTIONS", "/docs/a/b.html")).status == 502
    assert edge.answer(Request("OPTIONS", "/docs/a/b")).status == 403
    assert edge.answer(Request("OPTIONS", "/Docs/a.html")).status == 403


def test_edge_rejects_long_urls_bodies_and_plain_http() -> None:
    edge = small_edge()
    assert edge.answer(Request("GET", "/docs/" + "a" * 8200)).status == 414
    assert edge.answer(Request("GET", "/docs/a", body=b"x")).status == 403
    assert edge.answer(Request("GET", "/docs/a", secure=False)).status == 403


def test_edge_caches_errors_for_ten_seconds_by_default() -> None:
    edge = small_edge()
    kinds = [value(edge.answer(Request("GET", "/docs/a")).headers, "X-Cache") for _ in range(2)]
    assert kinds == ["Error from cloudfront", "Hit from cloudfront"]


@pytest.mark.parametrize(
    "unknown",
    [{"Fn::If": ["A", "b", "c"]}, {"Ref": "Nobody"}, {"Fn::GetAtt": ["Cache", "Colour"]}],
)
def test_template_raises_on_unknown_references(unknown: Any) -> None:
    with pytest.raises(NotEmulated):
        template(Cache=resource("CloudFront::CachePolicy")).resolve(unknown)


def test_template_resolves_nested_references() -> None:
    small = template(Secret=resource("SecretsManager::Secret", GenerateSecretString={"PasswordLength": 40}))
    read = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:::}}"]]}
    first, second = small.resolve(read), small.resolve({"Fn::Join": [",", [read, "${x}"]]})
    assert len(first) == 40 and second == f"{first},${{x}}"
    assert small.copy().resolve(read) == first
    assert small.resolve({"Fn::Sub": "${AWS::Region}-x"}) == "eu-central-1-x"


def test_bucket_denies_unauthorised_requests() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Resource": "*",
        "Condition": {"StringEquals": {"AWS:SourceArn": "mine"}},
    }
    policy = resource("S3::BucketPolicy", Bucket={"Ref": "Files"}, PolicyDocument={"Statement": [statement]})
    small = template(Files=resource("S3::Bucket"), Policy=policy)
    small.assets = dict  # type: ignore[method-assign]  # there are none
    bucket = Bucket(small, "files")
    for who in ("mine", "another", None):
        assert bucket.answer(Request("GET", "/a"), signed_for=who).status == 403
