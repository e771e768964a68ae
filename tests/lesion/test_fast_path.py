"""The fast path: usual requests get the framework's answer without the framework, errors included."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lesion import fast_path
from lesion.errors import InferenceError
from lesion.imaging.decode import decode
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web import api
from lesion.web.access_log import AccessLog
from lesion.web.api import create_app
from lesion.web.middleware import OriginGuard
from lesion.web.problems import MEDIA_TYPE
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from PIL import Image

from tests.support.image_files import encode
from tests.support.lambda_runtime.events import Request, version_1, version_2
from tests.support.multipart import FORM, form, part
from tests.support.paths import SAMPLES
from tests.support.subprocesses import run_python

SETTINGS = Settings(max_upload_bytes=200_000)
SECRET = "s" * 32
JPEG = {"content-type": "image/jpeg"}
BAD_FORM = {"content-type": "multipart/form-data"}
Answer = dict[str, Any]


def event(
    body: bytes, headers: dict[str, str] = JPEG, target: str = "/api/classify", method: str = "POST"
) -> dict[str, Any]:
    sent = [*headers.items(), ("Host", "localhost")]
    return version_2(Request(method, target, sent, body, "192.0.2.1"))


def framework(model: Model, settings: Settings = SETTINGS) -> Callable[[dict[str, Any]], Answer]:
    """Return the answer of the application to an event, as `lesion.handler` configures it."""
    app = OriginGuard(create_app(settings, model), settings.origin_secrets)
    adapter = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])
    context: Any = None
    return lambda sent: dict(adapter(sent, context))


def truncated_png() -> bytes:
    with Image.open(SAMPLES / "ISIC_0000026.jpg") as image:
        data = encode(image.resize((300, 200)), "PNG")
    return data[: len(data) // 2]


def without_timing(answer: Answer) -> Any:
    body = json.loads(answer["body"])
    assert set(body.pop("timing_ms")) == {"decode", "infer", "total"}
    # The times change the length by a few characters.
    headers = {name: value for name, value in answer["headers"].items() if name != "content-length"}
    return {**answer, "headers": headers, "body": list(body.items())}


BAD_REQUESTS: dict[str, tuple[Callable[[], dict[str, Any]], int, str]] = {
    "no body": (lambda: event(b""), 422, "missing_file"),
    "null body": (lambda: event(b"") | {"body": None}, 422, "missing_file"),
    "text": (lambda: event(b"no image"), 415, "unsupported_format"),
    "text, not in base64": (lambda: event("ä".encode(), {"content-type": "text/plain"}), 415, "unsupported_format"),
    "corrupt JPEG": (lambda: event(b"\xff\xd8\xff corrupt"), 400, "invalid_image"),
    "truncated PNG": (lambda: event(truncated_png()), 400, "invalid_image"),
    "truncated PNG in a form": (lambda: event(form(part("file", truncated_png())), FORM), 400, "invalid_image"),
    "too many pixels": (lambda: event(encode(Image.new("1", (9000, 9000)), "PNG")), 413, "too_large"),
    "32-bit TIFF": (lambda: event(encode(Image.new("I", (9, 9)), "TIFF")), 415, "unsupported_format"),
    "too many bytes": (lambda: event(bytes(SETTINGS.max_upload_bytes + 1)), 413, "too_large"),
    "too many bytes in a form": (lambda: event(form(part("file", bytes(250_000))), FORM), 413, "too_large"),
    "form without the field": (lambda: event(form(part("other", b"a")), FORM), 422, "missing_file"),
    "form with six images": (lambda: event(form(*[part("file", b"a")] * 6), FORM), 422, "too_many_images"),
    "form with an empty image": (lambda: event(form(part("file", b"a"), part("file", b"")), FORM), 422, "missing_file"),
    "too many bytes in two images": (lambda: event(form(*[part("file", bytes(105_000))] * 2), FORM), 413, "too_large"),
    "form without an end": (lambda: event(part("file", b"a"), FORM), 400, "invalid_request"),
    "form without a boundary": (lambda: event(b"a", BAD_FORM), 400, "invalid_request"),
    "boundary outside ASCII": (
        lambda: event(b"a", {"content-type": "multipart/form-data; boundary=\u0416"}),
        400,
        "invalid_request",
    ),
    "unsupported image type": (
        lambda: event(b"no image", target="/api/classify?image_type=clinical"),
        422,
        "unsupported_image_type",
    ),
    "content type outside ASCII": (lambda: event(b"a", {"content-type": "image/\u0416"}), 415, "unsupported_format"),
}


@pytest.mark.parametrize(
    "query", ["", "?views=1", "?views=8&evidence=false", "?evidence=true", "?image_type=auto", "?image_type=dermoscopic"]
)
@pytest.mark.parametrize("in_form", [True, False])
def test_respond_answers_as_the_framework(stand_in: Model, image_bytes: bytes, in_form: bool, query: str) -> None:
    body, headers = (form(part("file", image_bytes)), FORM) if in_form else (image_bytes, JPEG)
    sent = event(body, headers, f"/api/classify{query}")
    answer = fast_path.respond(sent, stand_in, SETTINGS)
    assert answer is not None
    assert without_timing(answer) == without_timing(framework(stand_in)(sent))
    assert answer["headers"]["content-length"] == str(len(answer["body"].encode()))


@pytest.mark.parametrize("query", ["", "?image_type=clinical", "?views=8&image_type=dermoscopic"])
def test_respond_of_two_types_answers_as_the_framework(two_types: Model, image_bytes: bytes, query: str) -> None:
    sent = event(image_bytes, target=f"/api/classify{query}")
    answer = fast_path.respond(sent, two_types, SETTINGS)
    assert answer is not None
    assert without_timing(answer) == without_timing(framework(two_types)(sent))


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_respond_to_bad_request_equals_framework(stand_in: Model, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Status, headers, body, access log and log messages are the same, byte by byte."""
    make, status, code = BAD_REQUESTS[name]
    sent, lines = make(), []
    answer = fast_path.respond(sent, stand_in, SETTINGS)
    expected = framework(stand_in)(sent)
    assert answer == expected and answer is not None
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    for each in (answer, expected):
        out = io.StringIO()
        AccessLog("lesion", "1", out).write(sent, each, None, 1)
        lines.append({name: value for name, value in json.loads(out.getvalue()).items() if name != "_aws"})
    assert lines[0] == lines[1] and lines[0]["code"] == code
    assert [record for record in caplog.records if record.name == "lesion"] == []


@pytest.mark.parametrize("name", [*BAD_REQUESTS, "good image"])
@pytest.mark.parametrize("version", [version_2, version_1])
def test_each_image_is_decoded_at_most_once(
    stand_in: Model, image_bytes: bytes, monkeypatch: pytest.MonkeyPatch, name: str, version: Any
) -> None:
    """One call of `decode` per upload that contains an image, whether it is valid or not, on both paths."""
    sent = event(image_bytes) if name == "good image" else BAD_REQUESTS[name][0]()
    code = "ok" if name == "good image" else BAD_REQUESTS[name][2]
    # These are rejected by their length or their form.
    by_form = code in ("missing_file", "invalid_request", "too_many_images", "unsupported_image_type")
    expected = 0 if by_form or name.startswith("too many bytes") else 1
    calls = 0

    def count_and_decode(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return decode(*arguments, **options)

    monkeypatch.setattr("lesion.inference.classify.decode", count_and_decode)
    if version is version_2:
        assert fast_path.respond(sent, stand_in, SETTINGS) is not None
    else:
        old = version_1(Request("POST", f"/api/classify?{sent['rawQueryString']}", [], b"", "192.0.2.1"))
        old |= {key: sent.get(key) for key in ("headers", "body", "isBase64Encoded")} | {"multiValueHeaders": None}
        assert fast_path.respond(old, stand_in, SETTINGS) is None
        framework(stand_in)(old)
    assert calls == expected


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, InferenceError])
def test_respond_logs_unhandled_errors_once(
    stand_in: Model,
    image_bytes: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    """The answer is the framework's 500; neither it nor the log quotes the exception's message."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error(SECRET)

    monkeypatch.setattr(fast_path, "classify", fail)
    monkeypatch.setattr(api, "classify", fail)
    sent = event(image_bytes)
    answer = fast_path.respond(sent, stand_in, SETTINGS)
    logged = [record.getMessage() for record in caplog.records]
    caplog.clear()
    expected = framework(stand_in)(sent)
    assert answer == expected and answer is not None
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "fault")
    assert not any(digit in json.loads(answer["body"])["detail"] for digit in "0123456789")
    theirs = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(logged) == len(theirs) == 1
    first_line = f"unhandled error in POST /api/classify: {error.__name__}"
    assert logged[0].splitlines()[0] == theirs[0].splitlines()[0] == first_line
    assert "in fail" in logged[0] and SECRET not in logged[0]


@pytest.mark.parametrize(
    "target",
    [
        "/api/classify?views=2",
        "/api/classify?views=1&views=8",
        "/api/classify?evidence=yes",
        "/api/classify?evidence",
        "/api/classify?image_type=histology",
        "/api/classify?image_type=auto&image_type=auto",
        "/api/classify?note=a",
        "/api/classify/",
        "/api/ping",
    ],
)
def test_respond_leaves_unusual_addresses(stand_in: Model, image_bytes: bytes, target: str) -> None:
    assert fast_path.respond(event(image_bytes, target=target), stand_in, SETTINGS) is None


def test_respond_leaves_several_images(
    stand_in: Model, image_bytes: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them is decoded before the framework takes over."""
    monkeypatch.setattr(fast_path, "classify", lambda *_, **__: pytest.fail("An image was classified."))
    assert fast_path.respond(event(form(*[part("file", image_bytes)] * 2), FORM), stand_in, Settings()) is None
    assert fast_path.respond(event(form(*[part("file", b"corrupt")] * 2), FORM), stand_in, Settings()) is None
    assert caplog.records == []


@pytest.mark.parametrize(
    "sent",
    [
        event(b"", method="GET"),
        version_1(Request("POST", "/api/classify", [("Content-Type", "image/jpeg")], b"\xff\xd8\xff", "192.0.2.1")),
        {"version": "2.0", "requestContext": {"http": {"method": "POST", "path": "/api/classify"}}},
        {"requestContext": {}},
        event(b"a") | {"body": "A"},
        event(b"a") | {"body": 7},
        event(b"a") | {"body": "\ud800", "isBase64Encoded": False},
        event(b"a", {"content-type": "image/\ud800"}),
    ],
)
def test_respond_leaves_other_events(stand_in: Model, sent: dict[str, Any]) -> None:
    """Another method or format, or an event that cannot be read."""
    assert fast_path.respond(sent, stand_in, SETTINGS) is None


def test_uploads_do_without_the_framework(
    environment: dict[str, str], stand_in_file: Path, image_bytes: bytes, tmp_path: Path
) -> None:
    """A good upload and a corrupt one load no framework; another route does; all are in the access log."""
    (tmp_path / "events.json").write_text(json.dumps([event(image_bytes), event(truncated_png())]))
    code = (
        "import asyncio, json, sys, lesion.handler as h\n"
        "heavy = {'fastapi', 'starlette', 'pydantic', 'mangum', 'pi_heif', 'anyio'}\n"
        f"good, bad = json.load(open({str(tmp_path / 'events.json')!r}))\n"
        "print(h.handler(good, None)['statusCode'], sorted(heavy & sys.modules.keys()))\n"
        "print(h.handler(bad, None)['statusCode'], sorted(heavy & sys.modules.keys()))\n"
        "classify, h.fast_path.classify = h.fast_path.classify, lambda *_, **__: 1 / 0\n"
        "print(h.handler(good, None)['statusCode'], sorted(heavy & sys.modules.keys()))\n"
        "h.fast_path.classify = classify\n"
        "ping = json.loads(json.dumps(good))\n"
        "ping['requestContext']['http'] |= {'path': '/api/ping', 'method': 'GET'}\n"
        "ping['rawPath'] = '/api/ping'\n"
        "asyncio.set_event_loop(asyncio.new_event_loop())\n"
        "print(h.handler(ping, None)['statusCode'], 'fastapi' in sys.modules)\n"
        "h._application = None\n"
        "print(h.handler(bad, None)['statusCode'])\n"
    )
    done = run_python(code, {**environment, "LESION_MODEL": str(stand_in_file)})
    printed = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert printed == ["200 []", "400 []", "500 []", "200 True", "400"]
    assert done.stderr.startswith("unhandled error in POST /api/classify: ZeroDivisionError\n")
    assert done.stderr.count("unhandled error") == 1
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(line["route"], line["code"], line["cold"]) for line in lines] == [
        ("/api/classify", "ok", True),
        ("/api/classify", "invalid_image", False),
        ("/api/classify", "fault", False),
        ("/api/ping", None, False),
        ("/api/classify", "invalid_image", False),
    ]


def test_provisioned_concurrency_loads_the_framework(environment: dict[str, str], stand_in_file: Path) -> None:
    """Nobody waits for the start then."""
    variables = {"LESION_MODEL": str(stand_in_file), "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    done = run_python("import sys, lesion.handler; print('fastapi' in sys.modules)", {**environment, **variables})
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_malformed_gallery_stops_the_start(environment: dict[str, str], stand_in_file: Path, tmp_path: Path) -> None:
    (tmp_path / "samples.json").write_text("{")
    variables = {"LESION_MODEL": str(stand_in_file), "LESION_SAMPLES": str(tmp_path)}
    done = run_python("import lesion.handler", {**environment, **variables})
    assert (done.returncode, "is not a list of samples" in done.stderr) == (1, True)


@pytest.mark.parametrize(("shown", "status"), [(None, 403), ("x" * 32, 403), (f"{SECRET},{SECRET}", 403), (SECRET, 200)])
def test_respond_requires_the_origin_secret(stand_in: Model, image_bytes: bytes, shown: str | None, status: int) -> None:
    """Without it, the answer is the framework's 403."""
    guarded = Settings(origin_secrets=frozenset({SECRET}), max_upload_bytes=SETTINGS.max_upload_bytes)
    sent = event(image_bytes)
    sent["headers"] |= {} if shown is None else {"X-Origin-Secret": shown}
    answer, expected = fast_path.respond(sent, stand_in, guarded), framework(stand_in, guarded)(sent)
    assert answer is not None and answer["statusCode"] == expected["statusCode"] == status
    assert status == 200 or answer == expected
