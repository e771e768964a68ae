"""The stack that is the service: everything but what CloudFront wants in us-east-1."""

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk.aws_certificatemanager import Certificate, ICertificate
from aws_cdk.aws_cloudfront import Distribution
from aws_cdk.aws_route53 import AaaaRecord, ARecord, RecordTarget
from aws_cdk.aws_route53_targets import CloudFrontTarget
from constructs import Construct

from infra.config import Settings
from infra.constructs.canary import create_canary
from infra.constructs.delivery_alarms import DeliveryAlarms
from infra.constructs.distribution import create_distribution
from infra.constructs.facts import PREFIX, deploy_facts
from infra.constructs.function import ClassifierFunction
from infra.constructs.http_api import ClassifierApi
from infra.constructs.image_scans import ImageScans
from infra.constructs.monitoring import Monitoring
from infra.constructs.names import EDGE_REGION
from infra.constructs.origin_secret import OriginSecret
from infra.constructs.plan import create_plan
from infra.constructs.rollout import create_rollout
from infra.constructs.site import create_site_bucket, create_uploader, deploy_site
from infra.packaging.facts import read_facts
from infra.stacks.edge import EdgeStack, hosted_zone


class ServiceStack(Stack):
    """Stack of the service: function, HTTP API, page, distribution and monitoring.

    Attributes:
        distribution: of page and API.
        topic: that the alarms of this region notify.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, edge: EdgeStack | None) -> None:
        super().__init__(
            scope,
            id,
            env={"region": settings.region},
            cross_region_references=edge is not None,
            description="Skin-lesion classifier: research and teaching only, not a medical device",
        )
        secret = OriginSecret(self, "OriginSecret", settings.origin_secret)
        function = ClassifierFunction(self, "Service", settings, secret.accepted)
        api = ClassifierApi(self, "Gateway", settings, function.alias)
        monitoring = Monitoring(self, "Watch", settings, api.api, function.alias)
        # A stopped function would refuse the canary's call.
        canary = (
            None if settings.stopped else create_canary(self, settings, function.function.current_version, secret.current)
        )
        create_rollout(self, settings, function.alias, monitoring.alarms.for_rollback, canary)
        self.topic = monitoring.topic
        ImageScans(self, "ImageScans", monitoring.topic)
        if not settings.alarm_email:
            Annotations.of(self).add_warning_v2(
                "lesion:no-alarm-email",
                "Nobody receives the alarms: set lesion:alarm_email, or subscribe to the output AlarmTopic.",
            )
        facts = read_facts(function.variables_without_secret)
        bucket = create_site_bucket(self, settings)
        self.distribution = distribution = create_distribution(
            self,
            settings,
            bucket=bucket,
            api_host=api.domain_name,
            secret=secret.current,
            certificate=_certificate(self, settings, edge),
            web_acl_arn=edge.web_acl_arn if edge else None,
            facts=facts,
        )
        # On a rotation, the function must accept the new secret before CloudFront sends it.
        distribution.node.add_dependency(function.alias)
        uploader = create_uploader(self, settings, bucket)
        deploy_site(self, bucket, distribution, uploader, kept=PREFIX)
        deploy_facts(self, facts, bucket, distribution, function.alias, uploader)
        if settings.region == EDGE_REGION:
            DeliveryAlarms(self, "Delivery", settings, distribution, monitoring.topic)
            create_plan(self, settings, distribution, edge.web_acl_arn if edge else None)
        if settings.hosted_zone_id:
            _records(self, settings, distribution)
        host = settings.domain_name or distribution.distribution_domain_name
        CfnOutput(self, "Address", value=f"https://{host}/", description="The page.")
        CfnOutput(self, "Host", value=distribution.distribution_domain_name, description="Target of a custom domain.")
        CfnOutput(self, "FunctionName", value=function.function.function_name)
        CfnOutput(self, "DistributionId", value=distribution.distribution_id)
        CfnOutput(self, "AlarmTopic", value=monitoring.topic.topic_arn, description="Subscribe to receive alarms.")
        CfnOutput(self, "DashboardName", value=monitoring.dashboard.dashboard_name)


def _certificate(scope: Construct, settings: Settings, edge: EdgeStack | None) -> ICertificate | None:
    if settings.certificate_arn:
        return Certificate.from_certificate_arn(scope, "Certificate", settings.certificate_arn)
    return edge.certificate if edge else None


def _records(scope: Construct, settings: Settings, distribution: Distribution) -> None:
    known = hosted_zone(scope, "Zone", settings)
    target = RecordTarget.from_alias(CloudFrontTarget(distribution))
    ARecord(scope, "Ipv4", zone=known, target=target)
    AaaaRecord(scope, "Ipv6", zone=known, target=target)
