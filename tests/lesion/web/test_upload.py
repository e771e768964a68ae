"""Uploads are counted while they arrive, stay in memory, and are rejected if they are not one image."""

import asyncio
import builtins
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lesion.errors import InvalidRequest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from lesion.web.upload import MAX_FORM_OVERHEAD, MAX_PARTS, extract_upload, read_upload
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

from tests.support.multipart import BOUNDARY, FORM, form, part


@pytest.fixture
def small(stand_in: Model, image_bytes: bytes) -> TestClient:
    """Return a client of a service whose upload limit is the size of the image."""
    return TestClient(create_app(Settings(max_upload_bytes=len(image_bytes)), stand_in))


def code(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("file", ["photo.jpg", "a b \u00e9.HEIC", "", None])
def test_upload_ignores_the_file_name(client: TestClient, image_bytes: bytes, file: str | None) -> None:
    response = client.post("/api/classify", content=form(part("file", image_bytes, file=file)), headers=FORM)
    assert response.status_code == 200


def test_upload_ignores_other_fields(client: TestClient, image_bytes: bytes) -> None:
    body = form(part("note", b"left arm", file=None), part("file", image_bytes), part("age", b"50", file=None))
    assert client.post("/api/classify", content=body, headers=FORM).status_code == 200


def test_upload_accepts_urlencoded_content_type(client: TestClient, image_bytes: bytes) -> None:
    """Clients send it by mistake with an image as the body."""
    # The default of `curl --data-binary`.
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/api/classify", content=image_bytes, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"content-type": ""}, {"content-type": "text/plain"}, {"content-type": ";;=\"'"}])
def test_upload_ignores_the_content_type(client: TestClient, image_bytes: bytes, headers: dict[str, str]) -> None:
    assert client.post("/api/classify", content=image_bytes, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"", {"content-type": "image/jpeg"}),
        (form(), FORM),
        (form(part("photo", b"x")), FORM),
        (form(part("file", b"")), FORM),
        (form(part("file", b"", file="")), FORM),
    ],
)
def test_upload_without_image_says_how_to_send_one(client: TestClient, body: bytes, headers: dict[str, str]) -> None:
    response = client.post("/api/classify", content=body, headers=headers)
    assert code(response) == (422, "missing_file")
    assert "form field file" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (form(part("file", b"x")), {"content-type": "multipart/form-data"}),
        (form(part("file", b"x")), {"content-type": "multipart/form-data; boundary="}),
        (form(part("file", b"x")), {"content-type": f"multipart/form-data; boundary={'x' * 300}"}),
        (form(part("file", b"x")), {"content-type": "multipart/form-data; boundary=another"}),
        (form(part("file", b"x")), {"content-type": f"multipart/mixed; boundary={BOUNDARY}"}),
        (b"not a form", FORM),
        (b"", FORM),
        (part("file", b"x"), FORM),
        (form(part("file", b"x"))[:-4], FORM),
        (form(f"--{BOUNDARY}\r\nno colon\r\n\r\nx\r\n".encode()), FORM),
        (form(f"--{BOUNDARY}\r\n{'X-Long: ' + 'x' * 9000}\r\n\r\nx\r\n".encode()), FORM),
        (form(f"--{BOUNDARY}\r\n{'X: y' * 1}\r\n".encode() + b"A: b\r\n" * 50 + b"\r\nx\r\n"), FORM),
        (form(*[part(f"field{n}", b"x", file=None) for n in range(MAX_PARTS + 1)]), FORM),
    ],
)
def test_upload_rejects_malformed_forms(client: TestClient, body: bytes, headers: dict[str, str]) -> None:
    assert code(client.post("/api/classify", content=body, headers=headers)) == (400, "invalid_request")


def test_upload_accepts_the_largest_size(small: TestClient, image_bytes: bytes) -> None:
    assert small.post("/api/classify", content=image_bytes).status_code == 200
    assert small.post("/api/classify", content=form(part("file", image_bytes)), headers=FORM).status_code == 200


@pytest.mark.parametrize(
    "wrap", [lambda data: (data, {}), lambda data: (form(part("file", data)), FORM)], ids=["body", "form"]
)
def test_upload_rejects_one_byte_more(
    small: TestClient, image_bytes: bytes, wrap: Callable[[bytes], tuple[bytes, dict[str, str]]]
) -> None:
    body, headers = wrap(image_bytes + b"x")
    response = small.post("/api/classify", content=body, headers=headers)
    assert code(response) == (413, "too_large")
    assert f"0.1 MB ({len(image_bytes)} bytes)" in response.json()["detail"]


def test_upload_limits_other_fields(small: TestClient, image_bytes: bytes) -> None:
    body = form(part("file", image_bytes), part("note", b"x" * MAX_FORM_OVERHEAD, file=None))
    assert code(small.post("/api/classify", content=body, headers=FORM)) == (413, "too_large")


def test_upload_rejects_by_announced_length(small: TestClient) -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        read.append(1)
        yield b"x"

    response = small.post("/api/classify", content=chunks(), headers={"content-length": "999999999"})
    assert code(response) == (413, "too_large")


def test_upload_counts_bytes_without_a_length(small: TestClient, image_bytes: bytes) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield image_bytes[:10_000]

    assert code(small.post("/api/classify", content=chunks())) == (413, "too_large")


def test_upload_joins_chunks(client: TestClient, image_bytes: bytes) -> None:
    body = form(part("file", image_bytes))

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    assert client.post("/api/classify", content=chunks(), headers=FORM).status_code == 200


def test_upload_is_never_written_to_disk(
    client: TestClient, image_bytes: bytes, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Larger than the 1 MiB that Starlette keeps in memory; zeros after a JPEG's end are ignored by decoders.
    large = image_bytes + bytes(3_000_000)
    opened: list[str] = []
    real_open, real_os_open = builtins.open, os.open

    def watched_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        opened.extend([str(file)] if mode.strip("rbt") else [])
        return real_open(file, mode, *rest, **options)

    def watched_os_open(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        opened.extend([str(path)] if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else [])
        return real_os_open(path, flags, *rest, **options)

    def no_temporary_file(*_: Any, **__: Any) -> Any:
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr(builtins, "open", watched_open)
    monkeypatch.setattr(os, "open", watched_os_open)
    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, no_temporary_file)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    responses = [
        client.post("/api/classify", content=form(part("file", large)), headers=FORM),
        client.post("/api/classify", content=large),
    ]
    assert [response.status_code for response in responses] == [200, 200]
    assert opened == []
    assert list(tmp_path.iterdir()) == []


def test_upload_rejects_a_disconnected_client() -> None:
    """The part that has arrived is not classified."""
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(messages)

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(InvalidRequest, match="stopped before its end"):
        asyncio.run(read_upload(request, 100))


def test_extract_upload_rejects_headers_outside_latin_1() -> None:
    with pytest.raises(InvalidRequest, match="malformed"):
        extract_upload(b"a", "image/\u0416", 100)
