"""Clients of AWS's services and the settings of a command line, for the commands of this package."""

import json
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from infra.config import Settings, read_settings
from infra.packaging.buildah import REPOSITORY

Client = Any
"""A boto3 client, which has no type information."""
Clients = Callable[[str, str], Client]
"""Returns the client of a service in a region."""

ACCESS_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


def own_clients() -> Clients:
    """Return clients with the credentials of the environment, as for the AWS command line."""
    import boto3

    session = boto3.session.Session()
    return lambda service, region: session.client(service, region_name=region)


def lookup_clients(own: Clients, account: str, region: str) -> Clients:
    """Return clients with the read-only role of CDK's bootstrap, which whoever may deploy may assume.

    Falls back to `own`, for an account that is not bootstrapped yet.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    role = f"arn:aws:iam::{account}:role/cdk-hnb659fds-lookup-role-{account}-{region}"
    try:
        given = own("sts", region).assume_role(RoleArn=role, RoleSessionName="preflight")["Credentials"]
    except (BotoCoreError, ClientError):
        return own
    session = boto3.session.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    return lambda service, region: session.client(service, region_name=region)


def context_arguments(arguments: Sequence[str]) -> dict[str, str]:
    """Return the `-c key=value` among the arguments of a CDK command; the others are CDK's own."""
    found = {}
    for flag, given in zip_longest(arguments, arguments[1:], fillvalue=""):
        text = given if flag in ("-c", "--context") else flag.partition("=")[2] if flag.startswith("--context=") else ""
        key, equals, value = text.partition("=")
        if equals:
            found[key] = value
    return found


def settings_of(arguments: Sequence[str]) -> Settings:
    """Return the settings of cdk.json with those of the arguments in their place.

    Raises:
        infra.config.SettingError: a setting is not understood.
    """
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    return read_settings({**context, **context_arguments(arguments)})


def error_code(error: Exception) -> str:
    """Return the code of an error that AWS answered with, or the name of its class."""
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", type(error).__name__))
