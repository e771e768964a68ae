"""Changes of a template that break the deployment, or that are not emulated: each takes a template and modifies it."""

import re
from collections.abc import Callable
from typing import Any

from tests.support.cloud.template import Template

Change = Callable[[Template], None]
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


def distribution(template: Template) -> Any:
    return template.only("AWS::CloudFront::Distribution")["DistributionConfig"]


def api_behaviour(template: Template) -> Any:
    (behaviour,) = (item for item in distribution(template)["CacheBehaviors"] if item["PathPattern"] == "/api/*")
    return behaviour


def facts_behaviours(template: Template) -> list[Any]:
    return [item for item in distribution(template)["CacheBehaviors"] if item["PathPattern"] != "/api/*"]


def facts_deployment(template: Template) -> Any:
    (found,) = (item for item in deployments(template) if item.get("Include") == ["api/*"])
    return found


def serve_the_facts_from_the_function(template: Template) -> None:
    distribution(template)["CacheBehaviors"] = [api_behaviour(template)]


def serve_one_fact_from_the_function(template: Template) -> None:
    distribution(template)["CacheBehaviors"].remove(facts_behaviours(template)[-1])


def drop_the_method_check(template: Template) -> None:
    del facts_behaviours(template)[0]["FunctionAssociations"]


def publish_no_facts(template: Template) -> None:
    facts_deployment(template)["Include"] = ["nothing"]


def publish_facts_of_another_type(template: Template) -> None:
    facts_deployment(template)["SystemMetadata"]["content-type"] = "text/plain"


def cache_the_facts_in_browsers(template: Template) -> None:
    facts_deployment(template)["SystemMetadata"]["cache-control"] = "max-age=86400"


def change_the_title_of_the_function(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_TITLE"] = "A function of another deployment"


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


def deployments(template: Template) -> list[Any]:
    return list(template.named("Custom::CDKBucketDeployment").values())


def cloudfront_statement(template: Template) -> Any:
    statements = template.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    return next(item for item in statements if item["Principal"] == {"Service": "cloudfront.amazonaws.com"})


def restrict_methods(*left: str) -> Change:
    return lambda template: api_behaviour(template).update(AllowedMethods=[*left])


def drop_the_api_behaviour(template: Template) -> None:
    distribution(template)["CacheBehaviors"].remove(api_behaviour(template))


def route_the_api_to_the_bucket(template: Template) -> None:
    api_behaviour(template)["TargetOriginId"] = origin(template, "S3OriginConfig")["Id"]


def route_the_page_to_the_api(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["TargetOriginId"] = origin(template, "CustomOriginConfig")["Id"]


def insert_a_behaviour_before_the_api(template: Template) -> None:
    page = {**distribution(template)["DefaultCacheBehavior"], "PathPattern": "/api/c*"}
    distribution(template)["CacheBehaviors"].insert(0, page)


def cache_the_api_as_the_page(template: Template) -> None:
    api_behaviour(template)["CachePolicyId"] = distribution(template)["DefaultCacheBehavior"]["CachePolicyId"]


def cache_errors(template: Template) -> None:
    del distribution(template)["CustomErrorResponses"]


def change_the_content_security_policy(template: Template) -> None:
    security(template)["ContentSecurityPolicy"]["ContentSecurityPolicy"] = "default-src *"


def drop_the_response_headers_of_the_api(template: Template) -> None:
    del api_behaviour(template)["ResponseHeadersPolicyId"]


def change_the_origin_secret(template: Template) -> None:
    origin(template, "OriginCustomHeaders")["OriginCustomHeaders"][0]["HeaderValue"] = "another"


def rename_the_secret_header(template: Template) -> None:
    origin(template, "OriginCustomHeaders")["OriginCustomHeaders"][0]["HeaderName"] = "x-secret"


def forward_the_cookies(template: Template) -> None:
    policy(template, "OriginRequest")["CookiesConfig"] = {"CookieBehavior": "all"}


def forward_header(name: str) -> Change:
    return lambda template: policy(template, "OriginRequest")["HeadersConfig"]["Headers"].append(name)


def forward_no_query(template: Template) -> None:
    policy(template, "OriginRequest")["QueryStringsConfig"] = {"QueryStringBehavior": "none"}


def forward_no_content_type(template: Template) -> None:
    policy(template, "OriginRequest")["HeadersConfig"]["Headers"].remove("Content-Type")


def change_the_route(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["RouteKey"] = "ANY /v1/{proxy+}"


def restrict_the_route_to_get(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["RouteKey"] = "GET /api/{proxy+}"


def drop_the_permission(template: Template) -> None:
    remove(template, "AWS::Lambda::Permission")


def restrict_the_permission_to_get(template: Template) -> None:
    permission = template.only("AWS::Lambda::Permission")
    permission["SourceArn"]["Fn::Join"][1][-1] = "/*/GET/api/{proxy+}"


def throttle(**limits: int) -> Change:
    return lambda template: template.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"].update(limits)


def drop_the_throttle(template: Template) -> None:
    del template.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"]


def lower_the_upload_limit(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_MAX_UPLOAD_BYTES"] = "1000000"


def raise_the_upload_limit(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_MAX_UPLOAD_BYTES"] = "4700000"


def drop_the_edge_function(template: Template) -> None:
    del api_behaviour(template)["FunctionAssociations"]


def lower_the_limit_at_the_edge(template: Template) -> None:
    functions = template.named("AWS::CloudFront::Function").values()
    (function,) = (item for item in functions if "MAX_BODY_BYTES" in item["FunctionCode"])
    code, count = re.subn(r"MAX_BODY_BYTES = \d+", "MAX_BODY_BYTES = 1000000", function["FunctionCode"])
    assert count == 1, "The function at the edge has no limit of this name."
    function["FunctionCode"] = code


def drop_the_secret_of_the_function(template: Template) -> None:
    del template.function()["Environment"]["Variables"]["LESION_ORIGIN_SECRETS"]


def set_the_timeout_to_zero(template: Template) -> None:
    template.function()["Timeout"] = 0


def drop_the_default_root(template: Template) -> None:
    del distribution(template)["DefaultRootObject"]


def drop_the_addresses_of_the_page(template: Template) -> None:
    del distribution(template)["DefaultCacheBehavior"]["FunctionAssociations"]


def drop_the_views_of_the_page(template: Template) -> None:
    functions = template.named("AWS::CloudFront::Function").values()
    (function,) = (item for item in functions if "VIEWS = " in item["FunctionCode"])
    code, count = re.subn(r"VIEWS = \[.*\]", "VIEWS = []", function["FunctionCode"])
    assert count == 1, "The function at the edge has no views of this name."
    function["FunctionCode"] = code


def add_an_origin_path(template: Template) -> None:
    origin(template, "CustomOriginConfig")["OriginPath"] = "/prod"


def change_the_host_of_the_origin(template: Template) -> None:
    origin(template, "CustomOriginConfig")["DomainName"] = "nobody.execute-api.us-east-1.amazonaws.com"


def use_an_origin_without_tls(template: Template) -> None:
    origin(template, "CustomOriginConfig")["CustomOriginConfig"]["OriginProtocolPolicy"] = "http-only"


def drop_the_origin_access_control(template: Template) -> None:
    del origin(template, "S3OriginConfig")["OriginAccessControlId"]


def allow_another_distribution(template: Template) -> None:
    cloudfront_statement(template)["Condition"]["StringEquals"]["AWS:SourceArn"] = "arn:aws:cloudfront::1:distribution/other"


def drop_the_list_permission(template: Template) -> None:
    cloudfront_statement(template)["Action"] = "s3:GetObject"


def drop_the_exclusions_of_the_deployment(template: Template) -> None:
    for part in deployments(template):
        part["Exclude"] = []


def drop_the_content_types(template: Template) -> None:
    for part in deployments(template):
        part["SystemMetadata"].pop("content-type", None)


def drop_the_thumbnails(template: Template) -> None:
    (name,) = (key for key, item in template.resources.items() if item.get("Properties", {}).get("Include") == ["*.webp"])
    del template.resources[name]


def set_a_long_max_age(template: Template) -> None:
    for part in deployments(template):
        part["SystemMetadata"]["cache-control"] = "max-age=31536000"


def disable_the_page_cache(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["CachePolicyId"] = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def disable_compression(template: Template) -> None:
    distribution(template)["DefaultCacheBehavior"]["Compress"] = False


def cache_by_query(template: Template) -> None:
    page_cache(template)["QueryStringsConfig"] = {"QueryStringBehavior": "all"}


def allow_plain_http_to_the_bucket(template: Template) -> None:
    # The edge allows it; S3 does not.
    distribution(template)["DefaultCacheBehavior"]["AllowedMethods"] = ["GET", "HEAD", "OPTIONS"]
    distribution(template)["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"


def allow_plain_http_to_the_api(template: Template) -> None:
    api_behaviour(template)["ViewerProtocolPolicy"] = "allow-all"


def redirect_plain_http_of_the_api(template: Template) -> None:
    api_behaviour(template)["ViewerProtocolPolicy"] = "redirect-to-https"


def shorten_hsts(template: Template) -> None:
    security(template)["StrictTransportSecurity"]["AccessControlMaxAgeSec"] = 300


def drop_the_permissions_policy(template: Template) -> None:
    policy(template, "ResponseHeaders")["CustomHeadersConfig"]["Items"].pop(0)


def use_an_unknown_cache_policy(template: Template) -> None:
    api_behaviour(template)["CachePolicyId"] = "00000000-0000-0000-0000-000000000000"


def use_a_managed_origin_request_policy(template: Template) -> None:
    api_behaviour(template)["OriginRequestPolicyId"] = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def use_a_viewer_response_function(template: Template) -> None:
    api_behaviour(template)["FunctionAssociations"][0]["EventType"] = "viewer-response"


def add_an_error_page(template: Template) -> None:
    distribution(template)["CustomErrorResponses"][0]["ResponsePagePath"] = "/error.html"


def add_an_authorizer(template: Template) -> None:
    template.only("AWS::ApiGatewayV2::Route")["AuthorizationType"] = "AWS_IAM"


def forbid_scripts(template: Template) -> None:
    rules = security(template)["ContentSecurityPolicy"]
    rules["ContentSecurityPolicy"] = rules["ContentSecurityPolicy"].replace("script-src 'self'", "script-src 'none'")


def forbid_blob_images(template: Template) -> None:
    rules = security(template)["ContentSecurityPolicy"]
    rules["ContentSecurityPolicy"] = rules["ContentSecurityPolicy"].replace("blob: data:", "")
