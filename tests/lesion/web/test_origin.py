"""Where secrets are set, only a request that shows one of them is answered; and the secret goes no further."""

import pytest
from lesion.web.middleware import ORIGIN_HEADER, OriginGuard
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

NEW, OLD = "n" * 48, "o" * 48


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the names of the headers and the length of the body that arrived."""
    request = Request(scope, receive)
    await JSONResponse([sorted(request.headers), len(await request.body())])(scope, receive, send)


@pytest.fixture
def client() -> TestClient:
    return TestClient(OriginGuard(echo, frozenset({NEW, OLD})))


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_either_secret_opens_and_is_taken_away(client: TestClient, secret: str) -> None:
    response = client.post("/api/classify", content=b"photo", headers={ORIGIN_HEADER: secret, "Accept": "a/b"})
    names, length = response.json()
    assert (response.status_code, length) == (200, 5)
    assert "accept" in names
    assert ORIGIN_HEADER not in names


@pytest.mark.parametrize("shown", [None, "", "n" * 47, "n" * 49, "N" * 48, f"{NEW},{OLD}", "x" * 48])
def test_anything_else_is_a_problem_that_tells_nothing(client: TestClient, shown: str | None) -> None:
    response = client.post("/api/classify", content=b"photo", headers={} if shown is None else {ORIGIN_HEADER: shown})
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "wrong_origin"
    assert NEW not in response.text and OLD not in response.text


def test_two_headers_do_not_open_though_one_of_them_would(client: TestClient) -> None:
    assert client.get("/", headers=[(ORIGIN_HEADER, NEW), (ORIGIN_HEADER, "x")]).status_code == 403


def test_bytes_outside_ascii_are_compared_and_not_a_fault(client: TestClient) -> None:
    assert client.get("/", headers=[(ORIGIN_HEADER.encode(), b"\xff" * 48)]).status_code == 403


def test_without_secrets_everything_passes() -> None:
    assert TestClient(OriginGuard(echo, frozenset())).get("/").status_code == 200
