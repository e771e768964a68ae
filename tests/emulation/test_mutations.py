"""What would break the service, broken in a copy of the template: a check of the rehearsal must fail for each.

The functions are processes of this machine: the image has no part in what is broken here. Run by `make rehearse`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.emulation import checks
from tests.emulation.checks import Visitor
from tests.emulation.person import below_the_threshold, whole_visit
from tests.support.cloud.cloud import Cloud, Pool
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import NotRehearsed, Template

pytestmark = pytest.mark.rehearsal

Change = Callable[[Template], None]
Check = Callable[[Visitor], None]
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


Visiting = Callable[[Template], AbstractContextManager[Visitor]]


@pytest.fixture(scope="session")
def visiting(processes: Pool, certificate: Certificate) -> Visiting:
    """Puts somebody before the service of a template."""

    @contextmanager
    def visit(template: Template) -> Iterator[Visitor]:
        with Cloud(template, processes, certificate) as cloud, Visitor(cloud) as visitor:
            yield visitor

    return visit


def distribution(template: Template) -> Any:
    return template.only("AWS::CloudFront::Distribution")["DistributionConfig"]


def api_behaviour(template: Template) -> Any:
    (behaviour,) = distribution(template)["CacheBehaviors"]
    return behaviour


def origin(template: Template, part: str) -> Any:
    (found,) = (item for item in distribution(template)["Origins"] if part in item)
    return found


def policy(template: Template, kind: str) -> Any:
    return template.only(f"AWS::CloudFront::{kind}Policy")[f"{kind}PolicyConfig"]


def security(template: Template) -> Any:
    return policy(template, "ResponseHeaders")["SecurityHeadersConfig"]


def page_cache(template: Template) -> Any:
    return policy(template, "Cache")["ParametersInCacheKeyAndForwardedToOrigin"]


def remove(template: Template, kind: str) -> None:
    template.resources = {name: item for name, item in template.resources.items() if item["Type"] != kind}


def copying(template: Template) -> list[Any]:
    return list(template.named("Custom::CDKBucketDeployment").values())


def right_of_cloudfront(template: Template) -> Any:
    statements = template.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    return next(item for item in statements if item["Principal"] == {"Service": "cloudfront.amazonaws.com"})


def without_methods(*left: str) -> Change:
    return lambda template: api_behaviour(template).update(AllowedMethods=[*left])


def drop_the_api_behaviour(template: Template) -> None:
    distribution(template)["CacheBehaviors"] = []


def send_the_api_to_the_bucket(template: Template) -> None:
    api_behaviour(template)["TargetOriginId"] = origin(template, "S3OriginConfig")["Id"]


def send_the_page_to_the_api(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["TargetOriginId"] = origin(template, "CustomOriginConfig")["Id"]


def a_behaviour_before_the_api(template: Template) -> None:
    page = {**distribution(template)["DefaultCacheBehavior"], "PathPattern": "/api/c*"}
    distribution(template)["CacheBehaviors"].insert(0, page)


def cache_the_api_as_the_page(template: Template) -> None:
    api_behaviour(template)["CachePolicyId"] = distribution(template)["DefaultCacheBehavior"]["CachePolicyId"]


def keep_errors(template: Template) -> None:
    del distribution(template)["CustomErrorResponses"]


def another_content_security_policy(template: Template) -> None:
    security(template)["ContentSecurityPolicy"]["ContentSecurityPolicy"] = "default-src *"


def headers_for_the_page_only(template: Template) -> None:
    del api_behaviour(template)["ResponseHeadersPolicyId"]


def a_secret_that_the_function_does_not_know(template: Template) -> None:
    origin(template, "OriginCustomHeaders")["OriginCustomHeaders"][0]["HeaderValue"] = "another"


def the_secret_under_another_name(template: Template) -> None:
    origin(template, "OriginCustomHeaders")["OriginCustomHeaders"][0]["HeaderName"] = "x-secret"


def forward_the_cookies(template: Template) -> None:
    policy(template, "OriginRequest")["CookiesConfig"] = {"CookieBehavior": "all"}


def forward_header(name: str) -> Change:
    return lambda template: policy(template, "OriginRequest")["HeadersConfig"]["Headers"].append(name)


def forward_no_query(template: Template) -> None:
    policy(template, "OriginRequest")["QueryStringsConfig"] = {"QueryStringBehavior": "none"}


def forward_no_content_type(template: Template) -> None:
    policy(template, "OriginRequest")["HeadersConfig"]["Headers"].remove("Content-Type")


def another_route(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["RouteKey"] = "ANY /v1/{proxy+}"


def one_method_on_the_route(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["RouteKey"] = "GET /api/{proxy+}"


def no_right_to_call(template: Template) -> None:
    remove(template, "AWS::Lambda::Permission")


def a_right_to_call_for_another_route(template: Template) -> None:
    permission = template.only("AWS::Lambda::Permission")
    permission["SourceArn"]["Fn::Join"][1][-1] = "/*/GET/api/{proxy+}"


def throttle(**limits: int) -> Change:
    return lambda template: template.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"].update(limits)


def no_throttle(template: Template) -> None:
    del template.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"]


def a_smaller_limit(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_MAX_UPLOAD_BYTES"] = "1000000"


def a_larger_limit(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_MAX_UPLOAD_BYTES"] = "4700000"


def nothing_at_the_edge(template: Template) -> None:
    del api_behaviour(template)["FunctionAssociations"]


def a_lower_limit_at_the_edge(template: Template) -> None:
    function = template.only("AWS::CloudFront::Function")
    function["FunctionCode"] = re.sub(r"MOST_BYTES = \d+", "MOST_BYTES = 1000000", function["FunctionCode"])


def no_secret_for_the_function(template: Template) -> None:
    del template.function()["Environment"]["Variables"]["LESION_ORIGIN_SECRETS"]


def an_impatient_function(template: Template) -> None:
    template.function()["Timeout"] = 0


def no_default_root(template: Template) -> None:
    del distribution(template)["DefaultRootObject"]


def an_origin_path(template: Template) -> None:
    origin(template, "CustomOriginConfig")["OriginPath"] = "/prod"


def another_host(template: Template) -> None:
    origin(template, "CustomOriginConfig")["DomainName"] = "nobody.execute-api.us-east-1.amazonaws.com"


def an_origin_without_tls(template: Template) -> None:
    origin(template, "CustomOriginConfig")["CustomOriginConfig"]["OriginProtocolPolicy"] = "http-only"


def an_unsigned_bucket(template: Template) -> None:
    del origin(template, "S3OriginConfig")["OriginAccessControlId"]


def a_bucket_for_another_distribution(template: Template) -> None:
    right_of_cloudfront(template)["Condition"]["StringEquals"]["AWS:SourceArn"] = "arn:aws:cloudfront::1:distribution/other"


def a_bucket_without_lists(template: Template) -> None:
    right_of_cloudfront(template)["Action"] = "s3:GetObject"


def every_part_copies_everything(template: Template) -> None:
    for part in copying(template):
        part["Exclude"] = []


def thumbnails_without_a_type(template: Template) -> None:
    for part in copying(template):
        part["SystemMetadata"].pop("content-type", None)


def no_thumbnails(template: Template) -> None:
    (name,) = (key for key, item in template.resources.items() if item.get("Properties", {}).get("Include") == ["*.webp"])
    del template.resources[name]


def files_that_browsers_keep(template: Template) -> None:
    for part in copying(template):
        part["SystemMetadata"]["cache-control"] = "max-age=31536000"


def no_cache_of_the_page(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["CachePolicyId"] = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def no_compression(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["Compress"] = False


def queries_in_the_page_cache(template: Template) -> None:
    page_cache(template)["QueryStringsConfig"] = {"QueryStringBehavior": "all"}


def writing_to_the_bucket(template: Template) -> None:
    # The edge would let it through; S3 does not.
    distribution(template)["DefaultCacheBehavior"]["AllowedMethods"] = ["GET", "HEAD", "OPTIONS"]
    distribution(template)["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"


def api_without_tls(template: Template) -> None:
    api_behaviour(template)["ViewerProtocolPolicy"] = "allow-all"


def api_that_redirects(template: Template) -> None:
    api_behaviour(template)["ViewerProtocolPolicy"] = "redirect-to-https"


def short_hsts(template: Template) -> None:
    security(template)["StrictTransportSecurity"]["AccessControlMaxAgeSec"] = 300


def no_permissions_policy(template: Template) -> None:
    policy(template, "ResponseHeaders")["CustomHeadersConfig"]["Items"].pop(0)


ROUTES = checks.every_route_of_the_api_answers
OWN = checks.every_question_gets_its_own_answer
HEADERS = checks.every_answer_carries_the_security_headers
PAGE = checks.the_page_and_all_that_it_loads_come_with_their_types
EDGE = checks.the_page_comes_from_the_edge_small_and_only_once
NOTHING_ELSE = checks.nothing_else_is_published
JUDGED = checks.a_photograph_is_judged_as_a_form_and_as_the_body
TLS = checks.without_tls_the_page_redirects_and_the_api_refuses
PERSON = checks.the_function_is_told_nothing_of_a_person
TURNED_AWAY = checks.who_does_not_come_through_the_edge_is_turned_away
THROTTLED = checks.too_many_requests_are_told_so
LARGE = checks.a_photograph_of_four_and_a_half_megabytes_goes_through
TOO_LARGE = checks.a_larger_photograph_gets_a_sentence

MUTATIONS: list[tuple[Change, Check]] = [
    (drop_the_api_behaviour, ROUTES),
    (send_the_api_to_the_bucket, ROUTES),
    (send_the_page_to_the_api, PAGE),
    (a_behaviour_before_the_api, ROUTES),
    (without_methods("GET", "HEAD", "OPTIONS"), JUDGED),
    (without_methods("GET", "HEAD"), ROUTES),
    (cache_the_api_as_the_page, OWN),
    (lambda template: api_behaviour(template).update(CachePolicyId=CACHING_OPTIMIZED), OWN),
    (keep_errors, checks.an_error_is_not_kept_for_the_next),
    (another_content_security_policy, HEADERS),
    (headers_for_the_page_only, HEADERS),
    (short_hsts, HEADERS),
    (no_permissions_policy, HEADERS),
    (lambda template: origin(template, "CustomOriginConfig").pop("OriginCustomHeaders"), ROUTES),
    (a_secret_that_the_function_does_not_know, ROUTES),
    (the_secret_under_another_name, ROUTES),
    (no_secret_for_the_function, TURNED_AWAY),
    (forward_the_cookies, PERSON),
    (forward_header("User-Agent"), PERSON),
    (forward_header("Referer"), PERSON),
    (forward_header("Host"), PERSON),
    (forward_no_query, OWN),
    (forward_no_content_type, JUDGED),
    (another_route, ROUTES),
    (one_method_on_the_route, JUDGED),
    (no_right_to_call, ROUTES),
    (a_right_to_call_for_another_route, JUDGED),
    (throttle(ThrottlingBurstLimit=2), THROTTLED),
    (throttle(ThrottlingBurstLimit=500), THROTTLED),
    (no_throttle, THROTTLED),
    (a_smaller_limit, LARGE),
    (a_larger_limit, TOO_LARGE),
    (nothing_at_the_edge, TOO_LARGE),
    (a_lower_limit_at_the_edge, LARGE),
    (an_impatient_function, ROUTES),
    (no_default_root, PAGE),
    (an_origin_path, ROUTES),
    (another_host, ROUTES),
    (an_origin_without_tls, ROUTES),
    (an_unsigned_bucket, PAGE),
    (a_bucket_for_another_distribution, PAGE),
    (a_bucket_without_lists, NOTHING_ELSE),
    (every_part_copies_everything, PAGE),
    (thumbnails_without_a_type, PAGE),
    (no_thumbnails, PAGE),
    (files_that_browsers_keep, PAGE),
    (no_cache_of_the_page, EDGE),
    (no_compression, EDGE),
    (queries_in_the_page_cache, EDGE),
    (writing_to_the_bucket, TLS),
    (api_without_tls, TLS),
    (api_that_redirects, TLS),
]


def change_name(value: object) -> str:
    return getattr(value, "__name__", "").replace("<lambda>", "inline")


@pytest.mark.parametrize("check", checks.CHECKS, ids=change_name)
def test_unchanged_everything_holds(visiting: Visiting, template: Template, check: Check) -> None:
    with visiting(template) as visitor:
        check(visitor)


@pytest.mark.parametrize(("change", "check"), MUTATIONS, ids=change_name)
def test_a_check_notices(visiting: Visiting, template: Template, change: Change, check: Check) -> None:
    changed = template.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(checks.NOTICED):
        check(visitor)


def an_unknown_cache_policy(template: Template) -> None:
    api_behaviour(template)["CachePolicyId"] = "00000000-0000-0000-0000-000000000000"


def a_managed_origin_request_policy(template: Template) -> None:
    api_behaviour(template)["OriginRequestPolicyId"] = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def another_function_at_the_edge(template: Template) -> None:
    api_behaviour(template)["FunctionAssociations"][0]["EventType"] = "viewer-response"


def a_page_for_errors(template: Template) -> None:
    distribution(template)["CustomErrorResponses"][0]["ResponsePagePath"] = "/error.html"


def an_authorizer(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["AuthorizationType"] = "AWS_IAM"


@pytest.mark.parametrize(
    "change",
    [
        an_unknown_cache_policy,
        a_managed_origin_request_policy,
        another_function_at_the_edge,
        a_page_for_errors,
        an_authorizer,
    ],
)
def test_what_is_not_known_is_not_passed_over(
    processes: Pool, certificate: Certificate, template: Template, change: Change
) -> None:
    changed = template.copy()
    change(changed)
    with pytest.raises(NotRehearsed):
        Cloud(changed, processes, certificate)


def no_script(template: Template) -> None:
    rules = security(template)["ContentSecurityPolicy"]
    rules["ContentSecurityPolicy"] = rules["ContentSecurityPolicy"].replace("script-src 'self'", "script-src 'none'")


def no_picture_from_memory(template: Template) -> None:
    rules = security(template)["ContentSecurityPolicy"]
    rules["ContentSecurityPolicy"] = rules["ContentSecurityPolicy"].replace("blob: data:", "")


@pytest.fixture(scope="module")
def below(visiting: Visiting, template: Template) -> str:
    with visiting(template) as visitor:
        return below_the_threshold(visitor)


def test_unchanged_a_visit_is_whole(
    browser: Browser, visiting: Visiting, template: Template, below: str, tmp_path: Path
) -> None:
    with visiting(template) as visitor:
        whole_visit(browser, visitor.cloud.url, below, tmp_path)


@pytest.mark.parametrize("change", [no_script, no_picture_from_memory, drop_the_api_behaviour])
def test_a_visit_notices(
    browser: Browser,
    visiting: Visiting,
    template: Template,
    below: str,
    tmp_path: Path,
    change: Change,
) -> None:
    changed = template.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(AssertionError):
        whole_visit(browser, visitor.cloud.url, below, tmp_path)
