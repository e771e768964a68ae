"""The deployment emulated on this machine from one template.

with Cloud(template, functions, certificate) as cloud:
    httpx2.get(f"{cloud.url}/api/ping", verify=certificate.client())
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from tests.support.cloud.bucket import Bucket
from tests.support.cloud.edge import Edge
from tests.support.cloud.front import Certificate, Front
from tests.support.cloud.function_settings import FunctionSettings
from tests.support.cloud.http_api import Functions, HttpApi
from tests.support.cloud.recorder import Recorder
from tests.support.cloud.template import Template
from tests.support.lambda_runtime.container import Container, Image
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.network import Network
from tests.support.lambda_runtime.process import Function
from tests.support.paths import REPOSITORY

START_SECONDS = 300
"""Seconds for initialisation, which on AWS does not count towards the first request's timeout."""


class Starter(Protocol):
    """Starts a function with the given settings; it ends with `stack`."""

    def __call__(self, settings: FunctionSettings, stack: ExitStack) -> RuntimeApi: ...


class Pool:
    """Running functions by their settings, shared between emulated clouds; a context manager."""

    def __init__(self, start: Starter) -> None:
        self._start = start
        self._running: dict[FunctionSettings, RuntimeApi] = {}
        self._stack = ExitStack()

    def __call__(self, settings: FunctionSettings) -> RuntimeApi:
        if settings not in self._running:
            runtime = self._start(settings, self._stack)
            runtime.invoke({}, seconds=START_SECONDS)
            self._running[settings] = runtime
        return self._running[settings]

    def running(self) -> list[RuntimeApi]:
        """Return the Runtime APIs of the running functions."""
        return list(self._running.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.__exit__(*details)


def in_image(image: Image, network: Network) -> Starter:
    """Return a starter of the built image, isolated, with the memory and environment of the template."""

    def start(settings: FunctionSettings, stack: ExitStack) -> RuntimeApi:
        runtime: RuntimeApi = stack.enter_context(network.call(RuntimeApi))
        variables = {"AWS_LAMBDA_FUNCTION_NAME": settings.name, **dict(settings.environment)}
        container = Container(image, network, runtime, environment=variables, memory=settings.memory)
        stack.enter_context(container)
        return runtime

    return start


def in_process(home: Path, changed: Mapping[str, str] | None = None) -> Starter:
    """Return a starter of the same handler as a local process, without the image and its limits.

    Args:
        home: folder that the process may use.
        changed: environment variables in place of those of the template.
    """

    def start(settings: FunctionSettings, stack: ExitStack) -> RuntimeApi:
        runtime = stack.enter_context(RuntimeApi())
        own = {"HOME": str(home), "PYTHONPATH": str(REPOSITORY / "lambda")}
        lambda_sets = {
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        }
        variables = {**own, **lambda_sets, **dict(settings.environment), **(changed or {})}
        stack.enter_context(Function(runtime, "lesion.handler.handler", variables, folder=REPOSITORY))
        return runtime

    return start


class Cloud:
    """Page, API and distribution of one template, a context manager.

    Attributes:
        certificate: of `url`.
        edge: the distribution, to be asked without a socket between.
        api: the HTTP API, whose own address the world can reach.
        url: the page with TLS, without a slash at the end.
        plain_url: the same without TLS.
    """

    def __init__(
        self, template: Template, functions: Functions, certificate: Certificate, recorder: Recorder | None = None
    ) -> None:
        self.certificate = certificate
        self._template = template
        buckets = [Bucket(template, name) for name in template.named("AWS::S3::Bucket")]
        apis = [HttpApi(template, name, functions, recorder) for name in template.named("AWS::ApiGatewayV2::Api")]
        (self.api,) = apis
        self.edge = Edge(template, buckets, apis, recorder)
        self._front = Front(self.edge, certificate)
        self.url, self.plain_url = self._front.url, self._front.plain_url

    def origin_secret(self) -> str:
        """Return the secret that the distribution sends to the API."""
        config = self._template.resolve(self._template.only("AWS::CloudFront::Distribution")["DistributionConfig"])
        (header,) = (item for origin in config["Origins"] for item in origin.get("OriginCustomHeaders", ()))
        return str(header["HeaderValue"])

    def __enter__(self) -> Self:
        self._front.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self._front.__exit__(*details)
