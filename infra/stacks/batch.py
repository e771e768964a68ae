"""The stack that judges a bucket of photographs, made where `batch_bucket` names one. The service knows nothing of it.

Step Functions lists the bucket and hands out its keys in batches, each to one call of a function: the service's image, and
what it takes to read and write buckets. The results of a batch become one piece, whose name depends on its keys only, so
that doing it again changes nothing (`lambda/lesion/batch/lambda_handler.py`). Only keys pass the state machine.
"""

import json
from typing import Any

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    ApplicationLogLevel,
    Architecture,
    DockerImageFunction,
    IFunction,
    LoggingFormat,
    SystemLogLevel,
)
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, LifecycleRule, ObjectOwnership
from aws_cdk.aws_stepfunctions import DefinitionBody, StateMachine
from constructs import Construct, IConstruct

from infra.config import Settings
from infra.constructs.function import log_group
from infra.constructs.image_asset import image_code
from infra.constructs.nag import acknowledge

IMAGES_PER_BATCH = 50
"""Of a batch. Their keys fit into a state (256 KB), and judging them all, one by one where one of them ends the function,
into the five minutes of an express execution."""
TIMEOUT_S = 100
"""For a batch: two seconds for each photograph, of which the largest take one."""
SINGLE_TIMEOUT_S = 20
"""For one photograph of a batch that did not end well."""
SINGLE_CONCURRENCY = 5
RESULTS, LISTS = "results", "lists"
"""In the bucket of results: the data set, and Step Functions' own lists of batches that are done."""

TRANSIENT_ERRORS = [
    "StorageError",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]
"""Errors that say nothing about a photograph: they are waited out."""
_WAIT = {
    "ErrorEquals": TRANSIENT_ERRORS,
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
_AGAIN = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}
"""Lambda may also take a function away that did nothing wrong."""


class BatchStack(Stack):
    """Function, state machine, and the bucket of results."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(
            scope,
            id,
            env={"region": settings.region},
            description="Skin-lesion classifier: judges a bucket of photographs; research and teaching only",
        )
        results = _results(self)
        function = _function(self, settings, results)
        machine = _machine(self, settings, function, results)
        CfnOutput(self, "StateMachine", value=machine.state_machine_arn, description="Start an execution of it.")
        CfnOutput(self, "Results", value=f"s3://{results.bucket_name}/{RESULTS}/")
        CfnOutput(self, "FunctionName", value=function.function_name)
        CfnOutput(self, "Reader", value=function.role.role_arn, description="What a key of the bucket's own must let read.")


def state_machine_definition(settings: Settings, function: str, results: str, partition: str) -> dict[str, Any]:
    """The state machine, in Amazon States Language.

    Written out, because the construct for it gives the right to list the whole bucket, and passes `BatchInput` on as it
    stands, without the execution's name.

    Args:
        settings: which bucket, what of it, and how many batches at once.
        function: its ARN.
        results: name of the bucket of results.
        partition: of AWS.
    """

    def call(event: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::lambda:invoke",
            "Parameters": {"FunctionName": function, **event},
            "OutputPath": "$.Payload",
            "Retry": [_WAIT],
            **more,
        }

    fail = {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"}
    whole = {"run.$": "$.BatchInput.run", "keys.$": "$.Items[*].key"}
    alone = {
        "StartAt": "Try",
        "States": {
            "Try": call(
                {"Payload.$": "$"},
                TimeoutSeconds=SINGLE_TIMEOUT_S,
                Retry=[_WAIT, _AGAIN],
                Catch=[
                    {"ErrorEquals": TRANSIENT_ERRORS, "Next": "Busy for one"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Crashed"},
                ],
                End=True,
            ),
            "Crashed": {"Type": "Pass", "InputPath": "$.key", "End": True},
            "Busy for one": fail,
        },
    }
    batch = {
        "StartAt": "Judge",
        "States": {
            "Judge": call(
                {"Payload": whole},
                Catch=[
                    {"ErrorEquals": TRANSIENT_ERRORS, "Next": "Busy"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "One by one"},
                ],
                End=True,
            ),
            # Which one ended the function is not known. What comes of it is again one piece, of the same name.
            "One by one": {
                "Type": "Map",
                "ItemsPath": "$.Items",
                "MaxConcurrency": SINGLE_CONCURRENCY,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **alone},
                "ResultPath": "$.crashed",
                "Next": "Judge the others",
            },
            "Judge the others": call(
                {"Payload": {**whole, "crashed.$": "$.crashed"}},
                Retry=[_WAIT, _AGAIN],
                End=True,
            ),
            "Busy": fail,
        },
    }
    return {
        "StartAt": "Photographs",
        "States": {
            "Photographs": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": f"arn:{partition}:states:::s3:listObjectsV2",
                    "Parameters": {"Bucket": settings.batch_bucket, "Prefix": settings.batch_prefix},
                },
                # Nothing of an object but its key.
                "ItemSelector": {"key.$": "$$.Map.Item.Value.Key"},
                "ItemBatcher": {"MaxItemsPerBatch": IMAGES_PER_BATCH, "BatchInput": {"run.$": "$$.Execution.Name"}},
                "MaxConcurrency": settings.batch_concurrency,
                # Express executions keep no history of the keys that they were given.
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **batch},
                # What the batches answer is nothing, but ten thousand times nothing is too long for a state.
                "ResultWriter": {
                    "Resource": f"arn:{partition}:states:::s3:putObject",
                    "Parameters": {"Bucket": results, "Prefix": LISTS},
                },
                "ResultPath": None,
                "End": True,
            }
        },
    }


def _results(scope: Construct) -> Bucket:
    bucket = Bucket(
        scope,
        "Bucket",
        encryption=BucketEncryption.S3_MANAGED,
        block_public_access=BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
        # They are somebody's work, which nobody should lose with the stack.
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=[LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
    )
    acknowledge(bucket, {"AwsSolutions-S1": "An access log would be a list of file names of photographs, kept elsewhere."})
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
                "Which photographs there are is not known before."
            ),
            f"AwsSolutions-IAM5[Resource::<{_id(results)}.Arn>/{RESULTS}/*]": "The pieces are named after their keys.",
        },
    )
    return DockerImageFunction(
        scope,
        "Function",
        code=image_code("batch"),
        architecture=Architecture.X86_64,
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
        description="Judges photographs of a bucket; keeps nothing but their results.",
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
        # Not CDK's own way to JSON, which leaves out what is null: without its ResultPath a state loses its input.
        definition_body=DefinitionBody.from_string(json.dumps(states)),
    )
    machine.node.add_dependency(rights)
    acknowledge(
        machine,
        {
            "AwsSolutions-SF1": "A log of its events would hold file names; the lists beside the results say what failed.",
            "AwsSolutions-SF2": "There is nothing to trace: one call of one function.",
        },
    )
    # Of its own: it starts an execution of itself for each batch, and its name is known when it is there.
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
    """What a resource is called in the template, as cdk-nag shows it."""
    stack = Stack.of(construct)
    return str(stack.resolve(stack.get_logical_id(construct.node.default_child)))
