"""The kill switch: what it sends to AWS, in which order, and what it restores. botocore checks each request's form."""

import json

import pytest

from infra.config import Settings
from infra.operate.aws import context_arguments, settings_of
from infra.operate.switch import Deployed, SwitchError, is_stopped, start, stop
from tests.infra.operate.recorded import CONFIG, OUTPUTS, Recorded
from tests.support.cdk import Assembly

REGION = "us-east-1"


def stack(clients: Recorded, template: str, outputs: list[dict[str, str]] = OUTPUTS) -> None:
    described = {"StackName": "Lesion", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}
    clients.answer("cloudformation", REGION, "describe_stacks", {"StackName": "Lesion"}, {"Stacks": [described]})
    clients.answer("cloudformation", REGION, "get_template", {"StackName": "Lesion"}, {"TemplateBody": template})


def concurrency(clients: Recorded, reserved: int) -> None:
    asked = {"FunctionName": "lesion-function", "ReservedConcurrentExecutions": reserved}
    clients.answer("lambda", REGION, "put_function_concurrency", asked, {"ReservedConcurrentExecutions": reserved})


def distribution(clients: Recorded, *, enabled: bool, becomes: bool | None = None) -> None:
    config = {**CONFIG, "Enabled": enabled}
    answer = {"ETag": "1", "DistributionConfig": config}
    clients.answer("cloudfront", REGION, "get_distribution_config", {"Id": "E1"}, answer)
    if becomes is not None:
        asked = {"Id": "E1", "IfMatch": "1", "DistributionConfig": {**config, "Enabled": becomes}}
        clients.answer("cloudfront", REGION, "update_distribution", asked, {})


def test_stop_sets_concurrency_to_zero_and_disables(plain: Assembly) -> None:
    clients = Recorded()
    stack(clients, plain.text())
    concurrency(clients, 0)
    distribution(clients, enabled=True, becomes=False)
    assert stop(clients, Settings()) == Deployed("lesion-function", "E1", 10, 0)
    clients.assert_all_asked()


def test_stop_again_changes_no_distribution(plain: Assembly) -> None:
    clients = Recorded()
    stack(clients, plain.text())
    concurrency(clients, 0)
    distribution(clients, enabled=False)
    stop(clients, Settings())
    clients.assert_all_asked()


def test_start_restores_what_the_template_has(plain: Assembly) -> None:
    clients = Recorded()
    stack(clients, plain.text())
    concurrency(clients, 10)
    distribution(clients, enabled=False, becomes=True)
    # Not the setting of today: the template of the deployment decides.
    start(clients, Settings(reserved_concurrency=50))
    clients.assert_all_asked()


def test_start_after_a_deployment_while_stopped(plain: Assembly) -> None:
    """The template then has a concurrency of zero, and the settings decide."""
    template = json.loads(plain.text())
    (function,) = (
        item["Properties"]
        for item in template["Resources"].values()
        if item["Type"] == "AWS::Lambda::Function" and item["Properties"].get("PackageType") == "Image"
    )
    function["ReservedConcurrentExecutions"] = 0
    clients = Recorded()
    stack(clients, json.dumps(template))
    concurrency(clients, 7)
    distribution(clients, enabled=False, becomes=True)
    start(clients, Settings(reserved_concurrency=7))
    clients.assert_all_asked()


def test_provisioned_environments_are_ended_and_restored(full: Assembly) -> None:
    """Lambda refuses a reservation of zero while environments are provisioned."""
    alias = {"FunctionName": "lesion-function", "Qualifier": "live"}
    clients = Recorded()
    stack(clients, full.text())
    clients.answer("lambda", REGION, "delete_provisioned_concurrency_config", alias, {})
    concurrency(clients, 0)
    distribution(clients, enabled=True, becomes=False)
    assert stop(clients, Settings()).provisioned == 2
    stack(clients, full.text())
    clients.answer("lambda", REGION, "delete_function_concurrency", {"FunctionName": "lesion-function"}, {})
    asked = {**alias, "ProvisionedConcurrentExecutions": 2}
    clients.answer("lambda", REGION, "put_provisioned_concurrency_config", asked, {})
    distribution(clients, enabled=False, becomes=True)
    start(clients, Settings())
    clients.assert_all_asked()


@pytest.mark.parametrize(("reserved", "enabled", "stopped"), [(0, True, True), (10, False, True), (10, True, False)])
def test_either_half_counts_as_stopped(reserved: int, enabled: bool, stopped: bool) -> None:
    clients = Recorded()
    answer = {"ReservedConcurrentExecutions": reserved}
    clients.answer("lambda", REGION, "get_function_concurrency", {"FunctionName": "f"}, answer)
    config = {"ETag": "1", "DistributionConfig": {**CONFIG, "Enabled": enabled}}
    clients.answer("cloudfront", REGION, "get_distribution_config", {"Id": "E1"}, config)
    assert is_stopped(clients, Settings(), Deployed("f", "E1", 10, 0)) is stopped


def test_a_missing_stack_is_named() -> None:
    clients = Recorded()
    clients.refuse("cloudformation", REGION, "describe_stacks", "ValidationError")
    with pytest.raises(SwitchError, match="no stack Lesion in us-east-1"):
        stop(clients, Settings())


def test_a_stack_without_the_output_is_named(plain: Assembly) -> None:
    clients = Recorded()
    stack(clients, plain.text(), OUTPUTS[:1])
    with pytest.raises(SwitchError, match="no output DistributionId"):
        stop(clients, Settings())


def test_settings_are_read_from_the_arguments_of_cdk() -> None:
    arguments = ["--require-approval", "never", "-c", "lesion:region=eu-west-1", "--context=lesion:name=Moles", "-c"]
    assert context_arguments([]) == {}
    assert context_arguments(arguments) == {"lesion:region": "eu-west-1", "lesion:name": "Moles"}
    settings = settings_of(arguments)
    assert (settings.region, settings.name) == ("eu-west-1", "Moles")


def test_the_stack_has_the_outputs_that_the_switch_reads(plain: Assembly) -> None:
    outputs = json.loads(plain.text())["Outputs"]
    (name,) = plain.resources("AWS::CloudFront::Distribution")
    assert outputs["DistributionId"]["Value"] == {"Ref": name}
    assert "FunctionName" in outputs
