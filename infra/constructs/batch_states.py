"""State machine of the batch, in Amazon States Language: list the bucket, classify batches, isolate images that crash."""

from typing import Any

from infra.config import Settings

IMAGES_PER_BATCH = 50
"""Their keys fit into a state (256 KB). Classifying them, one by one after a crash, fits into the five minutes of an express
execution."""
RUN_TIMEOUT_S = 86_400
"""Timeout of an execution. Without one, an execution that hangs would end, and raise its alarm, only after a year. If it is
redriven, it has the whole time again."""
SINGLE_TIMEOUT_S = 20
"""Timeout of one image of a batch that crashed."""
SINGLE_CONCURRENCY = 5
RESULTS, LISTS = "results", "lists"
"""Prefixes in the bucket of results: the data set, and Step Functions' lists of finished batches."""

TRANSIENT_ERRORS = [
    "StorageError",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]
"""Errors that do not depend on the image: the call is retried."""
_WAIT = {
    "ErrorEquals": TRANSIENT_ERRORS,
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
_AGAIN = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}
"""Lambda may also stop an execution environment that did nothing wrong."""


def state_machine_definition(settings: Settings, function: str, results: str, partition: str) -> dict[str, Any]:
    """Return the state machine in Amazon States Language.

    CDK's construct would grant the right to list the whole bucket, and passes `BatchInput` literally, without the name of
    the execution.

    Args:
        settings: bucket, prefix and concurrency.
        function: ARN of the function.
        results: name of the bucket of results.
        partition: AWS partition.
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
                    {"ErrorEquals": TRANSIENT_ERRORS, "Next": "Image unavailable"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Crashed"},
                ],
                End=True,
            ),
            "Crashed": {"Type": "Pass", "InputPath": "$.key", "End": True},
            "Image unavailable": fail,
        },
    }
    batch = {
        "StartAt": "Classify",
        "States": {
            "Classify": call(
                {"Payload": whole},
                Catch=[
                    {"ErrorEquals": TRANSIENT_ERRORS, "Next": "Unavailable"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "One by one"},
                ],
                End=True,
            ),
            # The image that crashed the function is unknown. The result is one file of the same name again.
            "One by one": {
                "Type": "Map",
                "ItemsPath": "$.Items",
                "MaxConcurrency": SINGLE_CONCURRENCY,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **alone},
                "ResultPath": "$.crashed",
                "Next": "Classify the others",
            },
            "Classify the others": call(
                {"Payload": {**whole, "crashed.$": "$.crashed"}},
                Retry=[_WAIT, _AGAIN],
                End=True,
            ),
            "Unavailable": fail,
        },
    }
    return {
        "StartAt": "Images",
        "TimeoutSeconds": RUN_TIMEOUT_S,
        "States": {
            "Images": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": f"arn:{partition}:states:::s3:listObjectsV2",
                    "Parameters": {"Bucket": settings.batch_bucket, "Prefix": settings.batch_prefix},
                },
                # Only the object's key.
                "ItemSelector": {"key.$": "$$.Map.Item.Value.Key"},
                "ItemBatcher": {"MaxItemsPerBatch": IMAGES_PER_BATCH, "BatchInput": {"run.$": "$$.Execution.Name"}},
                "MaxConcurrency": settings.batch_concurrency,
                # Express executions keep no history of their input.
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **batch},
                # Ten thousand empty results exceed the size of a state.
                "ResultWriter": {
                    "Resource": f"arn:{partition}:states:::s3:putObject",
                    "Parameters": {"Bucket": results, "Prefix": LISTS},
                },
                "ResultPath": None,
                "End": True,
            }
        },
    }
