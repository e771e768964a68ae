"""Traffic shifting to a new version of the function, with roll-back on alarms."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import CfnElement, Stack
from aws_cdk.aws_cloudwatch import IAlarm
from aws_cdk.aws_codedeploy import AutoRollbackConfig, LambdaDeploymentConfig, LambdaDeploymentGroup
from aws_cdk.aws_lambda import Alias, IFunction
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


def create_rollout(
    scope: Construct, settings: Settings, alias: Alias, alarms: Sequence[IAlarm], canary: IFunction | None
) -> None:
    """Create a CodeDeploy group that shifts `alias` step by step, and rolls back at once if one of `alarms` is raised.

    Nothing is shifted if `canary` reports a failure.
    """
    group = LambdaDeploymentGroup(
        scope,
        "Rollout",
        alias=alias,
        deployment_config=_CONFIGS[settings.rollout],
        alarms=list(alarms),
        pre_hook=canary,
        auto_rollback=AutoRollbackConfig(failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True),
    )
    if canary:
        stack = Stack.of(canary)
        name = stack.resolve(stack.get_logical_id(cast(CfnElement, canary.node.default_child)))
        acknowledge(
            group, {f"AwsSolutions-IAM5[Resource::<{name}.Arn>:*]": "CodeDeploy calls versions of this one function."}
        )
    acknowledge(
        group,
        {
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_POLICY}]": (
                "AWS's managed policy for this purpose, in its limited form; only CodeDeploy can assume the role."
            )
        },
    )
