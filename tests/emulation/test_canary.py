"""The canary with the service's function: its event, answered by the handler, and versions that must not get traffic.

The functions are processes of this machine. Run by `make rehearse`.
"""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.constructs import canary_handler
from tests.support.cloud.cloud import Pool
from tests.support.cloud.function_settings import FunctionSettings
from tests.support.cloud.template import Template
from tests.support.lambda_runtime.emulator import FunctionFailed

pytestmark = pytest.mark.emulation


class Deployment:
    """boto3's clients for one deployment: Lambda calls the new version of the template, CodeDeploy remembers the status."""

    def __init__(self, template: Template, pool: Pool) -> None:
        (alias,) = template.named("AWS::Lambda::Alias")
        settings = FunctionSettings.read(template, alias)
        self.runtime, self.status = pool(settings), ""

    def __call__(self, _: str) -> Any:
        return self

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        try:
            answer = self.runtime.invoke(json.loads(Payload), seconds=60)
        except FunctionFailed as failure:
            return {"FunctionError": failure.kind, "Payload": io.BytesIO(b"{}")}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def put_lifecycle_event_hook_execution_status(self, **told: str) -> None:
        self.status = told["status"]


def canary(template: Template) -> Any:
    (found,) = (
        item
        for item in template.named("AWS::Lambda::Function").values()
        if "GOLDEN" in item.get("Environment", {}).get("Variables", {})
    )
    return found["Environment"]["Variables"]


def status(template: Template, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> str:
    variables = canary(template)
    for name, value in variables.items():
        monkeypatch.setenv(name, "version" if name == "VERSION" else str(template.resolve(value)))
    deployment = Deployment(template, pool)
    canary_handler.handler({"DeploymentId": "d", "LifecycleEventHookExecutionId": "h"}, None, deployment)
    return deployment.status


def test_the_recorded_answer_lets_the_traffic_pass(
    template: Template, processes: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(template, processes, monkeypatch) == "Succeeded"


def drop_the_secret(template: Template) -> None:
    template.function()["Environment"]["Variables"]["LESION_ORIGIN_SECRETS"] = "0a9B8c7D6e5F4g3H2i1J" * 2


def expect_another_probability(template: Template) -> None:
    golden = json.loads(canary(template)["GOLDEN"])
    canary(template)["GOLDEN"] = json.dumps({**golden, "malignant_probability": golden["malignant_probability"] + 0.03})


def expect_another_model(template: Template) -> None:
    canary(template)["GOLDEN"] = json.dumps({**json.loads(canary(template)["GOLDEN"]), "sha256": "0"})


def ask_for_another_sample(template: Template) -> None:
    canary(template)["GOLDEN"] = json.dumps({**json.loads(canary(template)["GOLDEN"]), "sample": "ISIC_0000030"})


@pytest.mark.parametrize(
    "change",
    [drop_the_secret, expect_another_probability, expect_another_model, ask_for_another_sample],
    ids=lambda change: change.__name__,
)
def test_another_answer_stops_the_deployment(
    template: Template, processes: Pool, monkeypatch: pytest.MonkeyPatch, change: Callable[[Template], None]
) -> None:
    changed = template.copy()
    change(changed)
    assert status(changed, processes, monkeypatch) == "Failed"
