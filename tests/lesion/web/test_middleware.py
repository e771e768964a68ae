"""The middleware checks the origin secret and removes it, answers HEAD, and answers unhandled errors."""

from typing import Any

import pytest
from lesion.web.middleware import ORIGIN_HEADER, HttpSemantics, OriginGuard, UnhandledErrors
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

NEW, OLD = "n" * 48, "o" * 48


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the names of the headers and the length of the body that arrived."""
    request = Request(scope, receive)
    await JSONResponse([sorted(request.headers), len(await request.body())])(scope, receive, send)


@pytest.fixture
def client() -> TestClient:
    return TestClient(OriginGuard(echo, frozenset({NEW, OLD})))


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_origin_guard_accepts_and_removes_secrets(client: TestClient, secret: str) -> None:
    response = client.post("/api/classify", content=b"photo", headers={ORIGIN_HEADER: secret, "Accept": "a/b"})
    names, length = response.json()
    assert (response.status_code, length) == (200, 5)
    assert "accept" in names
    assert ORIGIN_HEADER not in names


@pytest.mark.parametrize("shown", [None, "", "n" * 47, "n" * 49, "N" * 48, f"{NEW},{OLD}", "x" * 48])
def test_origin_guard_rejects_other_values(client: TestClient, shown: str | None) -> None:
    response = client.post("/api/classify", content=b"photo", headers={} if shown is None else {ORIGIN_HEADER: shown})
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "wrong_origin"
    assert NEW not in response.text and OLD not in response.text


def test_origin_guard_rejects_two_headers(client: TestClient) -> None:
    assert client.get("/", headers=[(ORIGIN_HEADER, NEW), (ORIGIN_HEADER, "x")]).status_code == 403


def test_origin_guard_compares_bytes_outside_ascii(client: TestClient) -> None:
    assert client.get("/", headers=[(ORIGIN_HEADER.encode(), b"\xff" * 48)]).status_code == 403


def test_origin_guard_without_secrets_accepts_all() -> None:
    assert TestClient(OriginGuard(echo, frozenset())).get("/").status_code == 200


@pytest.mark.parametrize("middleware", [HttpSemantics, lambda app: OriginGuard(app, frozenset({NEW}))])
def test_middleware_passes_other_scopes(middleware: Any) -> None:
    """The lifespan of the application is not a request."""
    scopes = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope["type"])
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with TestClient(middleware(app)):
        pass
    assert scopes == ["lifespan"]


def test_http_semantics_replaces_cache_control() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(scope["method"], headers={"Cache-Control": "public"})(scope, receive, send)

    client = TestClient(HttpSemantics(app))
    got, head = client.get("/"), client.head("/")
    assert (got.json(), head.content) == ("GET", b"")
    assert got.headers == head.headers and got.headers.get_list("cache-control") == ["no-store"]


def test_unhandled_error_after_the_start_adds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An answer that has started cannot be replaced; the error is logged."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse("answer")(scope, receive, send)
        raise RuntimeError("afterwards")

    response = TestClient(UnhandledErrors(app)).get("/")
    assert (response.status_code, response.json()) == (200, "answer")
    messages = [record.getMessage().splitlines()[0] for record in caplog.records if record.name == "lesion"]
    assert messages == ["unhandled error in GET (no route): RuntimeError"]
