"""Every error is application/problem+json with a stable code; unhandled errors reveal nothing about the caller."""

import logging
import re
import threading
import zlib
from typing import Any

import pytest
from lesion import errors
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web import api, problems
from lesion.web.api import create_app
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

SECRET = "anna-schmidt-left-arm"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert list(problem) == ["type", "title", "status", "detail", "code"]
    assert (problem["type"], problem["status"], problem["code"]) == (f"/api/docs#{code}", status, code)
    assert problem["title"] == problems.codes()[code][1]
    assert problem["detail"].endswith(".")
    return problem


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/api/classify", b"GIF", 415, "unsupported_format"),
        ("POST", "/api/classify", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_format"),
        ("POST", "/api/classify", b"%PDF-1.7", 415, "unsupported_format"),
        ("POST", "/api/classify", b"\xff\xd8\xff" + bytes(100), 400, "invalid_image"),
        ("POST", "/api/classify", b"", 422, "missing_file"),
        ("POST", "/api/classify?views=2", b"x", 422, "invalid_parameter"),
        ("POST", "/api/classify?views=many", b"x", 422, "invalid_parameter"),
        ("POST", "/api/classify?evidence=perhaps", b"x", 422, "invalid_parameter"),
        ("GET", "/api/classify", None, 422, "missing_file"),
        ("GET", "/api/classify?sample=a&url=b", None, 422, "invalid_parameter"),
        ("GET", "/api/classify?sample=../samples/README", None, 404, "not_found"),
        ("GET", "/api/classify?sample=", None, 404, "not_found"),
        ("GET", "/api/classify?url=https://example.org/a.jpg", None, 403, "url_not_allowed"),
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("GET", "/api", None, 404, "not_found"),
        ("GET", "/", None, 404, "not_found"),
        ("GET", "/api/ping/", None, 404, "not_found"),
        ("GET", "/docs", None, 404, "not_found"),
        ("GET", "/openapi.json", None, 404, "not_found"),
        ("PUT", "/api/classify", b"x", 405, "method_not_allowed"),
        ("DELETE", "/api/model", None, 405, "method_not_allowed"),
    ],
)
def test_every_error_is_a_problem(
    client: TestClient, method: str, path: str, content: bytes | None, status: int, code: str
) -> None:
    assert_problem(client.request(method, path, content=content), status, code)


def test_invalid_parameter_names_the_accepted_values(client: TestClient) -> None:
    problem = assert_problem(client.post("/api/classify?views=2", content=b"x"), 422, "invalid_parameter")
    assert "views: input should be 1 or 8" in problem["detail"]


@pytest.mark.parametrize(("path", "methods"), [("/api/classify", "GET, HEAD, POST"), ("/api/ping", "GET, HEAD")])
def test_wrong_method_lists_the_allowed_methods(client: TestClient, path: str, methods: str) -> None:
    response = client.patch(path)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == methods


def test_image_with_too_many_pixels_is_too_large(client: TestClient) -> None:
    # The header of a PNG of 20,000 x 20,000 pixels.
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    data = header + zlib.crc32(header[12:]).to_bytes(4) + b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4)
    problem = assert_problem(client.post("/api/classify", content=data), 413, "too_large")
    assert "50 megapixels" in problem["detail"]


def test_failed_fetch_is_a_bad_gateway(stand_in: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any, **__: Any) -> bytes:
        raise errors.FetchFailed("The address answered 404.")

    monkeypatch.setattr(api, "fetch", fetch)
    client = TestClient(create_app(Settings(url_hosts=frozenset({"example.org"})), stand_in))
    assert_problem(client.get("/api/classify?url=https://example.org/a.jpg"), 502, "fetch_failed")


def test_fetch_timeout_is_a_bad_gateway(stand_in: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(api, "fetch", lambda *_, **__: ended.wait(20))
    monkeypatch.setattr(api, "FETCH_TIMEOUT_S", 0.05)
    client = TestClient(create_app(Settings(url_hosts=frozenset({"example.org"})), stand_in))
    assert_problem(client.get("/api/classify?url=https://example.org/a.jpg"), 502, "fetch_failed")
    ended.set()


def test_unhandled_error_reveals_nothing(
    stand_in: Model, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, image_bytes: bytes
) -> None:
    """Neither the answer nor the log quotes the request, and the answer contains no number."""

    def broken(data: bytes, *_: Any, **__: Any) -> Any:
        try:
            raise OSError(f"{SECRET} {data[:20]!r}")
        except OSError as error:
            raise RuntimeError(SECRET) from error

    monkeypatch.setattr(api, "classify", broken)
    client = TestClient(create_app(Settings(), stand_in))
    with caplog.at_level(logging.DEBUG):
        response = client.post(f"/api/classify?views=8&name={SECRET}", files={"file": (f"{SECRET}.jpg", image_bytes)})
    problem = assert_problem(response, 500, "fault")
    assert not re.search(r"\d", problem["detail"])
    messages = [record.getMessage() for record in caplog.records if record.name == "lesion"]
    assert len(messages) == 1
    assert messages[0].startswith("unhandled error in POST /api/classify: RuntimeError from OSError\n")
    assert "in broken" in messages[0]
    assert not any(SECRET in record.getMessage() for record in caplog.records if not record.name.startswith("http"))


def test_service_continues_after_unhandled_error(
    stand_in: Model, monkeypatch: pytest.MonkeyPatch, image_bytes: bytes
) -> None:
    client = TestClient(create_app(Settings(), stand_in))
    with monkeypatch.context() as patch:
        patch.setattr(api, "classify", lambda *_, **__: 1 / 0)
        assert_problem(client.post("/api/classify", content=image_bytes), 500, "fault")
    assert client.post("/api/classify", content=image_bytes).status_code == 200


def test_nan_is_an_unhandled_error(stand_in: Model, image_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise errors.InferenceError("The model's answer is not a number.")

    monkeypatch.setattr(stand_in, "run", broken)
    assert_problem(TestClient(create_app(Settings(), stand_in)).post("/api/classify", content=image_bytes), 500, "fault")


def test_codes_are_unique_and_documented() -> None:
    kinds = errors.RequestError.__subclasses__()
    assert len({kind.code for kind in kinds} - {"invalid_request"}) == len(kinds) - 1
    assert problems.codes() == {
        "invalid_request": (400, "The request cannot be read"),
        "missing_file": (422, "No image in the request"),
        "too_many_images": (422, "Too many images in the request"),
        "invalid_parameter": (422, "A parameter is out of range"),
        "unsupported_image_type": (422, "The model does not support this image type"),
        "too_large": (413, "The image is too large"),
        "unsupported_format": (415, "Not a supported image format"),
        "invalid_image": (400, "The image is truncated or corrupt"),
        "not_found": (404, "Not found"),
        "method_not_allowed": (405, "Another method is needed"),
        "url_not_allowed": (403, "This address may not be fetched"),
        "too_many_requests": (429, "Too many requests"),
        "wrong_origin": (403, "Not the service's own address"),
        "fetch_failed": (502, "The address returned no image"),
        "fault": (500, "The service failed"),
    }


def test_other_routing_errors_are_invalid_requests(stand_in: Model) -> None:
    app = create_app(Settings(), stand_in)

    @app.get("/api/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    assert_problem(TestClient(app).get("/api/teapot"), 400, "invalid_request")
