"""The HTTP API of the template: stage, throttle, routes, integration and permission to invoke the function."""

import json
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from tests.support.cloud.function_settings import FunctionSettings, function_of
from tests.support.cloud.messages import Headers, Request, Response, value
from tests.support.cloud.recorder import Recorder
from tests.support.cloud.routes import Route
from tests.support.cloud.template import ACCOUNT, NotEmulated, Template, know
from tests.support.lambda_runtime import events
from tests.support.lambda_runtime.emulator import FunctionFailed, PayloadTooLarge, RuntimeApi

# Logs and words: what they hold is the matter of tests/infra.
_UNHEARD = {"AccessLogSettings", "AutoDeploy", "Description", "Name", "Tags"}


Functions = Callable[[FunctionSettings], RuntimeApi]
"""Returns the Runtime API of a function with these settings."""


class HttpApi:
    """One API with the stage `$default`.

    Attributes:
        event: the last that went to a function.
        clock: in seconds, by which the throttle counts.
    """

    def __init__(self, template: Template, name: str, functions: Functions, recorder: Recorder | None = None) -> None:
        self.event: dict[str, Any] = {}
        self.clock = time.monotonic
        self._recorder = Recorder(template.region) if recorder is None else recorder
        self._running = 0
        self._lock = threading.Lock()
        self._template = template
        self._name = name
        self._functions = functions
        api = template.resolve(template.named("AWS::ApiGatewayV2::Api")[name])
        know(api, "The API", ("ProtocolType",), _UNHEARD)
        self._open(self._of("AWS::ApiGatewayV2::Stage"))
        self._routes = [Route.read(item) for item in self._of("AWS::ApiGatewayV2::Route").values()]
        self._integrations = self._of("AWS::ApiGatewayV2::Integration")

    @property
    def host(self) -> str:
        return f"{self._name}.execute-api.{self._template.region}.amazonaws.com"

    def answer(self, request: Request, seconds: float) -> Response:
        """Return the response to a request at the API's own endpoint.

        Raises:
            TimeoutError: not in so many seconds, though the API itself would wait longer.
        """
        started = time.monotonic()
        response = self._answer(request, seconds)
        self._recorder.api_answered(self._name, "$default", response.status, 1000 * (time.monotonic() - started))
        return response

    def _answer(self, request: Request, seconds: float) -> Response:
        if len(request.body) > events.REQUEST_BYTES:
            return _said(413, "Request Entity Too Large")
        if not self._passes():
            return _said(429, "Too Many Requests")
        route = self._choose(request)
        if route is None:
            return _said(404, "Not Found")
        return self._call(route, request, seconds)

    @contextmanager
    def frozen_clock(self) -> Iterator[None]:
        """Stop the clock of the throttle, so that its token bucket does not refill on a slow machine."""
        now = self.clock()
        self.clock, before = (lambda: now), self.clock
        try:
            yield
        finally:
            self.clock = before

    def _of(self, kind: str) -> dict[str, dict[str, Any]]:
        every = {name: self._template.resolve(item) for name, item in self._template.named(kind).items()}
        return {name: item for name, item in every.items() if item["ApiId"] == self._name}

    def _open(self, stages: dict[str, dict[str, Any]]) -> None:
        if [stage["StageName"] for stage in stages.values()] != ["$default"]:
            raise NotEmulated("The API's stages are not $default alone.")
        (stage,) = stages.values()
        know(stage, "The stage", ("ApiId", "StageName", "DefaultRouteSettings"), _UNHEARD)
        throttle = stage.get("DefaultRouteSettings", {})
        know(throttle, "The stage's throttle", ("ThrottlingBurstLimit", "ThrottlingRateLimit"))
        # Without these, the account's limits of thousands of requests apply.
        self._burst = float(throttle.get("ThrottlingBurstLimit", 5000))
        self._rate = float(throttle.get("ThrottlingRateLimit", 10_000))
        self._left, self._seen = self._burst, self.clock()

    def _passes(self) -> bool:
        now = self.clock()
        self._left = min(self._burst, self._left + self._rate * (now - self._seen))
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _choose(self, request: Request) -> Route | None:
        fitting = [
            route
            for route in self._routes
            if route.method in ("", "ANY", request.method) and route.pattern.fullmatch(request.path)
        ]
        # A specific path takes precedence over a greedy one, and a specific method over ANY.
        fitting.sort(key=lambda route: (route.path == "$default", "+}" in route.path, route.method == "ANY"))
        return fitting[0] if fitting else None

    def _call(self, route: Route, request: Request, patience: float) -> Response:
        integration = self._integrations[route.integration]
        known = ("ApiId", "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis")
        know(integration, "The integration", known)
        if integration["IntegrationType"] != "AWS_PROXY":
            raise NotEmulated(f"An integration of type {integration['IntegrationType']}.")
        target = integration["IntegrationUri"]
        if not self._may_call(target, route, request.method):
            return _said(500, "Internal Server Error")
        function, alias = target.split(":")[-2:]
        if not self._starts(target):
            # Lambda throttles the call, which an HTTP API answers with 503.
            self._recorder.throttled(function, alias)
            return _said(503, "Service Unavailable")
        settings = FunctionSettings.read(self._template, target)
        waits = integration.get("TimeoutInMillis", 30_000) / 1000
        most = min(waits, settings.seconds, patience)
        self.event = self._make_event(integration.get("PayloadFormatVersion", "1.0"), route, request)
        try:
            answer = self._invoke(settings, alias, most)
            status, headers, body = events.response(answer)
        except PayloadTooLarge:
            return _said(413, "Request Too Long")
        except FunctionFailed as failure:
            if failure.kind != "Sandbox.Timedout" or most == settings.seconds:
                return _said(500, "Internal Server Error")
            if most == waits:
                return _said(503, "Service Unavailable")
            raise TimeoutError from failure
        except ValueError:
            return _said(500, "Internal Server Error")
        return Response(status, (*headers.items(), ("Apigw-Requestid", uuid.uuid4().hex[:16])), body)

    def _starts(self, target: str) -> bool:
        """Return whether the reserved concurrency allows one more invocation, and count it; without one, all are allowed."""
        with self._lock:
            if self._running >= function_of(self._template, target).get("ReservedConcurrentExecutions", math.inf):
                return False
            self._running += 1
            return True

    def _invoke(self, settings: FunctionSettings, alias: str, seconds: float) -> Any:
        started, failed = time.monotonic(), True
        try:
            answer = self._functions(settings).invoke(self.event, seconds=seconds)
            failed = False
        finally:
            with self._lock:
                self._running -= 1
            self._recorder.invoked(settings.name, alias, 1000 * (time.monotonic() - started), failed=failed)
        return answer

    def _may_call(self, target: str, route: Route, method: str) -> bool:
        caller = f"arn:aws:execute-api:{self._template.region}:{ACCOUNT}:{self._name}/$default/{method}{route.path}"
        permissions = [self._template.resolve(item) for item in self._template.named("AWS::Lambda::Permission").values()]
        return any(
            permission["FunctionName"] == target
            and permission["Action"] == "lambda:InvokeFunction"
            and permission["Principal"] == "apigateway.amazonaws.com"
            and fnmatchcase(caller, permission.get("SourceArn", "*"))
            for permission in permissions
        )

    def _make_event(self, version: str, route: Route, request: Request) -> dict[str, Any]:
        host: Headers = (("Host", self.host),)
        headers = request.headers if value(request.headers, "Host") else (*request.headers, *host)
        plain = events.Request(request.method, request.target, headers, request.body, request.source)
        parts = route.pattern.fullmatch(request.path)
        path_parameters = {name: unquote(text) for name, text in (parts.groupdict() if parts else {}).items()}
        if version == "1.0":
            return {**events.version_1(plain), "resource": route.path, "pathParameters": path_parameters}
        if version != "2.0":
            raise NotEmulated(f"Payload format {version}.")
        event = events.version_2(plain)
        event["routeKey"] = event["requestContext"]["routeKey"] = route.key
        event["requestContext"]["apiId"] = self._name
        return {**event, **({"pathParameters": path_parameters} if path_parameters else {})}


def _said(status: int, message: str) -> Response:
    return Response(status, (("Content-Type", "application/json"),), json.dumps({"message": message}).encode())
