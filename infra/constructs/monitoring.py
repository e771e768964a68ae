"""Alarms, their topic, the budget and the dashboard. docs/operations.md explains each alarm and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk.aws_apigatewayv2 import HttpApi
from aws_cdk.aws_budgets import CfnBudget
from aws_cdk.aws_cloudwatch import (
    Alarm,
    AlarmStatusWidget,
    ComparisonOperator,
    Dashboard,
    GraphWidget,
    IAlarm,
    IMetric,
    IWidget,
    Metric,
    Stats,
    TreatMissingData,
    Unit,
)
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_iam import Effect, PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from aws_cdk.aws_lambda import Alias
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct
from lesion.web.access_log import NAMESPACE, SERVICE

from infra.config import Settings

FIVE_MINUTES = Duration.minutes(5)
SENDERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")
SERVER_ERROR_THRESHOLD = 3
"""Answers of 500 and above in five minutes; a single one may be a network error."""
SLOW_PERIODS = 3
"""Number of five-minute periods: the first cold starts after a deployment are slow and no reason for an alarm."""


@dataclass(frozen=True)
class Alarms:
    """Alarms of one service, named as in docs/operations.md.

    Attributes:
        server_errors: the API answered 500 and above.
        crashes: the function ended without an answer: out of memory or time, or it failed to start.
        throttles: more images at once than the reserved concurrency.
        slow: the 95th percentile of the duration is too high.
    """

    server_errors: IAlarm
    crashes: IAlarm
    throttles: IAlarm
    slow: IAlarm

    @property
    def all(self) -> Sequence[IAlarm]:
        """Return every alarm."""
        return (self.server_errors, self.crashes, self.throttles, self.slow)

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
        self.topic = _topic(self, settings)
        server_errors = api.metric_server_error(statistic=Stats.SUM, period=FIVE_MINUTES)
        crashes = alias.metric_errors(period=FIVE_MINUTES)
        throttles = alias.metric_throttles(period=FIVE_MINUTES)
        slow = alias.metric_duration(statistic=Stats.percentile(95), period=FIVE_MINUTES)
        self.alarms = Alarms(
            server_errors=self._alarm(
                "Faults", server_errors, SERVER_ERROR_THRESHOLD, description="The API answers with server errors."
            ),
            crashes=self._alarm("Crashes", crashes, 1, description="The function ends without an answer."),
            throttles=self._alarm(
                "Throttles", throttles, 1, description="More concurrent requests than the reserved concurrency."
            ),
            slow=self._alarm(
                "Slow", slow, settings.slow_ms, SLOW_PERIODS, description="The 95th percentile of the duration is too high."
            ),
        )
        if settings.budget_usd:
            _budget(self, settings.budget_usd, self.topic)
        self.dashboard = Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        self.dashboard.add_widgets(*_widgets(api, alias, self.alarms))

    def _alarm(self, id: str, metric: IMetric, threshold: int, periods: int = 1, *, description: str) -> IAlarm:
        alarm = Alarm(
            self,
            id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # No requests, no data points: not an alarm.
            treat_missing_data=TreatMissingData.NOT_BREACHING,
            alarm_description=f"{description} See docs/operations.md.",
        )
        alarm.add_alarm_action(SnsAction(self.topic))
        alarm.add_ok_action(SnsAction(self.topic))
        return alarm


def _topic(scope: Construct, settings: Settings) -> Topic:
    account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    # AWS's managed key for SNS does not admit alarms and budgets, which then fail silently.
    key = Key(scope, "TopicKey", enable_key_rotation=True, removal_policy=RemovalPolicy.DESTROY)
    topic = Topic(scope, "Topic", master_key=key, enforce_ssl=True)
    for sender in SENDERS:
        principal = ServicePrincipal(sender)
        key.add_to_resource_policy(
            PolicyStatement(
                effect=Effect.ALLOW,
                principals=[principal],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=account,
            )
        )
        topic.add_to_resource_policy(
            PolicyStatement(
                effect=Effect.ALLOW,
                principals=[principal],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=account,
            )
        )
    if settings.alarm_email:
        topic.add_subscription(EmailSubscription(settings.alarm_email))
    return topic


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
    def own(name: str, unit: Unit, statistic: str) -> Metric:
        dimensions = {SERVICE: alias.lambda_.function_name}
        return Metric(namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, unit=unit)

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
            left=[own(name, Unit.COUNT, Stats.SUM) for name in ("Classified", "Refused", "Rejected")],
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
            left=[own(name, Unit.MILLISECONDS, which) for name in ("DecodeTime", "InferTime") for which in (p50, p95)],
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
