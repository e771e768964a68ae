"""What is watched, who is told, and the dashboard. docs/operations.md says what each alarm means and what to do."""

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
"""Answers of 500 and above in five minutes; a single one may be the network's."""
SLOW_PERIODS = 3
"""Times five minutes. The first starts after a deployment are slow, and no reason to wake anybody."""


@dataclass(frozen=True)
class Alarms:
    """Each with its name in docs/operations.md.

    Attributes:
        faults: the API answered 500 and above.
        crashes: the function ended without an answer: out of memory or time, or not able to start.
        throttles: more photographs at once than the reserved concurrency.
        slow: the slowest twentieth took too long.
    """

    faults: IAlarm
    crashes: IAlarm
    throttles: IAlarm
    slow: IAlarm

    @property
    def all(self) -> Sequence[IAlarm]:
        return (self.faults, self.crashes, self.throttles, self.slow)

    @property
    def of_a_bad_version(self) -> Sequence[IAlarm]:
        """Those that a new version can be at fault for, and that take it back."""
        return (self.faults, self.crashes)


class Monitoring(Construct):
    """Alarms, topic, budget and dashboard.

    Attributes:
        alarms: see there.
        topic: where alarms go.
        dashboard: to look at.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, api: HttpApi, alias: Alias) -> None:
        super().__init__(scope, id)
        self.topic = _topic(self, settings)
        faults = api.metric_server_error(statistic=Stats.SUM, period=FIVE_MINUTES)
        crashes = alias.metric_errors(period=FIVE_MINUTES)
        throttles = alias.metric_throttles(period=FIVE_MINUTES)
        slow = alias.metric_duration(statistic=Stats.percentile(95), period=FIVE_MINUTES)
        self.alarms = Alarms(
            faults=self._alarm("Faults", faults, SERVER_ERROR_THRESHOLD, says="The API answers with faults."),
            crashes=self._alarm("Crashes", crashes, 1, says="The function ends without an answer."),
            throttles=self._alarm("Throttles", throttles, 1, says="More requests at once than may run."),
            slow=self._alarm("Slow", slow, settings.slow_ms, SLOW_PERIODS, says="The slowest twentieth takes too long."),
        )
        if settings.budget_usd:
            _budget(self, settings.budget_usd, self.topic)
        self.dashboard = Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        self.dashboard.add_widgets(*_widgets(api, alias, self.alarms))

    def _alarm(self, id: str, metric: IMetric, threshold: int, periods: int = 1, *, says: str) -> IAlarm:
        alarm = Alarm(
            self,
            id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # Nobody calls, nothing is measured, nothing is wrong.
            treat_missing_data=TreatMissingData.NOT_BREACHING,
            alarm_description=f"{says} See docs/operations.md.",
        )
        alarm.add_alarm_action(SnsAction(self.topic))
        alarm.add_ok_action(SnsAction(self.topic))
        return alarm


def _topic(scope: Construct, settings: Settings) -> Topic:
    account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    # AWS's own key for SNS does not let alarms and budgets in, and they fail without a word.
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
    told = [CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)]
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
                subscribers=told,
            )
            # Spent, and about to be: the forecast comes first where an attack begins.
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ],
    )
    # It writes to the topic when it is made, which must be allowed by then.
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
            title="Photographs: judged, refused, not readable",
            left=[own(name, Unit.COUNT, Stats.SUM) for name in ("Judged", "Refused", "Rejected")],
            width=12,
        ),
        GraphWidget(
            title="Whole answer (ms)",
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
            title="At once, and turned away",
            left=[alias.lambda_.metric("ConcurrentExecutions", statistic=Stats.MAXIMUM)],
            right=[alias.metric_throttles()],
            width=12,
        ),
        GraphWidget(title="Ended without an answer", left=[alias.metric_errors()], width=12),
    ]
