"""The container images of the functions, as a CDK asset: built by `cdk deploy`, and only hashed before."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import Platform
from aws_cdk.aws_lambda import DockerImageCode

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = "lambda/Dockerfile"


def image_code(target: str | None = None) -> DockerImageCode:
    """An image of this working tree: the service's, or that of a stage of the Dockerfile.

    Raises:
        RuntimeError: from jsii, where lambda/Dockerfile does not exist.
    """
    return DockerImageCode.from_image_asset(
        str(REPOSITORY),
        file=DOCKERFILE,
        target=target,
        # .dockerignore lists what enters: a change elsewhere must not make a new image, and so a new version.
        ignore_mode=IgnoreMode.DOCKER,
        # Else an ARM laptop builds an image that the function cannot start.
        platform=Platform.LINUX_AMD64,
    )
