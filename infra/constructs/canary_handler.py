"""Function that CodeDeploy calls before traffic is shifted: the new version must classify a sample as recorded.

The template contains this file as it is, so it has at most 4096 characters and needs only the standard library and boto3.
"""

import json
import os
from typing import Any

TOLERANCE = 0.02
"""Largest difference of the probability: ARM rounds differently, by up to 0.012; swapped channels or a turned image change
the probability of the sample by 0.05 and more."""


def request(sample: str, secret: str) -> dict[str, Any]:
    """Return the event of a request for a sample of the image, as an HTTP API in front of the function sends it."""
    path, query = "/api/classify", {"sample": sample, "evidence": "false"}
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "canary"}
    return {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in query.items()),
        "queryStringParameters": query,
        "headers": {"accept": "application/json", "host": "canary", "x-origin-secret": secret},
        "requestContext": {"http": http, "requestId": "canary", "stage": "$default", "domainName": "canary"},
        "isBase64Encoded": False,
    }


def difference(answer: dict[str, Any], golden: dict[str, Any]) -> str | None:
    """Return in which respect an answer of the function differs from the recorded one, or None."""
    if answer.get("statusCode") != 200:
        return f"status {answer.get('statusCode')}"
    body = json.loads(answer["body"])
    if body["model"]["sha256"] != golden["sha256"]:
        return "another model"
    if not body["prediction"]:
        return "refused"
    if abs(body["prediction"]["malignant_probability"] - golden["malignant_probability"]) > TOLERANCE:
        return f"probability {body['prediction']['malignant_probability']}"
    if abs(sum(item["probability"] for item in body["prediction"]["classes"]) - 1) > TOLERANCE:
        return "classes"
    return None


def check(client: Any) -> str | None:
    """Call the new version with the client and return what is wrong with its answer, or None."""
    golden = json.loads(os.environ["GOLDEN"])
    event = json.dumps(request(golden["sample"], os.environ["SECRET"]))
    result = client.invoke(FunctionName=os.environ["VERSION"], Payload=event.encode())
    if "FunctionError" in result:
        return "crash"
    return difference(json.loads(result["Payload"].read()), golden)


def handler(event: dict[str, str], context: object, clients: Any = None) -> None:
    """Tell CodeDeploy whether the new version may receive traffic. Whatever goes wrong, it may not."""
    if clients is None:
        import boto3

        clients = boto3.client
    problem: str | None = "the check ended with an error"
    try:
        problem = check(clients("lambda"))
    finally:
        print(json.dumps({"canary": problem or "ok"}))
        clients("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Failed" if problem else "Succeeded",
        )
