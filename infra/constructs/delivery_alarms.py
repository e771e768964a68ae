"""Alarms of CloudFront: traffic that nobody throttles, and errors at the edge. Their metrics exist in us-east-1 only."""

from aws_cdk.aws_cloudfront import IDistribution
from aws_cdk.aws_cloudwatch import Metric, Stats
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from infra.config import Settings
from infra.constructs.alarms import FIVE_MINUTES, alarm

EDGE_ERROR_PERCENT = 5
EDGE_ERROR_PERIODS = 3
BYTES_PER_MB = 1_000_000


class DeliveryAlarms(Construct):
    """Alarms on requests, downloads and server errors of a distribution."""

    def __init__(self, scope: Construct, id: str, settings: Settings, distribution: IDistribution, topic: ITopic) -> None:
        super().__init__(scope, id)
        identifier = distribution.distribution_id
        alarm(
            self,
            "Requests",
            topic,
            _metric(identifier, "Requests", Stats.SUM),
            settings.alarm_requests,
            description="CloudFront receives many requests.",
        )
        alarm(
            self,
            "Downloads",
            topic,
            _metric(identifier, "BytesDownloaded", Stats.SUM),
            settings.alarm_download_mb * BYTES_PER_MB,
            description="CloudFront sends much data.",
        )
        alarm(
            self,
            "EdgeErrors",
            topic,
            _metric(identifier, "5xxErrorRate", Stats.AVERAGE),
            EDGE_ERROR_PERCENT,
            EDGE_ERROR_PERIODS,
            description="CloudFront answers a share of requests with server errors.",
        )


def _metric(identifier: str, name: str, statistic: str) -> Metric:
    return Metric(
        namespace="AWS/CloudFront",
        metric_name=name,
        dimensions_map={"DistributionId": identifier, "Region": "Global"},
        statistic=statistic,
        period=FIVE_MINUTES,
    )
