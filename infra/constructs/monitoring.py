"""Alarms of the function and its API, the budget and the dashboard. docs/operations.md explains each alarm and what to do.

Alarms of CloudFront are in `infra.constructs.delivery_alarms`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import HttpApi
from aws_cdk.aws_budgets import CfnBudget
from aws_cdk.aws_cloudwatch import (
    AlarmStatusWidget,
    Dashboard,
    GraphWidget,
    IAlarm,
    IWidget,
    MathExpression,
    Metric,
    Stats,
    Unit,
)
from aws_cdk.aws_lambda import Alias
from aws_cdk.aws_sns import Topic
from constructs import Construct
from lesion.web.access_log import NAMESPACE, SERVICE

from infra.config import Settings
from infra.constructs.alarms import FIVE_MINUTES, alarm, alarm_topic

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


class Monitoring(Construct):
    """Alarms, topic, budget and dashboard.

    Attributes:
        alarms: see `Alarms`.
        topic: SNS topic that alarms and budget notify.
        dashboard: CloudWatch dashboard.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, api: HttpApi, alias: Alias) -> None:
        super().__init__(scope, id)
        self.topic = alarm_topic(self, settings)
        self.alarms = _alarms(self, settings, self.topic, api, alias)
        if settings.budget_usd:
            _budget(self, settings.budget_usd, self.topic)
        self.dashboard = Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        self.dashboard.add_widgets(*_widgets(api, alias, self.alarms))


def _alarms(scope: Construct, settings: Settings, topic: Topic, api: HttpApi, alias: Alias) -> Alarms:
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
            name.lower(): _own(alias, name, Unit.COUNT, Stats.SUM, Duration.hours(1)) for name in ("Refused", "Classified")
        },
        label="Share of refused images (%)",
        period=Duration.hours(1),
    )


def _own(alias: Alias, name: str, unit: Unit, statistic: str, period: Duration = FIVE_MINUTES) -> Metric:
    """Return a metric that the function's log lines create."""
    dimensions = {SERVICE: alias.lambda_.function_name}
    return Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, unit=unit, period=period
    )


def _budget(scope: Construct, dollars: int, topic: Topic) -> None:
    subscribers = [CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)]
    budget = CfnBudget(
        scope,
        "Budget",
        budget=CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=CfnBudget.SpendProperty(amount=dollars, unit="USD"),
        ),
        notifications_with_subscribers=[
            CfnBudget.NotificationWithSubscribersProperty(
                notification=CfnBudget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=subscribers,
            )
            # The forecast is the first to be exceeded when an attack begins.
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ],
    )
    # It publishes to the topic on creation, which the topic's policy must allow by then.
    budget.node.add_dependency(topic)


def _widgets(api: HttpApi, alias: Alias, alarms: Alarms) -> list[IWidget]:
    p50, p95 = Stats.percentile(50), Stats.percentile(95)
    return [
        AlarmStatusWidget(title="Alarms", width=24, height=3, alarms=list(alarms.all)),
        GraphWidget(
            title="Requests and errors",
            left=[
                api.metric_count(statistic=Stats.SUM),
                api.metric_client_error(statistic=Stats.SUM),
                api.metric_server_error(statistic=Stats.SUM),
            ],
            width=12,
        ),
        GraphWidget(
            title="Images: classified, refused, rejected",
            left=[_own(alias, name, Unit.COUNT, Stats.SUM) for name in ("Classified", "Refused", "Rejected")],
            width=12,
        ),
        GraphWidget(
            title="Whole request (ms)",
            left=[
                alias.metric_duration(statistic=p50),
                alias.metric_duration(statistic=p95),
                api.metric_latency(statistic=p95),
            ],
            width=12,
        ),
        GraphWidget(
            title="Decode and network (ms)",
            left=[
                _own(alias, name, Unit.MILLISECONDS, which) for name in ("DecodeTime", "InferTime") for which in (p50, p95)
            ],
            width=12,
        ),
        GraphWidget(
            title="Concurrency and throttles",
            left=[alias.lambda_.metric("ConcurrentExecutions", statistic=Stats.MAXIMUM)],
            right=[alias.metric_throttles()],
            width=12,
        ),
        GraphWidget(title="Invocations without an answer", left=[alias.metric_errors()], width=12),
    ]
