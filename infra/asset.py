"""The container image of the function, as a CDK asset: built by `cdk deploy`, and only hashed before."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import Platform
from aws_cdk.aws_lambda import DockerImageCode

REPOSITORY = Path(__file__).parents[1]
DOCKERFILE = "lambda/Dockerfile"
CONTENT = ("lambda", "models", "infra/site/samples")
"""All that the image is made of. A change elsewhere must not make a new image, for that is a new
version of the function. CDK copies what this lets through and hashes the copy; .dockerignore then has its say too."""

EXCLUDE = ("**", *(f"!{path}" for path in CONTENT), "**/__pycache__", "**/*.pyc", "models/*.png", "models/README.md")


def image_code() -> DockerImageCode:
    """The image of this working tree.

    Raises:
        RuntimeError: from jsii, where lambda/Dockerfile does not exist.
    """
    return DockerImageCode.from_image_asset(
        str(REPOSITORY),
        file=DOCKERFILE,
        exclude=list(EXCLUDE),
        ignore_mode=IgnoreMode.DOCKER,
        # Else an ARM laptop builds an image that the function cannot start.
        platform=Platform.LINUX_AMD64,
    )
