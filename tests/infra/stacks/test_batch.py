"""The stack of the batch: who may what, what passes the state machine, and what is kept."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.constructs.batch_states import IMAGES_PER_BATCH, TRANSIENT_ERRORS
from infra.dev.cost import BatchRun, batch_costs, batch_hours
from infra.stacks.batch import TIMEOUT_S
from tests.support.cdk import Assembly
from tests.support.cloud.template import Template
from tests.support.paths import REPOSITORY

STACK = "LesionBatch"
EXPRESS_S = 300
"""Step Functions' limit for an express execution."""


@pytest.fixture(scope="module")
def template(full: Assembly) -> Template:
    return Template.read(full.folder, STACK)


@pytest.fixture(scope="module")
def definition(template: Template) -> dict[str, Any]:
    (machine,) = template.resolve(template.named("AWS::StepFunctions::StateMachine")).values()
    found: dict[str, Any] = json.loads(machine["DefinitionString"])
    return found


def allowed(template: Template, role: str) -> dict[str, Any]:
    """Every action that the role with this in its name may do, with what it may be done to and when."""
    found: dict[str, Any] = {}
    for policy in template.resolve(template.named("AWS::IAM::Policy")).values():
        (name,) = policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"] if role in name else ():
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found |= {action: (statement["Resource"], statement.get("Condition")) for action in actions}
    return found


def test_without_a_bucket_there_is_no_such_stack(plain: Assembly, full: Assembly) -> None:
    assert STACK not in plain.stacks() and STACK in full.stacks()


def test_the_function_reads_the_folder_writes_results_and_its_log_and_nothing_else(template: Template) -> None:
    (results,), (log,) = template.named("AWS::S3::Bucket"), template.named("AWS::Logs::LogGroup")
    logs = (f"arn:aws:logs:eu-central-1:123456789012:{log}", None)
    assert allowed(template, "functionrole") == {
        "s3:GetObject": ("arn:aws:s3:::my-images/clinic/2025/*", None),
        "s3:PutObject": (f"arn:aws:s3:::{results}/results/*", None),
        "logs:CreateLogStream": logs,
        "logs:PutLogEvents": logs,
    }


def test_the_state_machine_lists_the_folder_and_calls_the_function(template: Template) -> None:
    (function,), (results,) = template.named("AWS::Lambda::Function"), template.named("AWS::S3::Bucket")
    rights = allowed(template, "machinerole")
    assert rights["s3:ListBucket"] == ("arn:aws:s3:::my-images", {"StringEquals": {"s3:prefix": "clinic/2025/"}})
    assert rights["lambda:InvokeFunction"] == (f"arn:aws:lambda:eu-central-1:123456789012:{function}", None)
    assert {place for action, (place, _) in rights.items() if action.startswith("s3:") and "List" not in action} == {
        f"arn:aws:s3:::{results}/lists/*"
    }
    (machine,) = template.named("AWS::StepFunctions::StateMachine")
    assert rights["states:StartExecution"] == (machine, None)
    name = machine.rpartition(":")[2]
    assert all(name in place for action, (place, _) in rights.items() if action.startswith("states:"))
    assert {action.split(":")[0] for action in rights} == {"s3", "lambda", "states"}


def test_no_role_has_rights_of_another_kind(template: Template) -> None:
    for role in template.named("AWS::IAM::Role").values():
        assert not role.keys() & {"ManagedPolicyArns", "Policies"}


def test_the_service_knows_nothing_of_it(full: Assembly) -> None:
    assert "my-images" not in full.text() and "states.amazonaws.com" not in full.text()


def test_the_function_is_another_image_of_the_same_file_with_places_of_its_own(full: Assembly, template: Template) -> None:
    (function,) = template.resolve(template.named("AWS::Lambda::Function")).values()
    assert (function["ReservedConcurrentExecutions"], function["Timeout"]) == (20, TIMEOUT_S)
    assert function["Environment"]["Variables"]["LESION_BATCH_SOURCE"] == "my-images"
    images = {}
    for stack in ("Lesion", STACK):
        assets = json.loads(Path(full.folder, f"{stack}.assets.json").read_text())["dockerImages"]
        (images[stack],) = (asset["source"] for asset in assets.values())
    assert images["Lesion"].get("dockerBuildTarget") is None and images[STACK]["dockerBuildTarget"] == "batch"
    assert images["Lesion"]["dockerFile"] == images[STACK]["dockerFile"]


def test_only_keys_pass_and_no_history_of_them_is_kept(template: Template, definition: dict[str, Any]) -> None:
    distributed_map = definition["States"]["Images"]
    assert distributed_map["ItemSelector"] == {"key.$": "$$.Map.Item.Value.Key"}
    assert distributed_map["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert distributed_map["MaxConcurrency"] == 20
    (machine,) = template.named("AWS::StepFunctions::StateMachine").values()
    assert "LoggingConfiguration" not in machine and machine.get("StateMachineType", "STANDARD") == "STANDARD"


def test_no_failure_is_passed_over(definition: dict[str, Any]) -> None:
    distributed_map = definition["States"]["Images"]
    assert not [name for name in distributed_map if name.startswith("Tolerated")]
    inner = distributed_map["ItemProcessor"]["States"]
    alone = inner["One by one"]["ItemProcessor"]["States"]
    for state in (inner["Classify"], alone["Try"]):
        busy, ended = state["Catch"]
        # Transient errors are caught first, because they are not caused by the image.
        assert busy["ErrorEquals"] == TRANSIENT_ERRORS and ended["ErrorEquals"] == ["States.ALL"]
    assert {inner["Unavailable"]["Type"], alone["Image unavailable"]["Type"]} == {"Fail"}


def test_the_limits_of_step_functions_hold(definition: dict[str, Any]) -> None:
    # A key has a thousand bytes at most.
    assert IMAGES_PER_BATCH * (1024 + 20) < 256 * 1024
    assert 2 * TIMEOUT_S < EXPRESS_S
    assert definition["States"]["Images"]["ResultWriter"]["Parameters"]["Prefix"] == "lists"
    # A million images with a single function are no timeout.
    longest = batch_hours(BatchRun(ms=36, start_ms=1000, at_once=1, memory_mb=1024, batch=50))
    assert 2 * 3600 * longest < definition["TimeoutSeconds"]


def test_results_are_closed_and_outlive_the_stack(full: Assembly) -> None:
    (bucket,) = full.resources("AWS::S3::Bucket", STACK).values()
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert "BucketEncryption" in bucket["Properties"]
    assert '"aws:SecureTransport": "false"' in json.dumps(full.only("AWS::S3::BucketPolicy", STACK))


def test_a_million_costs_what_its_parts_cost() -> None:
    bulk = BatchRun(ms=36, start_ms=1000, at_once=100, memory_mb=1024, batch=50)
    parts = batch_costs(bulk)
    assert parts["Lambda, duration"] == pytest.approx((36_000 + 100) * 0.0000166667)
    assert parts["S3, images read"] == pytest.approx(0.40)
    assert parts["S3, results written, images listed"] == pytest.approx(0.105)
    assert parts["Step Functions, transitions"] == pytest.approx(0.50)
    assert batch_hours(bulk) == pytest.approx(0.1, rel=0.01)


def test_the_services_image_is_what_is_built_where_no_stage_is_named_and_has_nothing_of_it() -> None:
    text = (REPOSITORY / "lambda" / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", text, re.MULTILINE)
    assert stages[-1] == ("service", "") and ("service", "batch") in stages
    before, service = text.split("AS service")[0], text.split("AS service")[1].split("\nFROM ")[0]
    assert "mv /function/lesion/batch /more/lesion/" in before
    assert "COPY --from=build-code /function /var/task" in service and "/more" not in service
