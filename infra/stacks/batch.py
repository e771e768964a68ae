"""Stack that classifies the images of a bucket, created if `batch_bucket` is set. It shares only the alarms' topic with the
service.

Step Functions lists the bucket and passes its keys in batches to a function: the service's image with packages to read and
write buckets. The results of a batch become one Parquet file, whose name depends on its keys only, so that a repetition
changes nothing (`lambda/lesion/batch/lambda_handler.py`). The state machine receives keys, no images.
"""

import json

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_cloudwatch import Stats
from aws_cdk.aws_iam import Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    ApplicationLogLevel,
    DockerImageFunction,
    IFunction,
    LoggingFormat,
    SystemLogLevel,
)
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, LifecycleRule, ObjectOwnership
from aws_cdk.aws_sns import ITopic
from aws_cdk.aws_stepfunctions import DefinitionBody, StateMachine
from constructs import Construct, IConstruct

from infra.config import Settings
from infra.constructs.alarms import FIVE_MINUTES, alarm
from infra.constructs.batch_states import LISTS, RESULTS, state_machine_definition
from infra.constructs.function import log_group, processor
from infra.constructs.image_asset import image_code
from infra.constructs.nag import acknowledge

TIMEOUT_S = 100
"""Timeout of a batch: two seconds per image, of which the largest take one."""


class BatchStack(Stack):
    """Stack of the batch: function, state machine and bucket of results."""

    def __init__(self, scope: Construct, id: str, settings: Settings, topic: ITopic) -> None:
        super().__init__(
            scope,
            id,
            env={"region": settings.region},
            description="Skin-lesion classifier: classifies the images of a bucket; research and teaching only",
        )
        results = _results(self)
        function = _function(self, settings, results)
        machine = _machine(self, settings, function, results)
        failures = machine.metric_failed(statistic=Stats.SUM, period=FIVE_MINUTES)
        alarm(self, "BatchFailures", topic, failures, 1, description="An execution of the batch failed.")
        timeouts = machine.metric_timed_out(statistic=Stats.SUM, period=FIVE_MINUTES)
        alarm(self, "BatchTimeouts", topic, timeouts, 1, description="An execution of the batch took too long.")
        CfnOutput(
            self, "StateMachine", value=machine.state_machine_arn, description="State machine: start an execution of it."
        )
        CfnOutput(self, "Results", value=f"s3://{results.bucket_name}/{RESULTS}/")
        CfnOutput(self, "FunctionName", value=function.function_name)
        CfnOutput(
            self,
            "Reader",
            value=function.role.role_arn,
            description="Role that the KMS key of the bucket must allow to decrypt.",
        )


def _results(scope: Construct) -> Bucket:
    bucket = Bucket(
        scope,
        "Bucket",
        encryption=BucketEncryption.S3_MANAGED,
        block_public_access=BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
        # Deleting the stack must not delete the results.
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=[LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
    )
    acknowledge(bucket, {"AwsSolutions-S1": "An access log would store file names of images in another bucket."})
    return bucket


def _function(scope: Construct, settings: Settings, results: Bucket) -> DockerImageFunction:
    log = log_group(scope, "Log", settings)
    role = Role(scope, "FunctionRole", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    policy = Policy(
        scope,
        "Objects",
        roles=[role],
        statements=[
            PolicyStatement(actions=["s3:GetObject"], resources=[f"{_source(settings)}/{settings.batch_prefix}*"]),
            PolicyStatement(actions=["s3:PutObject"], resources=[results.arn_for_objects(f"{RESULTS}/*")]),
        ],
    )
    acknowledge(
        policy,
        {
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{settings.batch_bucket}/{settings.batch_prefix}*]": (
                "The keys of the images are not known in advance."
            ),
            f"AwsSolutions-IAM5[Resource::<{_id(results)}.Arn>/{RESULTS}/*]": "Results are named by a hash of their keys.",
        },
    )
    return DockerImageFunction(
        scope,
        "Function",
        code=image_code(settings, "batch"),
        architecture=processor(settings),
        role=role,
        memory_size=settings.memory_mb,
        timeout=Duration.seconds(TIMEOUT_S),
        reserved_concurrent_executions=settings.batch_concurrency,
        environment={
            "ORT_DISABLE_TELEMETRY": "1",
            "LESION_BATCH_SOURCE": settings.batch_bucket,
            "LESION_BATCH_TARGET": results.bucket_name,
        },
        log_group=log,
        logging_format=LoggingFormat.JSON,
        application_log_level_v2=ApplicationLogLevel.INFO,
        system_log_level_v2=SystemLogLevel.INFO,
        description="Classifies images of a bucket; keeps only the results.",
    )


def _machine(scope: Construct, settings: Settings, function: IFunction, results: Bucket) -> StateMachine:
    role = Role(scope, "MachineRole", assumed_by=ServicePrincipal("states.amazonaws.com"))
    listed = {"StringEquals": {"s3:prefix": settings.batch_prefix}} if settings.batch_prefix else None
    rights = Policy(
        scope,
        "Calls",
        roles=[role],
        statements=[
            PolicyStatement(actions=["s3:ListBucket"], resources=[_source(settings)], conditions=listed),
            PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]),
            PolicyStatement(
                actions=["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                resources=[results.arn_for_objects(f"{LISTS}/*")],
            ),
        ],
    )
    acknowledge(
        rights, {f"AwsSolutions-IAM5[Resource::<{_id(results)}.Arn>/{LISTS}/*]": "Step Functions chooses their names."}
    )
    states = state_machine_definition(settings, function.function_arn, results.bucket_name, Aws.PARTITION)
    machine = StateMachine(
        scope,
        "Machine",
        role=role,
        # CDK's serialisation omits null values: without its ResultPath a state loses its input.
        definition_body=DefinitionBody.from_string(json.dumps(states)),
    )
    machine.node.add_dependency(rights)
    acknowledge(
        machine,
        {
            "AwsSolutions-SF1": "An event log would contain file names; the lists beside the results name failures.",
            "AwsSolutions-SF2": "One call of one function: nothing to trace.",
        },
    )
    # A separate policy: the state machine starts executions of itself, and its name is only known then.
    executions = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:{machine.state_machine_name}"
    own = Policy(
        scope,
        "Batches",
        roles=[role],
        statements=[
            PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
            PolicyStatement(actions=["states:DescribeExecution", "states:StopExecution"], resources=[f"{executions}:*"]),
            PolicyStatement(actions=["states:RedriveExecution"], resources=[f"{executions}/*:*"]),
        ],
    )
    shown = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{_id(machine)}.Name>"
    why = "Executions of this state machine have names that Step Functions chooses."
    acknowledge(own, {f"AwsSolutions-IAM5[Resource::{shown}{end}]": why for end in (":*", "/*:*")})
    return machine


def _source(settings: Settings) -> str:
    return f"arn:{Aws.PARTITION}:s3:::{settings.batch_bucket}"


def _id(construct: IConstruct) -> str:
    """Return the logical ID of a resource, as cdk-nag reports it."""
    stack = Stack.of(construct)
    return str(stack.resolve(stack.get_logical_id(construct.node.default_child)))
