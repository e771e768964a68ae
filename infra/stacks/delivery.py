"""Stack of CloudFront's alarms, for a service in another region than us-east-1, where CloudFront's metrics are."""

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_cloudfront import IDistribution
from constructs import Construct

from infra.config import Settings
from infra.constructs.alarms import alarm_topic
from infra.constructs.delivery_alarms import DeliveryAlarms
from infra.constructs.names import EDGE_REGION
from infra.constructs.plan import create_plan


class DeliveryStack(Stack):
    """Stack with the alarms of a distribution and a topic of their own, because an alarm notifies its own region only."""

    def __init__(
        self, scope: Construct, id: str, settings: Settings, distribution: IDistribution, web_acl_arn: str | None
    ) -> None:
        super().__init__(scope, id, env={"region": EDGE_REGION}, description="Skin-lesion classifier: alarms of CloudFront")
        topic = alarm_topic(self, settings)
        DeliveryAlarms(self, "Delivery", settings, distribution, topic)
        create_plan(self, settings, distribution, web_acl_arn)
        CfnOutput(self, "AlarmTopic", value=topic.topic_arn, description="Subscribe to receive CloudFront's alarms.")
