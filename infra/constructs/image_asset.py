"""Container images of the functions as CDK assets: hashed at synthesis, built by `cdk deploy`."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import Platform
from aws_cdk.aws_lambda import DockerImageCode

from infra.config import Settings
from infra.packaging.base_image import BaseImage

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = "lambda/Dockerfile"
BASE = BaseImage.read()


def image_code(settings: Settings, target: str | None = None) -> DockerImageCode:
    """Return the image of this working tree.

    Args:
        settings: architecture.
        target: stage of the Dockerfile; None is the service.

    Raises:
        RuntimeError: from jsii, where lambda/Dockerfile does not exist.
    """
    return DockerImageCode.from_image_asset(
        str(REPOSITORY),
        file=DOCKERFILE,
        target=target,
        # Part of the asset's hash: a new base is a new image.
        build_args={"BASE_IMAGE": BASE.reference},
        # .dockerignore lists the build context: a change elsewhere must not create a new image and a new version.
        ignore_mode=IgnoreMode.DOCKER,
        # Otherwise a laptop builds the image for its own processor.
        platform=Platform.LINUX_ARM64 if settings.architecture == "arm64" else Platform.LINUX_AMD64,
    )
