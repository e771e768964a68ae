"""Monitoring of a service: topic, alarms of the function and its API, budget and dashboard.

Alarms of CloudFront are in `infra.constructs.delivery_alarms`.
"""

from aws_cdk.aws_apigatewayv2 import HttpApi
from aws_cdk.aws_budgets import CfnBudget
from aws_cdk.aws_lambda import Alias
from aws_cdk.aws_sns import Topic
from constructs import Construct

from infra.config import Settings
from infra.constructs.alarms import alarm_topic
from infra.constructs.dashboard import create_dashboard
from infra.constructs.service_alarms import service_alarms


class Monitoring(Construct):
    """Alarms, topic, budget and dashboard.

    Attributes:
        alarms: see `infra.constructs.service_alarms.Alarms`.
        topic: SNS topic that alarms and budget notify.
        dashboard: CloudWatch dashboard.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, api: HttpApi, alias: Alias) -> None:
        super().__init__(scope, id)
        self.topic = alarm_topic(self, settings)
        self.alarms = service_alarms(self, settings, self.topic, api, alias)
        if settings.budget_usd:
            _budget(self, settings.budget_usd, self.topic)
        self.dashboard = create_dashboard(self, api, alias, self.alarms)


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
