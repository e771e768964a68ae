"""What AWS publishes about traffic: metrics with the names and dimensions that each service documents.

Sources, by namespace:
    AWS/ApiGateway: Amazon API Gateway Developer Guide, "Monitor CloudWatch metrics for HTTP APIs in API Gateway".
    AWS/Lambda: AWS Lambda Developer Guide, "Using CloudWatch metrics with Lambda" (types of metrics, dimensions).
    AWS/CloudFront: Amazon CloudFront Developer Guide, "Types of metrics for CloudFront" and "Get metrics using the
    CloudWatch API": in us-east-1, with the dimensions DistributionId and Region=Global.
    AWS/States: AWS Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
    Log lines: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
import time
from collections.abc import Iterable

from tests.support.cloud.metrics import Metric, Metrics

CLOUDFRONT_REGION = "us-east-1"


class Clock:
    """The time of the emulation: that of this machine and what a test has skipped."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        """Return the Unix time in seconds."""
        return time.time() + self.skipped

    def skip(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.skipped += seconds


class Recorder:
    """Publishes the metrics of events in one region.

    Attributes:
        metrics: what was published.
        clock: at which time.
    """

    def __init__(self, region: str, metrics: Metrics | None = None, clock: Clock | None = None) -> None:
        self.metrics = Metrics() if metrics is None else metrics
        self.clock = Clock() if clock is None else clock
        self._region = region

    def api_answered(self, api: str, stage: str, status: int, milliseconds: float) -> None:
        """Record the response of an HTTP API, throttled requests included."""
        for dimensions in ({"ApiId": api}, {"ApiId": api, "Stage": stage}):
            self._put("AWS/ApiGateway", "Count", dimensions, 1, "Count")
            self._put("AWS/ApiGateway", "4xx", dimensions, 400 <= status < 500, "Count")
            self._put("AWS/ApiGateway", "5xx", dimensions, status >= 500, "Count")
            self._put("AWS/ApiGateway", "Latency", dimensions, milliseconds, "Milliseconds")

    def invoked(self, function: str, alias: str, milliseconds: float, *, failed: bool) -> None:
        """Record an invocation of an alias; it failed if the function raised, timed out or ended."""
        for dimensions in _of_alias(function, alias):
            self._put("AWS/Lambda", "Invocations", dimensions, 1, "Count")
            self._put("AWS/Lambda", "Errors", dimensions, failed, "Count")
            self._put("AWS/Lambda", "Duration", dimensions, milliseconds, "Milliseconds")

    def throttled(self, function: str, alias: str) -> None:
        """Record a call that Lambda refused for its concurrency, which is neither an invocation nor an error."""
        for dimensions in _of_alias(function, alias):
            self._put("AWS/Lambda", "Throttles", dimensions, 1, "Count")

    def edge_answered(self, distribution: str, method: str, status: int, size: int) -> None:
        """Record the response of a distribution, with the size of its body in bytes."""
        downloaded = size if method in ("GET", "HEAD") else 0
        self.edge_served(distribution, requests=1, downloaded=downloaded, error_percent=100 if status >= 500 else 0)

    def edge_served(self, distribution: str, *, requests: int, downloaded: int, error_percent: float) -> None:
        """Record the data points of a minute, or of a part of it.

        Args:
            distribution: its identifier.
            requests: of viewers.
            downloaded: bytes of responses to GET and HEAD.
            error_percent: share of responses with a status of 500 and above.
        """
        dimensions = {"DistributionId": distribution, "Region": "Global"}
        self._put("AWS/CloudFront", "Requests", dimensions, requests, "None", CLOUDFRONT_REGION)
        self._put("AWS/CloudFront", "BytesDownloaded", dimensions, downloaded, "None", CLOUDFRONT_REGION)
        self._put("AWS/CloudFront", "5xxErrorRate", dimensions, error_percent, "Percent", CLOUDFRONT_REGION)

    def execution_ended(self, machine: str, status: str) -> None:
        """Record the end of an execution of a state machine, by its ARN: SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        name = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}[status]
        self._put("AWS/States", f"Executions{name}", {"StateMachineArn": machine}, 1, "Count")

    def logged(self, lines: Iterable[str]) -> int:
        """Publish the embedded metrics of a function's log lines; return how many lines contained any."""
        count = 0
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if not isinstance(entry, dict) or "_aws" not in entry:
                continue
            count += 1
            at = entry["_aws"]["Timestamp"] / 1000 + self.clock.skipped
            for directive in entry["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    dimensions = frozenset((name, str(entry[name])) for name in names)
                    for item in directive["Metrics"]:
                        metric = Metric(self._region, directive["Namespace"], item["Name"], dimensions)
                        self.metrics.put(metric, at, entry[item["Name"]], item.get("Unit", "None"))
        return count

    def _put(
        self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str, region: str | None = None
    ) -> None:
        metric = Metric(region or self._region, namespace, name, frozenset(dimensions.items()))
        self.metrics.put(metric, self.clock.now(), float(value), unit)


def _of_alias(function: str, alias: str) -> tuple[dict[str, str], ...]:
    """Return the dimensions under which Lambda publishes the metrics of a call of an alias."""
    return {}, {"FunctionName": function}, {"FunctionName": function, "Resource": f"{function}:{alias}"}
