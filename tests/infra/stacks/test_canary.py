"""The canary: what it may do, that it is called before traffic is shifted, and that only the recorded answer passes."""

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.constructs import canary_handler
from infra.constructs.canary import HANDLER, golden_answer
from tests.support.cdk import Assembly, Resource

Resources = dict[str, Resource]
GROUP = "AWS::CodeDeploy::DeploymentGroup"
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}


def canary_of(template: Resources) -> tuple[str, Any]:
    ((name, item),) = (
        (name, item["Properties"])
        for name, item in template.items()
        if item["Type"] == "AWS::Lambda::Function" and "GOLDEN" in json.dumps(item["Properties"].get("Environment", {}))
    )
    return name, item


def check_called_before_the_shift(template: Resources) -> None:
    """The alias is updated only after the canary, which calls the version that the alias will have."""
    name, canary = canary_of(template)
    (alias,) = (item for item in template.values() if item["Type"] == "AWS::Lambda::Alias")
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["BeforeAllowTrafficHook"] == {"Ref": name}
    version = canary["Environment"]["Variables"]["VERSION"]["Ref"]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert json.loads(canary["Environment"]["Variables"]["GOLDEN"]) == golden_answer()


def check_rights(template: Resources) -> None:
    _, canary = canary_of(template)
    role = canary["Role"]["Fn::GetAtt"][0]
    allowed: dict[str, str] = {}
    for item in template.values():
        if item["Type"] == "AWS::IAM::Policy" and {"Ref": role} in item["Properties"]["Roles"]:
            for statement in item["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                allowed |= {
                    action: json.dumps(statement["Resource"])
                    for action in (actions if isinstance(actions, list) else [actions])
                }
    (group,) = (name for name, item in template.items() if item["Type"] == GROUP)
    assert allowed.keys() == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "lambda:InvokeFunction",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
    }
    assert group in allowed["codedeploy:PutLifecycleEventHookExecutionStatus"]
    assert '"*"' not in allowed["lambda:InvokeFunction"]
    assert "ManagedPolicyArns" not in template[role]["Properties"]


def forget_the_hook(template: Resources) -> None:
    (alias,) = (item for item in template.values() if item["Type"] == "AWS::Lambda::Alias")
    del alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["BeforeAllowTrafficHook"]


def call_the_live_version(template: Resources) -> None:
    canary_of(template)[1]["Environment"]["Variables"]["VERSION"] = {"Ref": "ServiceLive"}


def expect_something_else(template: Resources) -> None:
    canary_of(template)[1]["Environment"]["Variables"]["GOLDEN"] = json.dumps(
        {**golden_answer(), "malignant_probability": 0.9}
    )


def allow_everything(template: Resources) -> None:
    role = canary_of(template)[1]["Role"]["Fn::GetAtt"][0]
    policy = next(
        item["Properties"]
        for item in template.values()
        if item["Type"] == "AWS::IAM::Policy" and {"Ref": role} in item["Properties"]["Roles"]
    )
    policy["PolicyDocument"]["Statement"].append({"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})


@pytest.fixture(scope="module")
def template(plain: Assembly) -> Resources:
    found: Resources = json.loads(plain.text())["Resources"]
    return found


def test_the_canary_precedes_the_shift_with_few_rights(template: Resources) -> None:
    check_called_before_the_shift(template)
    check_rights(template)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (forget_the_hook, check_called_before_the_shift),
        (call_the_live_version, check_called_before_the_shift),
        (expect_something_else, check_called_before_the_shift),
        (allow_everything, check_rights),
    ],
)
def test_check_fails_for_a_changed_template(
    template: Resources, change: Callable[[Resources], None], check: Callable[[Resources], None]
) -> None:
    changed = copy.deepcopy(template)
    change(changed)
    with pytest.raises((AssertionError, KeyError)):
        check(changed)


def test_a_stopped_service_has_no_canary(stopped: Assembly) -> None:
    """It would call a function without concurrency, and the deployment would fail."""
    assert "GOLDEN" not in stopped.text()


def test_the_template_contains_the_handler(template: Resources) -> None:
    assert canary_of(template)[1]["Code"]["ZipFile"] == HANDLER.read_text()
    assert len(HANDLER.read_text()) <= 4096


def answer(**changed: Any) -> dict[str, Any]:
    golden = golden_answer()
    classes = [{"code": "nevus", "probability": 0.9}, {"code": "melanoma", "probability": 0.1}]
    prediction = {"malignant_probability": golden["malignant_probability"], "classes": classes}
    body = {"model": {"sha256": golden["sha256"]}, "prediction": prediction}
    return {"statusCode": 200, "body": json.dumps({**body, **changed})}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(), None),
        ({"statusCode": 403, "body": "{}"}, "status 403"),
        (answer(model={"sha256": "0"}), "another model"),
        (answer(prediction=None), "refused"),
        (answer(prediction={"malignant_probability": 0.9, "classes": []}), "probability 0.9"),
        (answer(prediction={**golden_answer(), "classes": []}), "classes"),
    ],
)
def test_only_the_recorded_answer_passes(given: dict[str, Any], said: str | None) -> None:
    assert canary_handler.difference(given, golden_answer()) == said


class Clients:
    """Clients of boto3 that remember what was told to CodeDeploy."""

    def __init__(self, result: dict[str, Any] | Exception) -> None:
        self.result = result
        self.told: list[str] = []

    def __call__(self, service: str) -> Any:
        assert service in ("lambda", "codedeploy")
        return self

    def invoke(self, **_: Any) -> dict[str, Any]:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def put_lifecycle_event_hook_execution_status(self, **told: str) -> None:
        assert told["deploymentId"] == "d-1" and told["lifecycleEventHookExecutionId"] == "hook-1"
        self.told.append(told["status"])


def payload(value: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(value).encode())}


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (payload(answer()), "Succeeded"),
        (payload({"statusCode": 500, "body": "{}"}), "Failed"),
        ({**payload({}), "FunctionError": "Unhandled"}, "Failed"),
    ],
)
def test_codedeploy_is_told_the_result(monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], status: str) -> None:
    clients = Clients(result)
    environment(monkeypatch)
    canary_handler.handler(EVENT, None, clients)
    assert clients.told == [status]


def test_an_error_of_the_canary_counts_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise CodeDeploy would wait for an hour."""
    clients = Clients(OSError("no answer"))
    environment(monkeypatch)
    with pytest.raises(OSError, match="no answer"):
        canary_handler.handler(EVENT, None, clients)
    assert clients.told == ["Failed"]


def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOLDEN": json.dumps(golden_answer()), "SECRET": "s", "VERSION": "arn"}.items():
        monkeypatch.setenv(name, value)
