"""Findings of cdk-nag that are meant to be there, each with its reason beside what it is about."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Say that findings on `construct`, or below it, are known.

    Args:
        construct: as far down the tree as possible, so that nothing else is excused with it.
        reasons: identifier of each finding, with what it applies to in brackets where cdk-nag says so, and why it may stay.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=finding, reason=why) for finding, why in reasons.items()))
