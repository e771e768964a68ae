"""Alarms of the function and its API. docs/operations.md explains each alarm and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import HttpApi
from aws_cdk.aws_cloudwatch import IAlarm, MathExpression, Stats, Unit
from aws_cdk.aws_lambda import Alias
from aws_cdk.aws_sns import Topic
from constructs import Construct

from infra.config import Settings
from infra.constructs.alarms import FIVE_MINUTES, alarm
from infra.constructs.own_metrics import own_metric

SERVER_ERROR_THRESHOLD = 3
"""Answers of 500 and above in five minutes; a single one may be a network error."""
SLOW_PERIODS = 3
"""Number of five-minute periods: the first cold starts after a deployment are slow and no reason for an alarm."""
FEWEST_REQUESTS = 100
"""In five minutes; a share of fewer requests says nothing."""
FEWEST_IMAGES = 20
"""Images in an hour; a share of fewer says nothing."""


@dataclass(frozen=True)
class Alarms:
    """Alarms of one service, named as in docs/operations.md.

    Attributes:
        server_errors: the API answered 500 and above.
        crashes: the function ended without an answer: out of memory or time, or it failed to start.
        throttles: more images at once than the reserved concurrency.
        slow: the 95th percentile of the API's latency is too high.
        client_errors: a large share of requests was answered 4xx.
        refusals: a large share of images was refused as unlike the training images.
    """

    server_errors: IAlarm
    crashes: IAlarm
    throttles: IAlarm
    slow: IAlarm
    client_errors: IAlarm
    refusals: IAlarm

    @property
    def all(self) -> Sequence[IAlarm]:
        """Return every alarm."""
        return [getattr(self, field.name) for field in fields(self)]

    @property
    def for_rollback(self) -> Sequence[IAlarm]:
        """Return the alarms that a defective new version raises; they roll it back."""
        return (self.server_errors, self.crashes)


def service_alarms(scope: Construct, settings: Settings, topic: Topic, api: HttpApi, alias: Alias) -> Alarms:
    """Create the alarms of the API and the function behind `alias`, which notify `topic`."""
    server_errors = api.metric_server_error(statistic=Stats.SUM, period=FIVE_MINUTES)
    # The latency of the API includes cold starts and waiting; the duration of the function does not.
    slow = api.metric_latency(statistic=Stats.percentile(95), period=FIVE_MINUTES)
    return Alarms(
        server_errors=alarm(
            scope, "Faults", topic, server_errors, SERVER_ERROR_THRESHOLD, description="The API answers with server errors."
        ),
        crashes=alarm(
            scope,
            "Crashes",
            topic,
            alias.metric_errors(period=FIVE_MINUTES),
            1,
            description="The function ends without an answer.",
        ),
        throttles=alarm(
            scope,
            "Throttles",
            topic,
            alias.metric_throttles(period=FIVE_MINUTES),
            1,
            description="More concurrent requests than the reserved concurrency.",
        ),
        slow=alarm(
            scope,
            "Slow",
            topic,
            slow,
            settings.slow_ms,
            SLOW_PERIODS,
            description="The 95th percentile of the API's latency is too high.",
        ),
        client_errors=alarm(
            scope,
            "Rejected",
            topic,
            _rejected_share(api),
            settings.alarm_rejected_percent,
            description="Many requests are answered 4xx: 403 did not come through CloudFront, 429 were throttled.",
        ),
        refusals=alarm(
            scope,
            "Refusals",
            topic,
            _refused_share(alias),
            settings.alarm_refused_percent,
            description="Many images are refused as unlike the training images.",
        ),
    )


def _rejected_share(api: HttpApi) -> MathExpression:
    return MathExpression(
        expression=f"IF(every >= {FEWEST_REQUESTS}, 100 * rejected / every, 0)",
        using_metrics={
            "rejected": api.metric_client_error(statistic=Stats.SUM, period=FIVE_MINUTES),
            "every": api.metric_count(statistic=Stats.SUM, period=FIVE_MINUTES),
        },
        label="Share of 4xx (%)",
        period=FIVE_MINUTES,
    )


def _refused_share(alias: Alias) -> MathExpression:
    every = "(FILL(refused, 0) + FILL(classified, 0))"
    return MathExpression(
        expression=f"IF({every} >= {FEWEST_IMAGES}, 100 * FILL(refused, 0) / {every}, 0)",
        using_metrics={
            name.lower(): own_metric(alias, name, Unit.COUNT, Stats.SUM, Duration.hours(1))
            for name in ("Refused", "Classified")
        },
        label="Share of refused images (%)",
        period=Duration.hours(1),
    )
