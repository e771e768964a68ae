"""Check an account before a deployment: `make preflight`, which `make deploy` runs first.

Each obstacle is one sentence on stderr, all of them at once and before anything is built; the exit status is then 1. On
stdout are arguments for `cdk deploy`: in a new account, whose quota of ten concurrent executions allows no reservation,
nothing is reserved.

It only reads, with the read-only role of CDK's bootstrap if the caller may assume it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from infra.config import PREFIX, SettingError, Settings
from infra.operate.aws import ACCESS_DENIED, Clients, context_arguments, error_code, lookup_clients, own_clients, settings_of
from infra.operate.image_repository import missing_scans
from infra.operate.switch import Deployed, SwitchError, is_stopped, template_resources
from infra.packaging.base_image import BaseImage

EDGE = "us-east-1"
BOOTSTRAP_VERSION = 8
"""Lowest version of CDK's bootstrap that the assembly accepts; `tests/infra/operate/test_preflight.py` compares them."""
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
UNRESERVED = 100
"""Concurrent executions that Lambda keeps unreserved in an account."""


@dataclass
class Found:
    """Result of the checks.

    Attributes:
        obstacles: sentences; the deployment would fail.
        notes: sentences about what cannot be checked or was decided.
        arguments: for `cdk deploy`.
    """

    obstacles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)


def check(
    clients: Clients, settings: Settings, given: Sequence[str], has_docker: Callable[[], bool], base: BaseImage
) -> Found:
    """Return what stands in the way of a deployment.

    Args:
        clients: of the account.
        settings: of the deployment.
        given: names of the settings that the command line sets.
        has_docker: whether images can be built.
        base: base image of the functions.
    """
    found = Found()
    for part in (_bootstrap, _concurrency, _scans, _cloudfront, _stopped):
        try:
            part(clients, settings, given, found)
        except Exception as error:
            if error_code(error) not in ACCESS_DENIED:
                raise
            found.notes.append(f"These credentials may not read this: {error}")
            if part is _stopped:
                found.obstacles.append(
                    "It is not known whether the service is stopped (make stop). Allow these credentials to assume the role "
                    "cdk-hnb659fds-lookup-role-* of the CDK's bootstrap, as docs/operations.md says."
                )
    if not base.digest:
        found.obstacles.append(
            "lambda/base-image.json has no digest, so that AWS's patches of the base image would be missed. Run "
            "`PYTHONPATH=lambda python3 -m infra.packaging.base_image`, and commit the file."
        )
    if not has_docker():
        found.obstacles.append(
            "No Docker engine answers. Start one, or set CDK_DOCKER to a command that builds images as docker does."
        )
    return found


def _bootstrap(clients: Clients, settings: Settings, _: Sequence[str], found: Found) -> None:
    for region in dict.fromkeys((settings.region, *_other_regions(settings))):
        ssm = clients("ssm", region)
        try:
            version = int(ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            found.obstacles.append(f"{region} is not prepared for the CDK. Run `make bootstrap CDK=aws://ACCOUNT/{region}`.")
            continue
        if version < BOOTSTRAP_VERSION:
            found.obstacles.append(
                f"The CDK's bootstrap in {region} has version {version}, and {BOOTSTRAP_VERSION} is needed. "
                f"Run `make bootstrap CDK=aws://ACCOUNT/{region}` again."
            )


def _other_regions(settings: Settings) -> Iterator[str]:
    # The stack of the firewall, or that of CloudFront's alarms.
    if settings.region != EDGE:
        yield EDGE


def _concurrency(clients: Clients, settings: Settings, given: Sequence[str], found: Found) -> None:
    client = clients("lambda", settings.region)
    limit = client.get_account_settings()["AccountLimit"]
    quota, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    wanted = settings.reserved_concurrency + (settings.batch_concurrency if settings.batch_bucket else 0)
    if quota <= UNRESERVED:
        if settings.batch_bucket:
            found.obstacles.append(
                f"The account's quota of {quota} concurrent executions allows no function for {PREFIX}batch_bucket. "
                "Request a quota of 1000 (Service Quotas, Lambda, concurrent executions)."
            )
        if settings.reserved_concurrency and "reserved_concurrency" not in given:
            found.arguments += ["-c", f"{PREFIX}reserved_concurrency=0"]
            found.notes.append(
                f"The account's quota is {quota} concurrent executions, so that nothing is reserved. It limits the function "
                "as well; request a quota of 1000 for more (Service Quotas, Lambda, concurrent executions)."
            )
        if not settings.reserved_concurrency or "reserved_concurrency" not in given:
            return
    if wanted and free + _reserved_already(clients, settings) - wanted < min(UNRESERVED, quota):
        found.obstacles.append(
            f"{free} of {quota} concurrent executions are not reserved, and Lambda keeps {min(UNRESERVED, quota)} of them "
            f"unreserved. Lower {PREFIX}reserved_concurrency (0 reserves nothing) or {PREFIX}batch_concurrency, or request "
            "a higher quota."
        )


def _reserved_already(clients: Clients, settings: Settings) -> int:
    """Return what the deployed stacks have reserved, which another deployment of them does not need again."""
    client = clients("cloudformation", settings.region)
    total = 0
    for stack in (settings.name, *([f"{settings.name}Batch"] if settings.batch_bucket else ())):
        try:
            resources = template_resources(client, stack)
        except client.exceptions.ClientError as error:
            if error_code(error) != "ValidationError":
                raise
            continue
        functions = (item["Properties"] for item in resources.values() if item["Type"] == "AWS::Lambda::Function")
        total += sum(function.get("ReservedConcurrentExecutions", 0) for function in functions)
    return total


def _scans(clients: Clients, settings: Settings, _: Sequence[str], found: Found) -> None:
    found.notes += missing_scans(clients, settings)


def _cloudfront(clients: Clients, settings: Settings, _: Sequence[str], found: Found) -> None:
    if not clients("cloudfront", EDGE).list_distributions(MaxItems="1")["DistributionList"].get("Quantity"):
        found.notes.append(
            "The account has no CloudFront distribution yet. AWS verifies new accounts first, which no API tells: if the "
            "deployment ends with `must be verified`, open a case with AWS Support (account and billing, free of charge)."
        )


def _stopped(clients: Clients, settings: Settings, _: Sequence[str], found: Found) -> None:
    try:
        deployed = Deployed.read(clients("cloudformation", settings.region), settings)
    except SwitchError:
        return
    if is_stopped(clients, settings, deployed) and not settings.stopped:
        found.obstacles.append(
            "The service is stopped (make stop), and a deployment could turn it on again. Run `make start` first, or deploy "
            f"and leave it off: CDK='-c {PREFIX}stopped=true'."
        )


def docker_answers() -> bool:
    """Return whether the command with which CDK builds images works; CDK_DOCKER names a substitute, as for CDK itself."""
    command = os.environ.get("CDK_DOCKER") or "docker"
    try:
        return subprocess.run([command, "info"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def account_of(clients: Clients, settings: Settings) -> str:
    """Return the account of the credentials.

    Raises:
        SettingError: there are none, AWS refuses them, or there is no such region.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    known = boto3.session.Session().get_available_regions("lambda")
    if settings.region not in known:
        raise SettingError(f"{PREFIX}region is {settings.region!r}, which Lambda does not have. Choose one of its regions.")
    try:
        return str(clients("sts", settings.region).get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise SettingError(
            f"The credentials of the environment do not work in {settings.region}: {error} Provide them as for the AWS "
            "command line, and enable the region in the account if it is opt-in."
        ) from error


def main(arguments: Sequence[str]) -> int:
    """Check the account of the environment. Print arguments for `cdk deploy`; return 1 if there is an obstacle."""
    from botocore.exceptions import BotoCoreError, ClientError

    given = [name.removeprefix(PREFIX) for name in context_arguments(arguments)]
    try:
        settings = settings_of(arguments)
        own = own_clients()
        clients = lookup_clients(own, account_of(own, settings), settings.region)
        found = check(clients, settings, given, docker_answers, BaseImage.read())
    except (SettingError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    for sentence in (*found.notes, *found.obstacles):
        print(sentence, file=sys.stderr)
    print(" ".join(found.arguments))
    return 1 if found.obstacles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
