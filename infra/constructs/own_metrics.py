"""Metrics that the function's log lines create (`lesion.web.access_log`)."""

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Metric, Unit
from aws_cdk.aws_lambda import Alias
from lesion.web.access_log import NAMESPACE, SERVICE

from infra.constructs.alarms import FIVE_MINUTES


def own_metric(alias: Alias, name: str, unit: Unit, statistic: str, period: Duration = FIVE_MINUTES) -> Metric:
    """Return a metric of the function behind `alias`.

    Args:
        alias: of the function.
        name: as the access log writes it.
        unit: as the access log writes it.
        statistic: of a period.
        period: over which the statistic is computed.
    """
    dimensions = {SERVICE: alias.lambda_.function_name}
    return Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, unit=unit, period=period
    )
