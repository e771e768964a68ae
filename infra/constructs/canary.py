"""Canary: before a new version receives traffic, it must classify a bundled sample as tests/golden.json records it."""

import json
from pathlib import Path

from aws_cdk import Duration
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import Code, Function, IVersion, LoggingFormat, Runtime
from constructs import Construct

from infra.config import Settings
from infra.constructs.function import log_group
from infra.constructs.nag import acknowledge

SAMPLE = "ISIC_0010021"
"""Its probability is between the extremes, where a wrong preprocessing changes it most."""
GOLDEN = Path(__file__).parents[2] / "tests" / "golden.json"
HANDLER = Path(__file__).with_name("canary_handler.py")
TIMEOUT_S = 60
"""Longer than the slowest start of the function with its first image."""


def golden_answer() -> dict[str, str | float]:
    """Return what the shipped model answers for the sample: its hash and the probability with one view."""
    recorded = json.loads(GOLDEN.read_text())
    probability = recorded["images"][SAMPLE]["one_view"]["probability"]
    return {"sample": SAMPLE, "sha256": recorded["model_sha256"], "malignant_probability": probability}


def create_canary(scope: Construct, settings: Settings, version: IVersion, secret: str) -> Function:
    """Create the function that CodeDeploy calls.

    Args:
        scope: parent construct.
        settings: retention of its log.
        version: new version of the classifier, called directly.
        secret: CloudFormation reference of the origin secret.
    """
    log = log_group(scope, "CanaryLog", settings)
    role = Role(scope, "CanaryRole", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    canary = Function(
        scope,
        "Canary",
        runtime=Runtime.PYTHON_3_13,
        handler="index.handler",
        code=Code.from_inline(HANDLER.read_text()),
        role=role,
        timeout=Duration.seconds(TIMEOUT_S),
        environment={"VERSION": version.function_arn, "SECRET": secret, "GOLDEN": json.dumps(golden_answer())},
        log_group=log,
        logging_format=LoggingFormat.JSON,
        description="Classifies a sample with a new version before it receives traffic.",
    )
    version.grant_invoke(role)
    acknowledge(canary, {"AwsSolutions-L1": "The version of the service's image, which AWS patches."})
    return canary
