"""Dashboard of the function and its API. docs/operations.md explains each graph."""

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import HttpApi
from aws_cdk.aws_cloudwatch import AlarmStatusWidget, Dashboard, GraphWidget, IWidget, Stats, Unit
from aws_cdk.aws_lambda import Alias
from constructs import Construct

from infra.constructs.own_metrics import own_metric
from infra.constructs.service_alarms import Alarms


def create_dashboard(scope: Construct, api: HttpApi, alias: Alias, alarms: Alarms) -> Dashboard:
    """Create the dashboard, which shows a day by default."""
    dashboard = Dashboard(scope, "Dashboard", default_interval=Duration.days(1))
    dashboard.add_widgets(*_widgets(api, alias, alarms))
    return dashboard


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
            left=[own_metric(alias, name, Unit.COUNT, Stats.SUM) for name in ("Classified", "Refused", "Rejected")],
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
                own_metric(alias, name, Unit.MILLISECONDS, which)
                for name in ("DecodeTime", "InferTime")
                for which in (p50, p95)
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
