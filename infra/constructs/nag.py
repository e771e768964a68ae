"""Acknowledge findings of cdk-nag, each with its reason, beside the resource that it concerns."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings on `construct` and its children.

    Args:
        construct: the narrowest one, so that no other resource is excused with it.
        reasons: identifier of each finding, in cdk-nag's granular form where it reports one, and why it is acceptable.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=finding, reason=why) for finding, why in reasons.items()))
