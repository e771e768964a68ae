"""The preflight names every obstacle in a sentence, all at once; botocore checks the form of each request and answer."""

import re
from typing import Any

import pytest

from infra.config import SettingError, Settings
from infra.operate.image_repository import enable_scans
from infra.operate.preflight import BOOTSTRAP_PARAMETER, BOOTSTRAP_VERSION, EDGE, Found, account_of, check
from infra.packaging.base_image import BaseImage
from tests.infra.operate.recorded import CONFIG, OUTPUTS, Recorded
from tests.support.cdk import Assembly

REGION = "us-east-1"
ACCOUNT = "123456789012"
PINNED = BaseImage("public.ecr.aws/lambda/python:3.13", "sha256:" + 64 * "a")


def bootstrap(clients: Recorded, region: str, version: int | None) -> None:
    if version is None:
        clients.refuse("ssm", region, "get_parameter", "ParameterNotFound")
        return
    answer = {"Parameter": {"Name": BOOTSTRAP_PARAMETER, "Value": str(version)}}
    clients.answer("ssm", region, "get_parameter", {"Name": BOOTSTRAP_PARAMETER}, answer)


def quota(clients: Recorded, region: str, limit: int, unreserved: int) -> None:
    answer = {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": unreserved}}
    clients.answer("lambda", region, "get_account_settings", {}, answer)


def scans(clients: Recorded, region: str, on: bool | None = True) -> None:
    clients.answer("sts", region, "get_caller_identity", {}, {"Account": ACCOUNT})
    name = f"cdk-hnb659fds-container-assets-{ACCOUNT}-{region}"
    if on is None:
        clients.refuse("ecr", region, "describe_repositories", "RepositoryNotFoundException")
        return
    found = {"repositories": [{"repositoryName": name, "imageScanningConfiguration": {"scanOnPush": on}}]}
    clients.answer("ecr", region, "describe_repositories", {"repositoryNames": [name]}, found)


def distributions(clients: Recorded, count: int) -> None:
    listed = {"Marker": "", "MaxItems": 1, "IsTruncated": False, "Quantity": count}
    clients.answer("cloudfront", EDGE, "list_distributions", {"MaxItems": "1"}, {"DistributionList": listed})


def template(clients: Recorded, region: str, name: str, text: str | None) -> None:
    if text is None:
        clients.refuse("cloudformation", region, "get_template", "ValidationError")
    else:
        clients.answer("cloudformation", region, "get_template", {"StackName": name}, {"TemplateBody": text})


def no_stack(clients: Recorded, region: str) -> None:
    clients.refuse("cloudformation", region, "describe_stacks", "ValidationError")


def account(
    *,
    region: str = REGION,
    version: int | None = BOOTSTRAP_VERSION,
    limit: int = 1000,
    free: int = 1000,
    count: int = 1,
    compared: bool = True,
    scanned: bool | None = True,
) -> Recorded:
    """A recorded account without the service."""
    clients = Recorded()
    bootstrap(clients, region, version)
    if region != EDGE:
        bootstrap(clients, EDGE, version)
    quota(clients, region, limit, free)
    if compared:
        template(clients, region, "Lesion", None)
    scans(clients, region, scanned)
    distributions(clients, count)
    no_stack(clients, region)
    return clients


def checked(clients: Recorded, settings: Settings | None = None, *given: str, docker: bool = True) -> Found:
    return check(clients, settings or Settings(), given, lambda: docker, PINNED)


def test_an_account_that_is_ready_has_no_obstacle() -> None:
    clients = account()
    assert checked(clients) == Found()
    clients.assert_all_asked()


@pytest.mark.parametrize("region", [REGION, "eu-central-1"])
def test_a_region_that_is_not_bootstrapped(region: str) -> None:
    clients = account(region=region, version=None)
    obstacles = checked(clients, Settings(region=region)).obstacles
    assert [re.findall(r"^([\w-]+) is not prepared", sentence) for sentence in obstacles] == [
        [name] for name in dict.fromkeys((region, EDGE))
    ]
    assert all("make bootstrap CDK=aws://ACCOUNT/" in sentence for sentence in obstacles)
    clients.assert_all_asked()


def test_an_old_bootstrap() -> None:
    (sentence,) = checked(account(version=BOOTSTRAP_VERSION - 1)).obstacles
    assert f"has version {BOOTSTRAP_VERSION - 1}, and {BOOTSTRAP_VERSION} is needed" in sentence


def test_the_needed_bootstrap_is_that_of_the_assembly(full: Assembly) -> None:
    manifest = (full.folder / "manifest.json").read_text()
    assert max(map(int, re.findall(r'"requiresBootstrapStackVersion": ?(\d+)', manifest))) == BOOTSTRAP_VERSION


def test_a_new_account_reserves_nothing() -> None:
    found = checked(account(limit=10, free=10, compared=False))
    assert (found.obstacles, found.arguments) == ([], ["-c", "lesion:reserved_concurrency=0"])
    assert "quota is 10 concurrent executions" in found.notes[0]


def test_a_reservation_that_was_asked_for_is_an_obstacle_in_a_new_account() -> None:
    clients = account(limit=10, free=10)
    found = checked(clients, Settings(reserved_concurrency=5), "reserved_concurrency")
    assert found.arguments == [] and "10 of 10 concurrent executions are not reserved" in found.obstacles[0]


def test_a_new_account_has_no_place_for_the_batch() -> None:
    found = checked(account(limit=10, free=10, compared=False), Settings(batch_bucket="my-images"))
    assert ["quota of 10" in sentence for sentence in found.obstacles] == [True]


@pytest.mark.parametrize(("free", "obstacles"), [(110, 0), (109, 1)])
def test_lambda_keeps_a_hundred_unreserved(free: int, obstacles: int) -> None:
    assert len(checked(account(free=free)).obstacles) == obstacles


def test_what_the_stack_has_reserved_is_not_needed_again(plain: Assembly) -> None:
    """Otherwise the second deployment of an account at its limit would be refused."""
    clients = Recorded()
    bootstrap(clients, REGION, BOOTSTRAP_VERSION)
    quota(clients, REGION, 1000, 100)
    template(clients, REGION, "Lesion", plain.text())
    scans(clients, REGION)
    distributions(clients, 1)
    no_stack(clients, REGION)
    assert checked(clients).obstacles == []


def test_an_account_without_distribution_is_told_of_the_verification() -> None:
    (note,) = checked(account(count=0)).notes
    assert "must be verified" in note and "AWS Support" in note


@pytest.mark.parametrize(("scanned", "notes"), [(False, 1), (None, 0)])
def test_repository_without_scans_is_a_note(scanned: bool | None, notes: int) -> None:
    """One that does not exist is not: the missing bootstrap is an obstacle already."""
    found = checked(account(scanned=scanned))
    assert ["`make scan-images`" in note for note in found.notes] == [True] * notes


def test_scans_are_turned_on_once() -> None:
    clients = Recorded()
    scans(clients, REGION, on=False)
    name = f"cdk-hnb659fds-container-assets-{ACCOUNT}-{REGION}"
    asked = {"repositoryName": name, "imageScanningConfiguration": {"scanOnPush": True}}
    clients.answer("ecr", REGION, "put_image_scanning_configuration", asked, {})
    assert enable_scans(clients, Settings()) == name
    scans(clients, REGION, on=True)
    assert enable_scans(clients, Settings()) == name
    clients.assert_all_asked()


def test_no_docker_engine() -> None:
    (sentence,) = checked(account(), docker=False).obstacles
    assert sentence.startswith("No Docker engine answers.") and "CDK_DOCKER" in sentence


def test_a_base_image_without_a_digest_is_not_deployed() -> None:
    unpinned = BaseImage(PINNED.image, "")
    (sentence,) = check(account(), Settings(), (), lambda: True, unpinned).obstacles
    assert sentence.startswith("lambda/base-image.json has no digest") and "infra.packaging.base_image" in sentence


def test_every_obstacle_is_named_at_once() -> None:
    found = checked(account(version=None, free=50), docker=False)
    assert len(found.obstacles) == 3


@pytest.mark.parametrize("accepted", [False, True])
def test_a_stopped_service_is_not_started_by_accident(plain: Assembly, accepted: bool) -> None:
    clients = Recorded()
    bootstrap(clients, REGION, BOOTSTRAP_VERSION)
    quota(clients, REGION, 1000, 1000)
    template(clients, REGION, "Lesion", plain.text())
    scans(clients, REGION)
    distributions(clients, 1)
    stack: dict[str, Any] = {"StackName": "Lesion", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": OUTPUTS}
    clients.answer("cloudformation", REGION, "describe_stacks", {"StackName": "Lesion"}, {"Stacks": [stack]})
    template(clients, REGION, "Lesion", plain.text())
    name = {"FunctionName": "lesion-function"}
    clients.answer("lambda", REGION, "get_function_concurrency", name, {"ReservedConcurrentExecutions": 0})
    answer = {"ETag": "1", "DistributionConfig": CONFIG}
    clients.answer("cloudfront", EDGE, "get_distribution_config", {"Id": "E1"}, answer)
    obstacles = checked(clients, Settings(stopped=accepted)).obstacles
    assert ["Run `make start` first" in sentence for sentence in obstacles] == ([] if accepted else [True])
    clients.assert_all_asked()


def test_what_may_not_be_read_is_a_note_and_the_rest_is_checked() -> None:
    clients = Recorded()
    clients.refuse("ssm", REGION, "get_parameter", "AccessDeniedException")
    clients.refuse("lambda", REGION, "get_account_settings", "AccessDeniedException")
    clients.answer("sts", REGION, "get_caller_identity", {}, {"Account": ACCOUNT})
    clients.refuse("ecr", REGION, "describe_repositories", "AccessDeniedException")
    clients.refuse("cloudfront", EDGE, "list_distributions", "AccessDenied")
    clients.refuse("cloudformation", REGION, "describe_stacks", "AccessDenied")
    found = checked(clients, docker=False)
    assert len(found.notes) == 5 and len(found.obstacles) == 2
    assert "whether the service is stopped" in found.obstacles[0]


def test_credentials_that_do_not_work() -> None:
    clients = Recorded()
    clients.refuse("sts", REGION, "get_caller_identity", "InvalidClientTokenId", "The security token is invalid.")
    with pytest.raises(SettingError, match=r"credentials of the environment do not work in us-east-1: .*invalid"):
        account_of(clients, Settings())


def test_a_region_that_does_not_exist() -> None:
    with pytest.raises(SettingError, match="lesion:region is 'xx-east-9'"):
        account_of(Recorded(), Settings(region="xx-east-9"))


def test_credentials_that_work_name_their_account() -> None:
    clients = Recorded()
    clients.answer("sts", REGION, "get_caller_identity", {}, {"Account": "123456789012"})
    assert account_of(clients, Settings()) == "123456789012"
