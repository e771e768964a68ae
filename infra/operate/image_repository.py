"""Set the repositories of CDK's bootstrap to scan each image when it is pushed: `make bootstrap` runs this.

CDK's bootstrap creates the repository without it. Free of charge: ECR's basic scanning. Repeating it changes nothing.
"""

import sys
from collections.abc import Sequence

from infra.config import SettingError, Settings
from infra.operate.aws import Client, Clients, own_clients, settings_of

PREFIX = "cdk-hnb659fds-container-assets-"


def repository_name(account: str, region: str) -> str:
    """Return the name of the repository of images of CDK's bootstrap."""
    return f"{PREFIX}{account}-{region}"


def scans_on_push(ecr: Client, name: str) -> bool:
    """Return whether a repository scans images when they are pushed.

    Raises:
        botocore.exceptions.ClientError: it does not exist, or may not be read.
    """
    (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    return bool(found.get("imageScanningConfiguration", {}).get("scanOnPush"))


def enable_scans(clients: Clients, settings: Settings) -> str:
    """Turn on scans of the repository of the settings' region, and return its name."""
    account = str(clients("sts", settings.region).get_caller_identity()["Account"])
    name, ecr = repository_name(account, settings.region), clients("ecr", settings.region)
    if not scans_on_push(ecr, name):
        ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    return name


def missing_scans(clients: Clients, settings: Settings) -> list[str]:
    """Return a sentence if the repository of the settings' region exists and does not scan images."""
    account = str(clients("sts", settings.region).get_caller_identity()["Account"])
    name, ecr = repository_name(account, settings.region), clients("ecr", settings.region)
    try:
        scans = scans_on_push(ecr, name)
    except ecr.exceptions.RepositoryNotFoundException:
        return []
    return [] if scans else [f"{name} does not scan images when they are pushed. Run `make scan-images` once."]


def main(arguments: Sequence[str]) -> int:
    """Turn scans on. Return 1, with a sentence on stderr, if that is not possible."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        print(f"{enable_scans(own_clients(), settings_of(arguments))}: scans each image when it is pushed")
    except (SettingError, BotoCoreError, ClientError) as error:
        print(
            f"Scans are not on: {error} Once the region of the settings is bootstrapped, run "
            "`make scan-images` with credentials that may change its repository.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
