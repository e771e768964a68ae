"""Alarms and the topic that they notify."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, IAlarm, IMetric, TreatMissingData
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_iam import Effect, PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from aws_cdk.aws_sns import ITopic, Topic
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct

from infra.config import Settings

FIVE_MINUTES = Duration.minutes(5)
SENDERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")


def alarm(
    scope: Construct, id: str, topic: ITopic, metric: IMetric, threshold: float, periods: int = 1, *, description: str
) -> IAlarm:
    """Create an alarm that notifies `topic` when it starts and when it ends.

    Args:
        scope: parent construct.
        id: name in docs/operations.md.
        topic: of the same region.
        metric: evaluated in its own period.
        threshold: lowest value that counts as breaching.
        periods: consecutive periods that must breach.
        description: one sentence.
    """
    created = Alarm(
        scope,
        id,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        # No requests, no data points: not an alarm.
        treat_missing_data=TreatMissingData.NOT_BREACHING,
        alarm_description=f"{description} See docs/operations.md.",
    )
    created.add_alarm_action(SnsAction(topic))
    created.add_ok_action(SnsAction(topic))
    return created


def alarm_topic(scope: Construct, settings: Settings) -> Topic:
    """Create the topic that alarms and budget notify, with the recipient of the settings."""
    account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    # AWS's managed key for SNS does not admit alarms and budgets, which then fail silently. Without a key, the messages,
    # which contain names of metrics and no personal data, are encrypted in transit only.
    key = (
        Key(scope, "TopicKey", enable_key_rotation=True, removal_policy=RemovalPolicy.DESTROY)
        if settings.topic_key
        else None
    )
    topic = Topic(scope, "Topic", master_key=key, enforce_ssl=True)
    for sender in SENDERS:
        principal = ServicePrincipal(sender)
        if key:
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
    if key:
        # EventBridge sends no source with its requests to KMS, so that a condition would drop every message.
        key.add_to_resource_policy(
            PolicyStatement(
                effect=Effect.ALLOW,
                principals=[ServicePrincipal("events.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
            )
        )
    if settings.alarm_email:
        topic.add_subscription(EmailSubscription(settings.alarm_email))
    return topic
