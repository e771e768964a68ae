"""A photograph in an event gets without the framework what it gets with it, and whatever is unusual is left to that."""

import json
from pathlib import Path
from typing import Any

import pytest
from lesion import fast_path
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from mangum import Mangum

from tests.support.lambda_runtime.events import Request, version_1, version_2
from tests.support.subprocesses import run_python

pytestmark = pytest.mark.usefixtures("event_loop")
SETTINGS = Settings(max_upload_bytes=200_000)
SECRET = "s" * 32
FORM = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="photo.jpg"\r\n\r\n%s\r\n--x--\r\n'


def event(body: bytes, kind: str = "image/jpeg", target: str = "/api/classify", method: str = "POST") -> dict[str, Any]:
    return version_2(Request(method, target, [("Content-Type", kind), ("Host", "localhost")], body, "192.0.2.1"))


def untimed(answer: dict[str, Any]) -> Any:
    body = json.loads(answer["body"])
    assert set(body.pop("timing_ms")) == {"decode", "infer", "total"}
    # The times make it a few characters longer or shorter.
    headers = {name: value for name, value in answer["headers"].items() if name != "content-length"}
    return {**answer, "headers": headers, "body": list(body.items())}


@pytest.mark.parametrize("query", ["", "?views=1", "?views=8&evidence=false", "?evidence=true"])
@pytest.mark.parametrize("form", [True, False])
def test_an_everyday_photograph_gets_the_frameworks_answer(
    stand_in: Model, photograph: bytes, form: bool, query: str
) -> None:
    body, kind = (FORM % (b"file", photograph), "multipart/form-data; boundary=x") if form else (photograph, "image/jpeg")
    sent = event(body, kind, f"/api/classify{query}")
    answer = fast_path.respond(sent, stand_in, SETTINGS)
    assert answer is not None
    context: Any = None
    expected = Mangum(create_app(Settings(), stand_in), lifespan="off")(sent, context)
    assert untimed(answer) == untimed(expected)
    assert answer["headers"]["content-length"] == str(len(answer["body"].encode()))


@pytest.mark.parametrize(
    "target",
    [
        "/api/classify?views=2",
        "/api/classify?views=1&views=8",
        "/api/classify?evidence=yes",
        "/api/classify?evidence",
        "/api/classify?note=a",
        "/api/classify/",
        "/api/ping",
    ],
)
def test_an_unusual_address_is_left_to_the_framework(stand_in: Model, photograph: bytes, target: str) -> None:
    assert fast_path.respond(event(photograph, target=target), stand_in, SETTINGS) is None


@pytest.mark.parametrize(
    "sent",
    [
        event(b"", method="GET"),
        event(b""),
        event(b"no picture"),
        event(b"\xff\xd8\xff broken"),
        event(bytes(SETTINGS.max_upload_bytes + 1)),
        event(FORM % (b"other", b"a"), "multipart/form-data; boundary=x"),
        event(b"a", "multipart/form-data"),
        version_1(Request("POST", "/api/classify", [("Content-Type", "image/jpeg")], b"\xff\xd8\xff", "192.0.2.1")),
        {"version": "2.0", "requestContext": {"http": {"method": "POST", "path": "/api/classify"}}},
        {"requestContext": {}},
    ],
)
def test_what_has_no_good_answer_is_left_to_the_framework(stand_in: Model, sent: dict[str, Any]) -> None:
    assert fast_path.respond(sent, stand_in, SETTINGS) is None


def test_photographs_are_answered_without_the_framework_and_the_page_with_it(
    environment: dict[str, str], stand_in_file: Path, photograph: bytes, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event(photograph)))
    code = (
        "import asyncio, json, sys, lesion.handler as h\n"
        "heavy = {'fastapi', 'starlette', 'pydantic', 'mangum', 'pi_heif'}\n"
        f"event = json.load(open({str(tmp_path / 'event.json')!r}))\n"
        "print(h.handler(event, None)['statusCode'], sorted(heavy & sys.modules.keys()))\n"
        "photograph = json.dumps(event)\n"
        "event['requestContext']['http'] = {**event['requestContext']['http'], 'path': '/api/ping', 'method': 'GET'}\n"
        "event['rawPath'] = '/api/ping'\n"
        "asyncio.set_event_loop(asyncio.new_event_loop())\n"
        "print(h.handler(event, None)['statusCode'], 'fastapi' in sys.modules)\n"
        "h._application = None\n"
        "print(h.handler(json.loads(photograph), None)['statusCode'])\n"
    )
    done = run_python(code, {**environment, "LESION_MODEL": str(stand_in_file)})
    told = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert (told, done.stderr) == (["200 []", "200 True", "200"], "")
    # Both ways are recorded.
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(record["route"], record["cold"]) for record in records] == [
        ("/api/classify", True),
        ("/api/ping", False),
        ("/api/classify", False),
    ]


def test_with_provisioned_concurrency_the_framework_is_loaded_at_the_start(
    environment: dict[str, str], stand_in_file: Path
) -> None:
    told = {"LESION_MODEL": str(stand_in_file), "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    done = run_python("import sys, lesion.handler; print('fastapi' in sys.modules)", {**environment, **told})
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_broken_gallery_stops_the_start(environment: dict[str, str], stand_in_file: Path, tmp_path: Path) -> None:
    (tmp_path / "samples.json").write_text("{")
    told = {"LESION_MODEL": str(stand_in_file), "LESION_SAMPLES": str(tmp_path)}
    done = run_python("import lesion.handler", {**environment, **told})
    assert (done.returncode, "is not a list of samples" in done.stderr) == (1, True)


def test_only_what_came_through_the_one_door_is_answered(stand_in: Model, photograph: bytes) -> None:
    guarded = Settings(origin_secrets=frozenset({SECRET}))
    sent = event(photograph)
    assert fast_path.respond(sent, stand_in, guarded) is None
    for shown, opened in (("x" * 32, False), (f"{SECRET},{SECRET}", False), (SECRET, True)):
        shown_event = {**sent, "headers": {**sent["headers"], "X-Origin-Secret": shown}}
        assert (fast_path.respond(shown_event, stand_in, guarded) is not None) == opened
