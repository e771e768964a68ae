"""The HTTP API in front of the function: payload format 2.0, throttled, with an access log that knows no person."""

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
    # The route, not the path: a path is whatever a stranger types.
    "route": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "function_status": "$context.integration.status",
    "bytes_out": "$context.responseLength",
    "ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
}
"""What is kept of a request: no address, no user agent, no query, nothing that was sent."""


class ClassifierApi(Construct):
    """API and stage.

    Attributes:
        api: the HTTP API; its own address is open to the world, see `infra.constructs.origin_secret`.
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
        # One route: which methods and paths there are is the function's to say, as problem+json.
        routes = self.api.add_routes(path="/api/{proxy+}", methods=[HttpMethod.ANY], integration=integration)
        for route in routes:
            acknowledge(
                route,
                {
                    "AwsSolutions-APIG4": "The demonstration is open to everybody on purpose. That requests come through "
                    "CloudFront is checked by the function (infra/constructs/origin_secret.py), which costs no second function and no wait."
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
        # HttpStage's own argument for it cannot be given from Python.
        resource = stage.node.default_child
        assert isinstance(resource, CfnStage)
        resource.access_log_settings = CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "Log", settings).log_group_arn, format=json.dumps(ACCESS_LOG)
        )

    @property
    def domain_name(self) -> str:
        """Host of the API's own address, for CloudFront."""
        return f"{self.api.http_api_id}.execute-api.{self.api.stack.region}.{self.api.stack.url_suffix}"
