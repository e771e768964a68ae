"""The real `awslambdaric` process behind an emulated Lambda: bodies arrive unchanged, failures become responses."""

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.support.lambda_runtime.emulator import FunctionFailed, PayloadTooLarge, RuntimeApi
from tests.support.lambda_runtime.gateway import Gateway
from tests.support.lambda_runtime.process import Function, wait_for_log

FORMATS = ("2.0", "1.0")


class Stage:
    """A function behind one gateway of each payload format."""

    def __init__(self, runtime: RuntimeApi, function: Function, gateways: dict[str, Gateway]) -> None:
        self.runtime, self.function = runtime, function
        self.urls = {name: gateway.url for name, gateway in gateways.items()}


def stage(handler: str, environment: dict[str, str]) -> Iterator[Stage]:
    with ExitStack() as stack:
        runtime = stack.enter_context(RuntimeApi())
        function = stack.enter_context(Function(runtime, handler, environment))
        gateways = {name: stack.enter_context(Gateway(runtime, payload_format=name)) for name in FORMATS}
        yield Stage(runtime, function, gateways)


@pytest.fixture(scope="module")
def lesion(environment: dict[str, str], stand_in_file: Any) -> Iterator[Stage]:
    yield from stage("lesion.handler.handler", {**environment, "LESION_MODEL": str(stand_in_file)})


@pytest.fixture(scope="module")
def echo(environment: dict[str, str]) -> Iterator[Stage]:
    yield from stage("tests.support.lambda_runtime.echo.handler", environment)


def classified(response: Any) -> Any:
    assert response.status_code == 200, response.text
    return {name: value for name, value in response.json().items() if name != "timing_ms"}


@pytest.mark.parametrize("payload_format", FORMATS)
def test_form_is_answered_as_in_process(lesion: Stage, client: TestClient, image_bytes: bytes, payload_format: str) -> None:
    url = f"{lesion.urls[payload_format]}/api/classify?views=1"
    response = httpx2.post(url, files={"file": ("photo.jpg", image_bytes, "image/jpeg")}, timeout=60)
    assert classified(response) == classified(client.post("/api/classify?views=1", content=image_bytes))
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("payload_format", FORMATS)
def test_body_is_answered_as_in_process(lesion: Stage, client: TestClient, image_bytes: bytes, payload_format: str) -> None:
    url = f"{lesion.urls[payload_format]}/api/classify?views=8&evidence=false"
    response = httpx2.post(url, content=image_bytes, headers={"content-type": "image/jpeg"}, timeout=60)
    assert classified(response) == classified(client.post("/api/classify?views=8&evidence=false", content=image_bytes))


@pytest.mark.parametrize("payload_format", FORMATS)
@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "multipart/form-data; boundary=x", None])
def test_body_arrives_unchanged(echo: Stage, payload_format: str, kind: str | None) -> None:
    body = bytes(range(256)) * 4000 + b"\r\n--x--\xff\xfe"
    response = httpx2.post(
        echo.urls[payload_format], content=body, headers={"content-type": kind} if kind else {}, timeout=60
    )
    told = response.json()
    assert (told["sha256"], told["encoded"]) == (hashlib.sha256(body).hexdigest(), True)
    assert told["version"] == payload_format
    assert told["trace"].startswith("Root=1-")


def test_api_documentation_passes_the_gateway(lesion: Stage, client: TestClient) -> None:
    response = httpx2.get(f"{lesion.urls['2.0']}/api/docs", timeout=60)
    assert response.text == client.get("/api/docs").text
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_problem_passes_the_gateway(lesion: Stage) -> None:
    response = httpx2.get(f"{lesion.urls['2.0']}/api/classify?sample=nobody", timeout=60)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("event", [{}, {"source": "aws.events"}, {"Records": []}, "warm"])
def test_warm_up_event_is_answered(lesion: Stage, event: Any) -> None:
    assert lesion.runtime.invoke(event) == {"status": "warm", "model": "stand-in"}


@pytest.mark.parametrize("payload_format", FORMATS)
def test_largest_upload_passes_and_one_more_byte_fails(lesion: Stage, image_bytes: bytes, payload_format: str) -> None:
    url = f"{lesion.urls[payload_format]}/api/classify"
    # Decoders ignore zeros after the end of a JPEG.
    largest = image_bytes + bytes(4_500_000 - len(image_bytes))
    assert httpx2.post(url, files={"file": ("photo.jpg", largest)}, timeout=60).status_code == 200
    response = httpx2.post(url, content=largest + b"\0", timeout=60)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(("size", "message"), [(5_000_000, "Request Too Long"), (11_000_000, "Request Entity Too Large")])
def test_gateway_answers_for_bodies_too_large_for_lambda(lesion: Stage, size: int, message: str) -> None:
    response = httpx2.post(f"{lesion.urls['2.0']}/api/classify", content=bytes(size), timeout=60)
    assert (response.status_code, response.json()) == (413, {"message": message})


@pytest.mark.parametrize("payload_format", FORMATS)
def test_log_contains_nothing_of_the_caller(lesion: Stage, image_bytes: bytes, payload_format: str) -> None:
    url = lesion.urls[payload_format]
    before = len(lesion.function.lines)
    httpx2.post(f"{url}/api/classify?note=anna", files={"file": ("schmidt.jpg", image_bytes)}, timeout=60).raise_for_status()
    # Dependencies would log paths and malformed forms at the log level of the stack.
    assert httpx2.put(f"{url}/api/classify/schmidt.jpg", content=image_bytes, timeout=60).status_code == 404
    broken = b"--x\r\nContent Disposition: anna\r\n\r\n\r\n--x--"
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert httpx2.post(f"{url}/api/classify", content=broken, headers=form, timeout=60).status_code == 400
    assert wait_for_log(lesion.function.log, '"status":400')
    assert not [word for word in ("anna", "schmidt", "Traceback", "ERROR", "WARN") if word in lesion.function.log()]
    assert {json.loads(line)["service"] for line in lesion.function.lines[before:]} == {"lesion"}


def test_context_has_remaining_time_and_request_id(echo: Stage) -> None:
    first, second = (echo.runtime.invoke({"number": number}, seconds=9) for number in range(2))
    assert first["event"] == {"number": 0}
    assert 0 < first["left_ms"] <= 9000
    assert first["id"] != second["id"]


def test_error_of_the_function_is_reported(echo: Stage) -> None:
    with pytest.raises(FunctionFailed, match="ValueError: as was wished"):
        echo.runtime.invoke({"wish": "raise"})
    assert wait_for_log(echo.function.log, "as was wished")
    assert echo.runtime.invoke({"still": "there"})["event"] == {"still": "there"}


def test_oversized_response_raises(echo: Stage) -> None:
    with pytest.raises(PayloadTooLarge):
        echo.runtime.invoke({"wish": "large"})


def test_failed_initialisation_is_reported(environment: dict[str, str]) -> None:
    missing = {**environment, "LESION_MODEL": "/nowhere.onnx"}
    with RuntimeApi() as runtime, Function(runtime, "lesion.handler.handler", missing), Gateway(runtime) as gateway:
        with pytest.raises(FunctionFailed, match="Put a model there, or set LESION_MODEL"):
            runtime.invoke({})
        response = httpx2.get(f"{gateway.url}/api/ping", timeout=60)
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_dead_function_is_reported(environment: dict[str, str]) -> None:
    with (
        RuntimeApi() as runtime,
        Function(runtime, "tests.support.lambda_runtime.echo.handler", environment),
        pytest.raises(FunctionFailed, match="has ended"),
    ):
        runtime.invoke({"wish": "die"})


def test_slow_function_times_out(environment: dict[str, str]) -> None:
    with RuntimeApi() as runtime, Function(runtime, "tests.support.lambda_runtime.echo.handler", environment):
        runtime.invoke({})
        started = time.monotonic()
        with pytest.raises(FunctionFailed, match=r"no answer in 0\.5 seconds"):
            runtime.invoke({"wish": "sleep"}, seconds=0.5)
    assert time.monotonic() - started < 5


def test_events_skip_dead_functions(environment: dict[str, str]) -> None:
    with RuntimeApi() as runtime, Function(runtime, "tests.support.lambda_runtime.echo.handler", environment) as first:
        runtime.invoke({})
        with Function(runtime, "tests.support.lambda_runtime.echo.handler", environment):
            first.kill()
            assert runtime.invoke({"number": 1})["event"] == {"number": 1}


def test_two_functions_run_concurrently(environment: dict[str, str]) -> None:
    with (
        RuntimeApi() as runtime,
        Gateway(runtime) as gateway,
        Function(runtime, "tests.support.lambda_runtime.echo.handler", environment),
        Function(runtime, "tests.support.lambda_runtime.echo.handler", environment),
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda _: httpx2.post(gateway.url, content=bytes(100_000), timeout=60), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.loads(answer.text)["process"] for answer in answers}) == 2
