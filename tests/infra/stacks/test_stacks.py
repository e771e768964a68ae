"""The templates: who may what, what is open, what is kept, and what brings a bad version back."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lesion.web.middleware import ORIGIN_HEADER

from infra.constructs.http_api import ACCESS_LOG
from infra.constructs.upload_limit import MAX_BODY_BYTES
from infra.packaging.headers import SECURITY_HEADERS
from tests.support.cdk import Assembly
from tests.support.paths import REPOSITORY

FUNCTION = "AWS::Lambda::Function"
LOG_GROUP = "AWS::Logs::LogGroup"
ALARM = "AWS::CloudWatch::Alarm"
LIMIT_S = 30
"""An HTTP API's longest wait."""


@pytest.fixture(params=["plain", "full"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    """Both, for what must hold whatever is chosen."""
    chosen: Assembly = request.getfixturevalue(request.param)
    return chosen


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def the_function(assembly: Assembly) -> tuple[str, dict[str, Any]]:
    ((name, resource),) = (
        item for item in assembly.resources(FUNCTION).items() if item[1]["Properties"].get("PackageType") == "Image"
    )
    return name, resource["Properties"]


def statements(assembly: Assembly, role: str) -> Iterator[dict[str, Any]]:
    """Everything that a role may do."""
    properties = assembly.resources("AWS::IAM::Role")[role]["Properties"]
    for policy in properties.get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]
    for resource in assembly.resources("AWS::IAM::Policy").values():
        if {"Ref": role} in resource["Properties"]["Roles"]:
            yield from resource["Properties"]["PolicyDocument"]["Statement"]


def distribution(assembly: Assembly) -> dict[str, Any]:
    config: dict[str, Any] = assembly.only("AWS::CloudFront::Distribution")["DistributionConfig"]
    return config


def api_behaviour(assembly: Assembly) -> dict[str, Any]:
    behaviour = distribution(assembly)["CacheBehaviors"][-1]
    assert isinstance(behaviour, dict)
    return behaviour


def origin(assembly: Assembly, behaviour: dict[str, Any]) -> dict[str, Any]:
    (found,) = (item for item in distribution(assembly)["Origins"] if item["Id"] == behaviour["TargetOriginId"])
    assert isinstance(found, dict)
    return found


def api_secret(assembly: Assembly) -> Any:
    (header,) = origin(assembly, api_behaviour(assembly))["OriginCustomHeaders"]
    assert header["HeaderName"] == ORIGIN_HEADER
    return header["HeaderValue"]


def test_a_finding_of_cdk_nag_ends_the_synthesis(tmp_path: Path, plain: Assembly) -> None:
    from aws_cdk import App, Stack
    from aws_cdk.aws_sns import Topic

    from infra.app import check

    del plain  # Its synthesis had none; and where CDK cannot start, this is skipped with the rest.
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    Topic(Stack(app, "Bad"), "Open")
    check(app)
    with pytest.raises(RuntimeError, match="AwsSolutions-SNS3"):
        app.synth()


@pytest.mark.slow
def test_a_wrong_setting_ends_the_command_with_its_sentence(plain: Assembly) -> None:
    del plain  # Where CDK cannot start, this is skipped with the rest.
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        env={**os.environ, "PYTHONPATH": "lambda", "CDK_CONTEXT_JSON": json.dumps({"lesion:waf": "perhaps"})},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "lesion:waf is 'perhaps'. Set it to true or false, in cdk.json or with -c, or leave it out.\n"


def test_the_function_may_write_its_own_log_and_nothing_else(plain: Assembly) -> None:
    _, function = the_function(plain)
    role = function["Role"]["Fn::GetAtt"][0]
    properties = plain.resources("AWS::IAM::Role")[role]["Properties"]
    assert "ManagedPolicyArns" not in properties
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    log = function["LoggingConfig"]["LogGroup"]["Ref"]
    assert list(statements(plain, role)) == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [log, "Arn"]},
        }
    ]


def test_with_tracing_it_may_also_write_traces(full: Assembly) -> None:
    _, function = the_function(full)
    assert function["TracingConfig"] == {"Mode": "Active"}
    may = {
        action for statement in statements(full, function["Role"]["Fn::GetAtt"][0]) for action in listed(statement["Action"])
    }
    assert may == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


def test_the_function_is_what_was_measured(plain: Assembly) -> None:
    _, function = the_function(plain)
    assert function["Architectures"] == ["x86_64"]
    assert function["MemorySize"] == 1769
    assert function["ReservedConcurrentExecutions"] == 10
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert "TracingConfig" not in function


def test_a_setting_of_none_reserves_nothing(full: Assembly) -> None:
    # A reservation of zero would reject every request.
    assert "ReservedConcurrentExecutions" not in the_function(full)[1]


def test_every_wait_is_longer_than_the_one_behind_it(assembly: Assembly) -> None:
    function = the_function(assembly)[1]["Timeout"]
    gateway = assembly.only("AWS::ApiGatewayV2::Integration")["TimeoutInMillis"] / 1000
    cloudfront = origin(assembly, api_behaviour(assembly))["CustomOriginConfig"]["OriginReadTimeout"]
    assert function < gateway < LIMIT_S <= cloudfront


def test_telemetry_is_off(assembly: Assembly) -> None:
    assert the_function(assembly)[1]["Environment"]["Variables"]["ORT_DISABLE_TELEMETRY"] == "1"


def test_the_environment_is_what_was_chosen(plain: Assembly, full: Assembly) -> None:
    always = {"ORT_DISABLE_TELEMETRY", "LESION_ORIGIN_SECRETS"}
    assert the_function(plain)[1]["Environment"]["Variables"].keys() == always
    chosen = the_function(full)[1]["Environment"]["Variables"]
    assert chosen.keys() == always | {"LESION_TITLE", "LESION_URL_HOSTS"}
    assert (chosen["LESION_TITLE"], chosen["LESION_URL_HOSTS"]) == ("Moles", "images.example.org")


def test_the_image_is_made_of_the_function_the_model_and_the_samples(plain: Assembly) -> None:
    files = plain.files("lambda/Dockerfile")
    assert {"lambda/lesion/handler.py", "models/lesion.onnx", "infra/site/samples/samples.json"} <= files
    outside = [
        path
        for path in files
        if not path.startswith(("lambda/", "models/", "infra/site/samples/")) and path != ".dockerignore"
    ]
    assert outside == []
    assert not [path for path in files if "__pycache__" in path or path.endswith((".pyc", ".png"))]


def test_every_log_forgets_after_30_days_and_goes_with_the_stack(assembly: Assembly) -> None:
    logs = assembly.resources(LOG_GROUP)
    assert len(logs) == 5
    assert {log["Properties"]["RetentionInDays"] for log in logs.values()} == {30}
    assert {log["DeletionPolicy"] for log in logs.values()} == {"Delete"}


def test_every_function_writes_into_a_log_of_the_stack(plain: Assembly) -> None:
    logs = plain.resources(LOG_GROUP)
    for function in plain.resources(FUNCTION).values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in logs


def test_only_the_live_alias_is_called_in_format_2(assembly: Assembly) -> None:
    integration = assembly.only("AWS::ApiGatewayV2::Integration")
    (alias,) = assembly.resources("AWS::Lambda::Alias")
    assert integration["IntegrationUri"] == {"Ref": alias}
    assert integration["PayloadFormatVersion"] == "2.0"
    for permission in assembly.resources("AWS::Lambda::Permission").values():
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        assert "SourceArn" in permission["Properties"]
    assert not assembly.resources("AWS::Lambda::Url")


def test_the_stage_is_throttled(assembly: Assembly) -> None:
    stage = assembly.only("AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 20, "ThrottlingRateLimit": 10}


def test_the_access_log_knows_no_person(plain: Assembly) -> None:
    settings = plain.only("AWS::ApiGatewayV2::Stage")["AccessLogSettings"]
    assert settings["DestinationArn"]["Fn::GetAtt"][0] in plain.resources(LOG_GROUP)
    written = json.loads(settings["Format"])
    assert written == ACCESS_LOG
    # Allowed by name: whatever AWS adds to $context is not taken.
    assert set(written.values()) == {
        f"$context.{name}"
        for name in (
            "requestTimeEpoch",
            "requestId",
            "integration.requestId",
            "routeKey",
            "status",
            "error.responseType",
            "integration.status",
            "responseLength",
            "responseLatency",
            "integrationLatency",
        )
    }


def test_no_bucket_is_public(assembly: Assembly) -> None:
    bucket = assembly.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]
    assert "WebsiteConfiguration" not in bucket
    assert "AccessControl" not in bucket
    policy = assembly.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    for statement in policy:
        if statement["Effect"] == "Allow":
            assert "*" not in listed(statement["Principal"]) and statement["Principal"] != {"AWS": "*"}
    denied = [statement["Condition"] for statement in policy if statement["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_only_this_distribution_reads_the_bucket(assembly: Assembly) -> None:
    (name,) = assembly.resources("AWS::CloudFront::Distribution")
    (reads,) = (
        statement
        for statement in assembly.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if statement.get("Principal") == {"Service": "cloudfront.amazonaws.com"}
    )
    assert f'"Ref": "{name}"' in json.dumps(reads["Condition"]["StringEquals"]["AWS:SourceArn"])
    assert set(reads["Action"]) == {"s3:GetObject", "s3:ListBucket"}
    page = origin(assembly, distribution(assembly)["DefaultCacheBehavior"])
    assert "OriginAccessControlId" in page
    assert assembly.only("AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_the_headers_are_those_of_the_laptop_and_hsts(assembly: Assembly) -> None:
    policy = assembly.only("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = policy["SecurityHeadersConfig"]
    assert all(item["Override"] for item in security.values())
    sent = {item["Header"]: item["Value"] for item in policy["CustomHeadersConfig"]["Items"]} | {
        "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff",
    }
    assert sent == dict(SECURITY_HEADERS)
    assert "ContentTypeOptions" in security
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 86_400


def test_both_behaviours_send_them(assembly: Assembly) -> None:
    (policy,) = assembly.resources("AWS::CloudFront::ResponseHeadersPolicy")
    for behaviour in (distribution(assembly)["DefaultCacheBehavior"], api_behaviour(assembly)):
        assert behaviour["ResponseHeadersPolicyId"] == {"Ref": policy}
        assert behaviour["Compress"] is True


def test_nothing_is_served_without_tls(assembly: Assembly) -> None:
    assert distribution(assembly)["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert api_behaviour(assembly)["ViewerProtocolPolicy"] == "https-only"
    assert origin(assembly, api_behaviour(assembly))["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_the_api_takes_every_method_and_is_kept_nowhere(assembly: Assembly) -> None:
    behaviour = api_behaviour(assembly)
    assert behaviour["PathPattern"] == "/api/*"
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
    # CloudFront's own policy CachingDisabled.
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    kept = {item["ErrorCode"]: item["ErrorCachingMinTTL"] for item in distribution(assembly)["CustomErrorResponses"]}
    assert set(kept) == {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
    assert set(kept.values()) == {0}


def test_what_no_function_can_be_given_is_refused_at_the_edge_with_a_sentence(assembly: Assembly) -> None:
    (name,) = (name for name in assembly.resources("AWS::CloudFront::Function") if name.startswith("TooLarge"))
    assert api_behaviour(assembly)["FunctionAssociations"] == [
        {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": [name, "FunctionARN"]}}
    ]
    code = assembly.resources("AWS::CloudFront::Function")[name]["Properties"]["FunctionCode"]
    # CloudFront takes 10 KB of code.
    assert len(code) < 10_000
    assert "4.5 MB" in code
    # With room for what an event has besides, this is what Lambda takes.
    assert MAX_BODY_BYTES * 4 / 3 < 6 * 1024 * 1024 - 200_000


def test_addresses_of_the_page_have_a_function(assembly: Assembly) -> None:
    (name,) = (name for name in assembly.resources("AWS::CloudFront::Function") if name.startswith("PageAddresses"))
    assert distribution(assembly)["DefaultCacheBehavior"]["FunctionAssociations"] == [
        {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": [name, "FunctionARN"]}}
    ]
    code = assembly.resources("AWS::CloudFront::Function")[name]["Properties"]["FunctionCode"]
    assert len(code) < 10_000


def test_no_error_page_takes_the_place_of_a_problem(assembly: Assembly) -> None:
    for item in distribution(assembly)["CustomErrorResponses"]:
        assert not item.keys() & {"ResponsePagePath", "ResponseCode"}


def test_the_api_is_told_the_query_and_what_it_reads_but_no_host(assembly: Assembly) -> None:
    (name,) = assembly.resources("AWS::CloudFront::OriginRequestPolicy")
    assert api_behaviour(assembly)["OriginRequestPolicyId"] == {"Ref": name}
    policy = assembly.only("AWS::CloudFront::OriginRequestPolicy")["OriginRequestPolicyConfig"]
    assert policy["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert policy["CookiesConfig"] == {"CookieBehavior": "none"}
    assert policy["HeadersConfig"] == {"HeaderBehavior": "whitelist", "Headers": ["Accept", "Content-Type"]}


def test_browsers_ask_before_they_use_a_file_and_the_edge_keeps_it(assembly: Assembly) -> None:
    every = [item["Properties"] for item in assembly.resources("Custom::CDKBucketDeployment").values()]
    deployments = [item for item in every if item.get("Include") != ["api/*"]]
    assert {item["SystemMetadata"]["cache-control"] for item in deployments} == {"no-cache"}
    assert all(item["DistributionPaths"] == ["/*"] and item["Prune"] for item in deployments)
    policy = assembly.only("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    assert policy["MinTTL"] == policy["MaxTTL"] == 86_400


def test_the_page_is_put_there_with_the_right_types(plain: Assembly) -> None:
    by_type = {
        item["Properties"]["SystemMetadata"].get("content-type"): item["Properties"]
        for item in plain.resources("Custom::CDKBucketDeployment").values()
        if item["Properties"].get("Include") != ["api/*"]
    }
    assert by_type.keys() == {None, "image/webp", "application/gzip"}
    for suffix, kind in {".webp": "image/webp", ".gz": "application/gzip"}.items():
        assert (by_type[kind]["Exclude"], by_type[kind]["Include"]) == (["*"], [f"*{suffix}"])
    assert by_type[None]["Exclude"] == ["*.webp", "*.gz", "api/*"]
    files = plain.files("index.html")
    assert files >= {"style.css", "js/main.js", "samples/samples.json", "private/parts.json"}
    assert not [name for name in files if name.endswith((".md", ".map"))]


def test_cloudfront_shows_the_function_a_secret_that_stands_in_no_template(plain: Assembly) -> None:
    (secret,) = plain.resources("AWS::SecretsManager::Secret")
    assert plain.only("AWS::SecretsManager::Secret")["GenerateSecretString"]["PasswordLength"] >= 32
    reference = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": secret}, ":SecretString:::}}"]]}
    assert api_secret(plain) == reference
    assert the_function(plain)[1]["Environment"]["Variables"]["LESION_ORIGIN_SECRETS"] == reference
    # Nor is it told as an output, or by another resource but the canary, which asks as CloudFront does.
    assert plain.text().count("resolve:secretsmanager") == 3


def test_while_the_secret_changes_the_function_takes_both(full: Assembly) -> None:
    new, old = sorted(full.resources("AWS::SecretsManager::Secret"), reverse=True)
    assert new.startswith("OriginSecretGeneration2") and old.startswith("OriginSecretGeneration1")
    assert api_secret(full)["Fn::Join"][1][1] == {"Ref": new}
    delimiter, parts = the_function(full)[1]["Environment"]["Variables"]["LESION_ORIGIN_SECRETS"]["Fn::Join"]
    assert delimiter == ","
    assert [part["Fn::Join"][1][1]["Ref"] for part in parts] == [new, old]


def test_the_function_takes_a_new_secret_before_cloudfront_sends_it(assembly: Assembly) -> None:
    (alias,) = assembly.resources("AWS::Lambda::Alias")
    (found,) = assembly.resources("AWS::CloudFront::Distribution").values()
    assert alias in listed(found["DependsOn"])


def test_by_default_there_is_no_firewall_no_domain_and_one_stack(plain: Assembly) -> None:
    assert plain.stacks() == {"Lesion": "us-east-1"}
    config = distribution(plain)
    assert not config.keys() & {"WebACLId", "Aliases", "ViewerCertificate"}
    assert config["PriceClass"] == "PriceClass_100"


def test_firewall_and_certificate_are_in_us_east_1_whatever_the_region(full: Assembly) -> None:
    assert full.stacks() == {
        "LesionEdge-eu-central-1": "us-east-1",
        "Lesion": "eu-central-1",
        "LesionDelivery-eu-central-1": "us-east-1",
        "LesionBatch": "eu-central-1",
    }
    assert full.resources("AWS::WAFv2::WebACL", "LesionEdge-eu-central-1")
    assert full.resources("AWS::CertificateManager::Certificate", "LesionEdge-eu-central-1")
    assert not full.resources("AWS::WAFv2::WebACL") and not full.resources("AWS::CertificateManager::Certificate")
    config = distribution(full)
    assert "FirewallArn" in json.dumps(config["WebACLId"])
    assert "Certificate" in json.dumps(config["ViewerCertificate"]["AcmCertificateArn"])
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_an_own_domain_gets_its_records(full: Assembly) -> None:
    assert distribution(full)["Aliases"] == ["moles.example.org"]
    records = [item["Properties"] for item in full.resources("AWS::Route53::RecordSet").values()]
    assert {(item["Type"], item["Name"], item["HostedZoneId"]) for item in records} == {
        ("A", "moles.example.org.", "Z0123456789"),
        ("AAAA", "moles.example.org.", "Z0123456789"),
    }


def test_a_new_version_comes_step_by_step_and_goes_where_it_fails(assembly: Assembly) -> None:
    (alias,) = assembly.resources("AWS::Lambda::Alias").values()
    (name,) = assembly.resources("AWS::CodeDeploy::DeploymentGroup")
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": name}
    group = assembly.only("AWS::CodeDeploy::DeploymentGroup")
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert group["AlarmConfiguration"]["Enabled"] is True
    alarms = assembly.resources(ALARM)
    watched = {alarms[alarm["Name"]["Ref"]]["Properties"]["MetricName"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert watched == {"5xx", "Errors"}


def test_how_it_comes_is_a_choice(plain: Assembly, full: Assembly) -> None:
    names = [item.only("AWS::CodeDeploy::DeploymentGroup")["DeploymentConfigName"] for item in (plain, full)]
    assert names == [
        "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
    ]
    assert full.only("AWS::Lambda::Alias")["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}
    assert "ProvisionedConcurrencyConfig" not in plain.only("AWS::Lambda::Alias")


def test_the_version_before_is_kept_to_go_back_to(plain: Assembly) -> None:
    (version,) = plain.resources("AWS::Lambda::Version").values()
    assert version["DeletionPolicy"] == "Retain"


def test_the_topic_is_encrypted_and_lets_in_alarms_and_budgets_of_this_account(assembly: Assembly) -> None:
    (key,) = assembly.resources("AWS::KMS::Key")
    assert assembly.only("AWS::SNS::Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    for document in (
        assembly.only("AWS::SNS::TopicPolicy")["PolicyDocument"],
        assembly.only("AWS::KMS::Key")["KeyPolicy"],
    ):
        services = [item for item in document["Statement"] if "Service" in listed(item["Principal"])[0]]
        # EventBridge: tests/infra/stacks/test_limits.py.
        services = [item for item in services if item["Principal"]["Service"] != "events.amazonaws.com"]
        assert {name for item in services for name in listed(item["Principal"]["Service"])} == {
            "cloudwatch.amazonaws.com",
            "budgets.amazonaws.com",
        }
        for item in services:
            assert item["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_budget_tells_the_topic_before_and_after(plain: Assembly, full: Assembly) -> None:
    (topic,) = plain.resources("AWS::SNS::Topic")
    budget = plain.only("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 10, "Unit": "USD"}
    told = budget["NotificationsWithSubscribers"]
    assert {item["Notification"]["NotificationType"] for item in told} == {"ACTUAL", "FORECASTED"}
    assert all(item["Subscribers"] == [{"Address": {"Ref": topic}, "SubscriptionType": "SNS"}] for item in told)
    assert not full.resources("AWS::Budgets::Budget")


def test_who_is_written_to_is_a_choice(plain: Assembly, full: Assembly) -> None:
    assert not plain.resources("AWS::SNS::Subscription")
    subscription = full.only("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "you@example.org")


def test_the_dashboard_shows_what_the_function_writes(plain: Assembly) -> None:
    body = json.dumps(plain.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    for name in ("LesionClassifier", "Classified", "Refused", "Rejected", "DecodeTime", "InferTime", "5xx", "Throttles"):
        assert name in body


def test_what_is_removed_leaves_nothing(assembly: Assembly) -> None:
    kept = {
        name
        for name, resource in json.loads(assembly.text())["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain" and resource["Type"] != "AWS::Lambda::Version"
    }
    assert kept == set()
    (bucket,) = assembly.resources("AWS::S3::Bucket")
    assert assembly.only("Custom::S3AutoDeleteObjects")["BucketName"] == {"Ref": bucket}


def test_no_template_names_the_machine_that_made_it(assembly: Assembly) -> None:
    assert str(REPOSITORY) not in assembly.text()
    assert not re.search(r"/(home|root|tmp)/", assembly.text())
