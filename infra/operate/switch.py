"""Turn a deployed service off and on again: `make stop`, `make start`.

`stop` sets the reserved concurrency of the function to zero, at once, and disables the distribution, within minutes. `start`
restores what the deployed template has. `make deploy` refuses to run in between (`infra.operate.preflight`), because a
deployment could turn the service on again; with `-c lesion:stopped=true` it deploys and leaves the service off.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.config import SettingError, Settings
from infra.operate.aws import Client, Clients, error_code, own_clients, settings_of


class SwitchError(Exception):
    """Raised if the service cannot be turned off or on; the message says what to do."""


@dataclass(frozen=True)
class Deployed:
    """What the stack of a service has created.

    Attributes:
        function: name of the function.
        distribution: identifier of the distribution.
        reserved: reserved concurrency in the deployed template; None reserves nothing.
        provisioned: execution environments that the alias keeps initialised.
    """

    function: str
    distribution: str
    reserved: int | None
    provisioned: int

    @classmethod
    def read(cls, cloudformation: Client, settings: Settings) -> "Deployed":
        """Return the resources of the stack of the settings.

        Raises:
            SwitchError: there is no such stack, or it was deployed before it had these outputs.
        """
        try:
            (stack,) = cloudformation.describe_stacks(StackName=settings.name)["Stacks"]
        except cloudformation.exceptions.ClientError as error:
            if error_code(error) != "ValidationError":
                raise
            raise SwitchError(
                f"There is no stack {settings.name} in {settings.region}. Pass the settings that it was deployed with: "
                "CDK='-c lesion:region=…'."
            ) from error
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}
        if not {"FunctionName", "DistributionId"} <= outputs.keys():
            raise SwitchError(
                f"The stack {settings.name} has no output DistributionId. It is of an older version: disable the "
                "distribution in the console, or deploy this version first."
            )
        resources = template_resources(cloudformation, settings.name)
        (alias,) = _properties(resources, "AWS::Lambda::Alias")
        function = resources[alias["FunctionName"]["Ref"]]["Properties"]
        provisioned = alias.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
        reserved = function.get("ReservedConcurrentExecutions")
        return cls(outputs["FunctionName"], outputs["DistributionId"], reserved, provisioned)


def template_resources(cloudformation: Client, stack: str) -> dict[str, Any]:
    """Return the resources of the template that a stack was deployed with."""
    template = cloudformation.get_template(StackName=stack)["TemplateBody"]
    resources: dict[str, Any] = (json.loads(template) if isinstance(template, str) else template)["Resources"]
    return resources


def _properties(resources: Mapping[str, Any], kind: str) -> list[Any]:
    return [item["Properties"] for item in resources.values() if item["Type"] == kind]


def is_stopped(clients: Clients, settings: Settings, found: Deployed) -> bool:
    """Return whether the distribution is disabled or the function has no concurrency."""
    concurrency = clients("lambda", settings.region).get_function_concurrency(FunctionName=found.function)
    config = clients("cloudfront", "us-east-1").get_distribution_config(Id=found.distribution)["DistributionConfig"]
    return concurrency.get("ReservedConcurrentExecutions") == 0 or not config["Enabled"]


def stop(clients: Clients, settings: Settings) -> Deployed:
    """Turn the service off, first what costs most: the function.

    Raises:
        SwitchError: the service is not found.
    """
    found = Deployed.read(clients("cloudformation", settings.region), settings)
    function = clients("lambda", settings.region)
    if found.provisioned:
        # Lambda refuses a reservation below the provisioned concurrency.
        function.delete_provisioned_concurrency_config(FunctionName=found.function, Qualifier="live")
    function.put_function_concurrency(FunctionName=found.function, ReservedConcurrentExecutions=0)
    _set_enabled(clients, found.distribution, enabled=False)
    return found


def start(clients: Clients, settings: Settings) -> Deployed:
    """Turn the service on again, as the deployed template has it.

    Raises:
        SwitchError: the service is not found.
    """
    found = Deployed.read(clients("cloudformation", settings.region), settings)
    function = clients("lambda", settings.region)
    # A template that was deployed while stopped has zero; the settings say what it had before.
    reserved = settings.reserved_concurrency if found.reserved == 0 else found.reserved
    if reserved:
        function.put_function_concurrency(FunctionName=found.function, ReservedConcurrentExecutions=reserved)
    else:
        function.delete_function_concurrency(FunctionName=found.function)
    if found.provisioned:
        function.put_provisioned_concurrency_config(
            FunctionName=found.function, Qualifier="live", ProvisionedConcurrentExecutions=found.provisioned
        )
    _set_enabled(clients, found.distribution, enabled=True)
    return found


def _set_enabled(clients: Clients, distribution: str, *, enabled: bool) -> None:
    cloudfront = clients("cloudfront", "us-east-1")
    current = cloudfront.get_distribution_config(Id=distribution)
    config = current["DistributionConfig"]
    if config["Enabled"] != enabled:
        changed = {**config, "Enabled": enabled}
        cloudfront.update_distribution(Id=distribution, IfMatch=current["ETag"], DistributionConfig=changed)


def main(arguments: Sequence[str]) -> int:
    """Run `stop` or `start` with the arguments of a CDK command. Return 1, with a sentence on stderr, if it fails."""
    from botocore.exceptions import BotoCoreError, ClientError

    commands = {"stop": stop, "start": start}
    if not arguments or arguments[0] not in commands:
        print("Write `stop` or `start`.", file=sys.stderr)
        return 1
    try:
        found = commands[arguments[0]](own_clients(), settings_of(arguments[1:]))
    except (SettingError, SwitchError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments[0] == "stop":
        print(f"{found.function} answers nothing from now on. CloudFront disables {found.distribution} within minutes.")
    else:
        print(f"{found.function} answers again. CloudFront enables {found.distribution} within minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
