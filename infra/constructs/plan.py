"""CloudFront's flat-rate plan Free, which bills no overage for the distribution and its web ACL.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-pricingplanmanager-subscription.html
The service has an endpoint in us-east-1 only. AWS activates a subscription of the tier FREE at once, and cancels it at the
end of the billing period in which it is deleted.
"""

from aws_cdk import Aws
from aws_cdk.aws_cloudfront import IDistribution
from aws_cdk.aws_pricingplanmanager import CfnSubscription
from constructs import Construct

from infra.config import Settings


def create_plan(scope: Construct, settings: Settings, distribution: IDistribution, web_acl_arn: str | None) -> None:
    """Create the subscription of the distribution and its web ACL, in a stack in us-east-1, if the settings ask for it."""
    if not (settings.flat_rate_plan and web_acl_arn):
        return
    arn = f"arn:{Aws.PARTITION}:cloudfront::{Aws.ACCOUNT_ID}:distribution/{distribution.distribution_id}"
    CfnSubscription(
        scope, "Plan", plan_family="CloudFront", plan_tier="FREE", resource_arns=[arn, web_acl_arn], usage_level="DEFAULT"
    )
