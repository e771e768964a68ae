"""Names that are unique in an account, so that two regions can each have the service."""

from infra.config import Settings

EDGE_REGION = "us-east-1"
"""Region of what CloudFront requires there."""


def global_name(settings: Settings, part: str) -> str:
    """Return the name of a resource of CloudFront, which has no region of its own."""
    return f"{settings.name}-{part}-{settings.region}"


def edge_stack_name(settings: Settings, part: str) -> str:
    """Return the name of a stack in us-east-1, which every region of the service has there."""
    return f"{settings.name}{part}" if settings.region == EDGE_REGION else f"{settings.name}{part}-{settings.region}"
