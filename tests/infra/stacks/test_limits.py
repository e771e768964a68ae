"""What limits and announces cost: firewall, alarms, plan and kill switch, in the templates.

`MUTATIONS` breaks a template in each respect; the check of that respect must then fail.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cdk import Assembly, Resource

ALARM = "AWS::CloudWatch::Alarm"
ACL = "AWS::WAFv2::WebACL"
Resources = dict[str, Resource]
Check = Callable[[Resources], None]


def resources(assembly: Assembly, stack: str) -> Resources:
    found: Resources = json.loads(assembly.text(stack))["Resources"]
    return found


def of_type(template: Resources, kind: str) -> list[Any]:
    return [item["Properties"] for item in template.values() if item["Type"] == kind]


def the(template: Resources, kind: str) -> Any:
    (found,) = of_type(template, kind)
    return found


def alarm(template: Resources, word: str) -> Any:
    """The alarm on a metric of this name, or with an expression that contains it."""
    (found,) = (item for item in of_type(template, ALARM) if word in json.dumps(item.get("MetricName", item.get("Metrics"))))
    return found


def check_firewall(template: Resources) -> None:
    firewall = the(template, ACL)
    assert (firewall["Scope"], firewall["DefaultAction"]) == ("CLOUDFRONT", {"Allow": {}})
    rates = {rule["Name"]: rule["Statement"]["RateBasedStatement"] for rule in firewall["Rules"]}
    assert {name: rate["Limit"] for name, rate in rates.items()} == {"rate": 300, "all": 600}
    assert {(rate["EvaluationWindowSec"], rate["AggregateKeyType"]) for rate in rates.values()} == {(300, "IP")}
    counted = rates["rate"]["ScopeDownStatement"]["ByteMatchStatement"]
    assert (counted["PositionalConstraint"], counted["SearchString"]) == ("STARTS_WITH", "/api/")
    transformations = sorted((item["Priority"], item["Type"]) for item in counted["TextTransformations"])
    assert transformations == [(0, "URL_DECODE"), (1, "NORMALIZE_PATH")]
    # Every path counts: the model of private mode is the most expensive one.
    assert "ScopeDownStatement" not in rates["all"]
    assert sorted(rule["Priority"] for rule in firewall["Rules"]) == [0, 1]


def check_firewall_answer(template: Resources) -> None:
    firewall = the(template, ACL)
    for rule in firewall["Rules"]:
        answer = rule["Action"]["Block"]["CustomResponse"]
        assert answer["ResponseCode"] == 429
        body = firewall["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"]
        assert list(json.loads(body)) == ["type", "title", "status", "detail", "code"]
        assert json.loads(body)["type"] == "/api/docs#too_many_requests"
    for config in (firewall["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in firewall["Rules"])):
        assert config["SampledRequestsEnabled"] is False


def check_alarms(template: Resources) -> None:
    """Each alarm tells the one topic, when it starts and when it ends, and stays silent without data."""
    (topic,) = (name for name, item in template.items() if item["Type"] == "AWS::SNS::Topic")
    for item in of_type(template, ALARM):
        assert item["AlarmActions"] == item["OKActions"] == [{"Ref": topic}]
        assert item["TreatMissingData"] == "notBreaching"
        assert item["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert item.get("ActionsEnabled", True) is True


def check_service_alarms(template: Resources) -> None:
    simple = {
        item["MetricName"]: (item["Namespace"], item.get("Statistic") or item["ExtendedStatistic"], item["Threshold"])
        for item in of_type(template, ALARM)
        if item.get("Namespace") in ("AWS/ApiGateway", "AWS/Lambda")
    }
    assert simple == {
        "5xx": ("AWS/ApiGateway", "Sum", 3),
        "Errors": ("AWS/Lambda", "Sum", 1),
        "Throttles": ("AWS/Lambda", "Sum", 1),
        # The function's duration contains neither cold starts nor waiting.
        "Latency": ("AWS/ApiGateway", "p95", 3000),
    }


def check_delivery_alarms(template: Resources) -> None:
    found = {
        item["MetricName"]: (item["Statistic"], item["Threshold"], item["Period"] * item["EvaluationPeriods"])
        for item in of_type(template, ALARM)
        if item.get("Namespace") == "AWS/CloudFront"
    }
    assert found == {
        "Requests": ("Sum", 20_000, 300),
        "BytesDownloaded": ("Sum", 2_000_000_000, 300),
        "5xxErrorRate": ("Average", 5, 900),
    }
    for item in of_type(template, ALARM):
        if item.get("Namespace") == "AWS/CloudFront":
            dimensions = {dimension["Name"]: dimension["Value"] for dimension in item["Dimensions"]}
            assert dimensions["Region"] == "Global" and "Distribution" in json.dumps(dimensions["DistributionId"])


def check_rejected_share(template: Resources) -> None:
    item = alarm(template, "rejected")
    metrics = {part["Id"]: part["MetricStat"] for part in item["Metrics"] if "MetricStat" in part}
    assert {name: (part["Metric"]["MetricName"], part["Stat"]) for name, part in metrics.items()} == {
        "rejected": ("4xx", "Sum"),
        "every": ("Count", "Sum"),
    }
    assert share(item, rejected=60, every=100) == 60 >= item["Threshold"] == 50
    assert share(item, rejected=99, every=99) == 0, "few requests say nothing"


def check_refused_share(template: Resources) -> None:
    item = alarm(template, "refused")
    names = {part["Id"]: part["MetricStat"]["Metric"]["MetricName"] for part in item["Metrics"] if "MetricStat" in part}
    assert names == {"refused": "Refused", "classified": "Classified"}
    assert share(item, refused=15, classified=5) == 75 >= item["Threshold"] == 60
    assert share(item, refused=19, classified=0) == 0, "few images say nothing"


def share(item: Any, **values: float) -> float:
    """Evaluate the expression of an alarm; CloudWatch's IF and FILL are the only functions that it may use."""
    (expression,) = (part["Expression"] for part in item["Metrics"] if "Expression" in part)
    functions = {"IF": lambda test, yes, no: yes if test else no, "FILL": lambda value, _: value}
    return float(eval(expression, {**functions, **values}))


def check_batch_alarms(template: Resources) -> None:
    (machine,) = (name for name, item in template.items() if item["Type"] == "AWS::StepFunctions::StateMachine")
    found = {item["MetricName"]: item for item in of_type(template, ALARM)}
    assert found.keys() == {"ExecutionsFailed", "ExecutionsTimedOut"}
    for item in found.values():
        assert (item["Namespace"], item["Statistic"], item["Threshold"]) == ("AWS/States", "Sum", 1)
        assert item["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": machine}}]
        assert item["TreatMissingData"] == "notBreaching"
        # The topic of the service.
        for actions in (item["AlarmActions"], item["OKActions"]):
            (action,) = actions
            assert action["Fn::GetStackOutput"]["StackName"] == "Lesion"


def check_image_scans(template: Resources) -> None:
    (topic,) = (name for name, item in template.items() if item["Type"] == "AWS::SNS::Topic")
    severities = set()
    for rule in of_type(template, "AWS::Events::Rule"):
        assert (rule["State"], [target["Arn"] for target in rule["Targets"]]) == ("ENABLED", [{"Ref": topic}])
        pattern = rule["EventPattern"]
        assert (pattern["source"], pattern["detail-type"]) == (["aws.ecr"], ["ECR Image Scan"])
        detail = pattern["detail"]
        assert detail["repository-name"] == [{"prefix": "cdk-hnb659fds-container-assets-"}]
        assert detail["scan-status"] == ["COMPLETE"]
        ((severity, more),) = detail["finding-severity-counts"].items()
        assert more == [{"numeric": [">", 0]}]
        severities.add(severity)
    assert severities == {"CRITICAL", "HIGH"}
    policy = the(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    documents = [policy, *(key["KeyPolicy"]["Statement"] for key in of_type(template, "AWS::KMS::Key"))]
    for statements in documents:
        (right,) = (item for item in statements if item["Principal"] == {"Service": "events.amazonaws.com"})
        # EventBridge sends no source: with a condition, every message would be dropped.
        assert right["Effect"] == "Allow" and "Condition" not in right


def check_plan(template: Resources) -> None:
    plan = the(template, "AWS::PricingPlanManager::Subscription")
    assert (plan["PlanFamily"], plan["PlanTier"]) == ("CloudFront", "FREE")
    covered = json.dumps(plan["ResourceArns"])
    assert ":distribution/" in covered and "FirewallArn" in covered


def check_stopped(template: Resources) -> None:
    config = the(template, "AWS::CloudFront::Distribution")["DistributionConfig"]
    (function,) = (item for item in of_type(template, "AWS::Lambda::Function") if item.get("PackageType") == "Image")
    assert (config["Enabled"], function["ReservedConcurrentExecutions"]) == (False, 0)


def drop_rule(template: Resources) -> None:
    the(template, ACL)["Rules"].pop()


def change_firewall(place: int, **changed: Any) -> Callable[[Resources], None]:
    return lambda template: the(template, ACL)["Rules"][place]["Statement"]["RateBasedStatement"].update(changed)


def change_alarm(word: str, **changed: Any) -> Callable[[Resources], None]:
    return lambda template: alarm(template, word).update(changed)


def drop_alarm(word: str) -> Callable[[Resources], None]:
    def change(template: Resources) -> None:
        dropped = alarm(template, word)
        del template[next(name for name, item in template.items() if item.get("Properties") is dropped)]

    return change


def change_expression(word: str, old: str, new: str) -> Callable[[Resources], None]:
    def change(template: Resources) -> None:
        (part,) = (part for part in alarm(template, word)["Metrics"] if "Expression" in part)
        assert old in part["Expression"]
        part["Expression"] = part["Expression"].replace(old, new)

    return change


def enable(template: Resources) -> None:
    the(template, "AWS::CloudFront::Distribution")["DistributionConfig"]["Enabled"] = True


def restore_concurrency(template: Resources) -> None:
    for item in of_type(template, "AWS::Lambda::Function"):
        item.pop("ReservedConcurrentExecutions", None)


def answer_403(template: Resources) -> None:
    the(template, ACL)["Rules"][1]["Action"]["Block"]["CustomResponse"]["ResponseCode"] = 403


def refuse_events(template: Resources) -> None:
    the(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"].pop()


API_ONLY = {"ByteMatchStatement": {"SearchString": "/api/"}}
CHECKS: list[tuple[str, Check]] = [
    ("edge", check_firewall),
    ("edge", check_firewall_answer),
    ("service", check_alarms),
    ("delivery", check_alarms),
    ("service", check_service_alarms),
    ("service", check_rejected_share),
    ("service", check_refused_share),
    ("service", check_delivery_alarms),
    ("delivery", check_delivery_alarms),
    ("delivery", check_plan),
    ("stopped", check_stopped),
    ("batch", check_batch_alarms),
    ("service", check_image_scans),
]
MUTATIONS: list[tuple[Callable[[Resources], None], str, Check]] = [
    (drop_rule, "edge", check_firewall),
    (change_firewall(1, ScopeDownStatement=API_ONLY), "edge", check_firewall),
    (change_firewall(1, Limit=100_000), "edge", check_firewall),
    (change_firewall(0, AggregateKeyType="CONSTANT"), "edge", check_firewall),
    (answer_403, "edge", check_firewall_answer),
    (change_alarm("BytesDownloaded", AlarmActions=[]), "service", check_alarms),
    (change_alarm("Latency", ActionsEnabled=False), "service", check_alarms),
    (change_alarm("Requests", TreatMissingData="breaching"), "delivery", check_alarms),
    (drop_alarm("Latency"), "service", check_service_alarms),
    (change_alarm("Latency", MetricName="IntegrationLatency"), "service", check_service_alarms),
    (drop_alarm("BytesDownloaded"), "service", check_delivery_alarms),
    (drop_alarm("Requests"), "delivery", check_delivery_alarms),
    (change_alarm("5xxErrorRate", EvaluationPeriods=1), "delivery", check_delivery_alarms),
    (change_alarm("BytesDownloaded", Dimensions=[{"Name": "Region", "Value": "Global"}]), "service", check_delivery_alarms),
    (change_expression("rejected", "rejected / every", "every / every"), "service", check_rejected_share),
    (change_expression("rejected", "every >= 100", "every >= 1"), "service", check_rejected_share),
    (change_expression("refused", "FILL(refused, 0) / ", "FILL(classified, 0) / "), "service", check_refused_share),
    (lambda template: the(template, "AWS::PricingPlanManager::Subscription")["ResourceArns"].pop(), "delivery", check_plan),
    (enable, "stopped", check_stopped),
    (drop_alarm("ExecutionsFailed"), "batch", check_batch_alarms),
    (change_alarm("ExecutionsTimedOut", AlarmActions=[]), "batch", check_batch_alarms),
    (change_alarm("ExecutionsFailed", Dimensions=[]), "batch", check_batch_alarms),
    (lambda template: of_type(template, "AWS::Events::Rule")[0].update(State="DISABLED"), "service", check_image_scans),
    (lambda template: of_type(template, "AWS::Events::Rule")[0].update(Targets=[]), "service", check_image_scans),
    (refuse_events, "service", check_image_scans),
    (restore_concurrency, "stopped", check_stopped),
]


@pytest.fixture(scope="module")
def templates(plain: Assembly, full: Assembly, stopped: Assembly) -> dict[str, Resources]:
    return {
        "service": resources(plain, "Lesion"),
        "edge": resources(full, "LesionEdge-eu-central-1"),
        "delivery": resources(full, "LesionDelivery-eu-central-1"),
        "batch": resources(full, "LesionBatch"),
        "stopped": resources(stopped, "Lesion"),
    }


@pytest.mark.parametrize(("stack", "check"), CHECKS)
def test_limit_holds(templates: dict[str, Resources], stack: str, check: Check) -> None:
    check(templates[stack])


@pytest.mark.parametrize(("change", "stack", "check"), MUTATIONS)
def test_check_fails_for_a_changed_template(
    templates: dict[str, Resources], change: Callable[[Resources], None], stack: str, check: Check
) -> None:
    changed = copy.deepcopy(templates[stack])
    change(changed)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(changed)


def test_the_plan_is_off_by_default_and_in_us_east_1(plain: Assembly, stopped: Assembly) -> None:
    assert "PricingPlanManager" not in plain.text()
    check_plan(resources(stopped, "Lesion"))
    assert stopped.stacks()["Lesion"] == "us-east-1"


def test_a_service_in_us_east_1_has_one_topic_for_all(plain: Assembly) -> None:
    assert "LesionDelivery-eu-central-1" not in plain.stacks()
    assert len(plain.resources("AWS::SNS::Topic")) == 1


def test_the_alarms_of_cloudfront_keep_no_service_from_changing(full: Assembly) -> None:
    """A strong reference is an export, which blocks the replacement of the distribution."""
    assert "Fn::GetStackOutput" in full.text("LesionDelivery-eu-central-1") and "ExportsReader" not in full.text(
        "LesionDelivery-eu-central-1"
    )
    artifacts = json.loads((full.folder / "manifest.json").read_text())["artifacts"]
    assert "Lesion" in artifacts["LesionDelivery-eu-central-1"]["dependencies"]
