"""One command serves page and API from one origin, with the cloud's headers, and says in a sentence why it cannot."""

import os
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from PIL import Image

from infra.packaging.bundle import SITE
from infra.packaging.headers import SECURITY_HEADERS

REPOSITORY = Path(__file__).parents[3]


def serve(environment: dict[str, str], **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "infra.dev.serve"],
        env={**environment, "PORT": "0", **variables},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("path", ["/", "/api/ping", "/api/nothing", "/nothing", "/samples/samples.json", "/api/docs"])
def test_every_answer_carries_the_clouds_headers(base_url: str, path: str) -> None:
    response = httpx2.get(base_url + path)
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


def test_the_policy_lets_nothing_in_from_elsewhere(base_url: str) -> None:
    policy = httpx2.get(base_url).headers["content-security-policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["default-src"] == "'none'"
    sources = {source for value in directives.values() for source in value.split()}
    assert sources == {"'none'", "'self'", "'wasm-unsafe-eval'", "blob:", "data:"}
    # WebAssembly, which private mode needs; no text becomes a script.
    assert directives["script-src"].split() == ["'self'", "'wasm-unsafe-eval'"]
    assert directives["worker-src"] == "'self'"


def test_page_and_api_are_one_origin(base_url: str) -> None:
    assert httpx2.get(base_url + "/samples/samples.json").json() == httpx2.get(base_url + "/api/samples").json()


def test_an_unknown_address_of_the_api_is_a_problem_and_of_the_page_is_not(base_url: str) -> None:
    api = httpx2.get(base_url + "/api/nothing")
    page = httpx2.get(base_url + "/nothing")
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")
    assert page.status_code == 404
    assert "problem" not in page.headers["content-type"]
    assert page.content == (SITE / "404.html").read_bytes()


@pytest.mark.parametrize("path", ["/about", "/about/", "/about?lang=de", "/diary"])
def test_views_of_the_page_have_addresses(base_url: str, path: str) -> None:
    page = httpx2.get(base_url + path)
    assert (page.status_code, page.content) == (200, httpx2.get(base_url + "/").content)


@pytest.mark.parametrize(
    "path", ["/../serve.py", "/%2e%2e/serve.py", "/..%2fserve.py", "/samples/../../serve.py", "//etc/passwd"]
)
def test_nothing_outside_the_page_is_served(base_url: str, path: str) -> None:
    host, port = base_url.removeprefix("http://").split(":")
    # By hand: clients tidy such paths up before they send them.
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.split(b" ")[1] in (b"404", b"400")
    assert b"import" not in answer and b"root:" not in answer


def test_server_classifies_an_image_over_the_network(base_url: str, image_bytes: bytes) -> None:
    response = httpx2.post(base_url + "/api/classify", files={"file": ("photo.jpg", image_bytes)}, timeout=60)
    assert response.status_code == 200
    image = response.json()["image"]
    assert (image["width"], image["height"], image["format"]) == (1504, 1129, "JPEG")


@pytest.mark.parametrize("size", [4_600_000, 20_000_000])
def test_an_upload_above_the_limit_gets_its_answer_and_not_a_broken_connection(base_url: str, size: int) -> None:
    response = httpx2.post(base_url + "/api/classify", content=bytes(size), timeout=60)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_the_log_has_no_query_and_stopping_is_clean(environment: dict[str, str], image_bytes: bytes) -> None:
    process = serve(environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        httpx2.post(
            f"{url}api/classify?views=1&secret=anna", files={"file": ("schmidt.jpg", image_bytes)}, timeout=60
        ).raise_for_status()
        httpx2.get(f"{url}nothing%0Aforged%1B[31m", timeout=60)
        process.send_signal(signal.SIGINT)
        out, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert out == ""
    assert "POST /api/classify 200" in log
    assert "GET /nothing%0Aforged%1B%5B31m 404" in log
    assert not [word for word in ("anna", "schmidt", "secret", "127.0.0.1", "Traceback") if word in log]


def fails(environment: dict[str, str], **variables: str) -> str:
    process = serve(environment, **variables)
    out, error = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert error.count("\n") == 1
    return error.strip()


def test_a_port_in_use_is_one_sentence(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert fails(environment, PORT=port).startswith(f"Port {port} cannot be opened")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"LESION_MODEL": os.devnull}, "not a complete ONNX file"),
        ({"LESION_MODEL": "nowhere.onnx"}, "Put a model there, or set LESION_MODEL"),
        ({"LESION_THREADS": "many"}, "LESION_THREADS is 'many'"),
        ({"LESION_SAMPLES": "infra"}, "is not a list of samples"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "70000"}, "PORT is '70000'"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    environment: dict[str, str], variables: dict[str, Any], sentence: str
) -> None:
    assert sentence in fails(environment, **variables)


def test_server_answers_while_it_classifies_an_image(base_url: str) -> None:
    # 40 megapixels of PNG, small to send and slow to decode.
    buffer = BytesIO()
    Image.new("RGB", (8000, 5000), (180, 130, 120)).save(buffer, "PNG")
    answers: list[int] = []

    def classify() -> None:
        answers.append(httpx2.post(base_url + "/api/classify", content=buffer.getvalue(), timeout=120).status_code)

    thread = Thread(target=classify)
    thread.start()
    time.sleep(0.1)
    pings = 0
    while thread.is_alive():
        assert httpx2.get(base_url + "/api/ping", timeout=30).status_code == 200
        pings += 1
    thread.join()
    assert answers == [200]
    assert pings >= 2
