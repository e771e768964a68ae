"""How traffic moves to a new version of the function, and back where an alarm sounds."""

from collections.abc import Sequence

from aws_cdk.aws_cloudwatch import IAlarm
from aws_cdk.aws_codedeploy import AutoRollbackConfig, LambdaDeploymentConfig, LambdaDeploymentGroup
from aws_cdk.aws_lambda import Alias
from constructs import Construct

from infra.config import RolloutStrategy, Settings
from infra.constructs.nag import acknowledge

_POLICY = "AWSCodeDeployRoleForLambdaLimited"

_CONFIGS: dict[RolloutStrategy, LambdaDeploymentConfig] = {
    "all_at_once": LambdaDeploymentConfig.ALL_AT_ONCE,
    "canary_10_percent_5_minutes": LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    "canary_10_percent_15_minutes": LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES,
    "linear_10_percent_every_1_minute": LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
    "linear_10_percent_every_3_minutes": LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_3_MINUTES,
}


def create_rollout(scope: Construct, settings: Settings, alias: Alias, alarms: Sequence[IAlarm]) -> None:
    """Make CodeDeploy move `alias` step by step, and back at once where one of `alarms` sounds."""
    group = LambdaDeploymentGroup(
        scope,
        "Rollout",
        alias=alias,
        deployment_config=_CONFIGS[settings.rollout],
        alarms=list(alarms),
        auto_rollback=AutoRollbackConfig(failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True),
    )
    acknowledge(
        group,
        {
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_POLICY}]": (
                "The policy that AWS keeps for exactly this, in its smaller form; only CodeDeploy can take the role on."
            )
        },
    )
