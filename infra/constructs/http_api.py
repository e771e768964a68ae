"""HTTP API in front of the function: payload format 2.0, throttled, with an access log without personal data."""

import json

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import CfnStage, HttpApi, HttpMethod, HttpStage, PayloadFormatVersion, ThrottleSettings
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_lambda import IFunction
from constructs import Construct

from infra.config import GATEWAY_SECONDS, Settings
from infra.constructs.function import log_group
from infra.constructs.nag import acknowledge

ACCESS_LOG = {
    "time": "$context.requestTimeEpoch",
    "request_id": "$context.requestId",
    "function_request_id": "$context.integration.requestId",
    # The route, not the path: a path is arbitrary user input.
    "route": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "function_status": "$context.integration.status",
    "bytes_out": "$context.responseLength",
    "ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
}
"""Fields of the access log: no IP address, user agent, query or body."""


class ClassifierApi(Construct):
    """HTTP API and its stage.

    Attributes:
        api: the HTTP API. Its own address is public, see `infra.constructs.origin_secret`.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, function: IFunction) -> None:
        super().__init__(scope, id)
        self.api = HttpApi(self, "Api", create_default_stage=False, description="The classifier, behind CloudFront.")
        integration = HttpLambdaIntegration(
            "Function",
            function,
            payload_format_version=PayloadFormatVersion.VERSION_2_0,
            timeout=Duration.seconds(GATEWAY_SECONDS),
        )
        # One route: the function answers unknown paths and methods itself, as problem+json.
        routes = self.api.add_routes(path="/api/{proxy+}", methods=[HttpMethod.ANY], integration=integration)
        for route in routes:
            acknowledge(
                route,
                {
                    "AwsSolutions-APIG4": "The demonstration is public on purpose. The function refuses requests that "
                    "do not come through CloudFront (infra/constructs/origin_secret.py), without an authoriser's delay."
                },
            )
        stage = HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=ThrottleSettings(rate_limit=settings.requests_per_second, burst_limit=settings.burst),
        )
        # HttpStage's argument for it is not usable from Python.
        resource = stage.node.default_child
        assert isinstance(resource, CfnStage)
        resource.access_log_settings = CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "Log", settings).log_group_arn, format=json.dumps(ACCESS_LOG)
        )

    @property
    def domain_name(self) -> str:
        """Return the host of the API's own address, the origin of CloudFront."""
        return f"{self.api.http_api_id}.execute-api.{self.api.stack.region}.{self.api.stack.url_suffix}"
