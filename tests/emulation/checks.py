"""Checks of the deployment over HTTP: functions that raise AssertionError.

They know nothing of the template. What they expect comes from the contract of the API, from the page's own files and from
`infra.packaging.headers`, so that a template that says something else makes them fail.
"""

import io
import json
import re
from collections.abc import Callable
from typing import Any, Self

import httpx2
from PIL import Image

from infra.packaging.bundle import CACHE_CONTROL, TYPES, assemble
from infra.packaging.headers import SECURITY_HEADERS
from tests.support.cloud.cloud import Cloud
from tests.support.cloud.messages import Request
from tests.support.paths import SAMPLES

FACTS = ("/api/classes", "/api/config", "/api/model", "/api/samples")
"""Routes whose answers the bucket has as files."""
LIMIT = 4_500_000
"""The upload limit in bytes."""
YEAR = 365 * 86_400
MANY = 60
"""More simultaneous requests than the throttle allows."""
_FORWARDED_HEADERS = {
    "accept",
    "content-type",
    "host",
    "user-agent",
    "via",
    "x-amz-cf-id",
    "x-forwarded-for",
    "x-origin-secret",
}
_IMAGE_FILE = SAMPLES / "ISIC_0000026.jpg"


CHECK_FAILURES = (AssertionError, KeyError, TypeError, ValueError)
"""Exceptions of a failing check: its assertions, or access to a response of another structure."""


class Visitor:
    """An HTTP client of the deployment."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._client = httpx2.Client(verify=cloud.certificate.client(), timeout=120)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self._client.get(self.cloud.url + path, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self._client.request(method, self.cloud.url + path, **more)

    def classify(self, **body: Any) -> httpx2.Response:
        return self._client.post(f"{self.cloud.url}/api/classify", **body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def page_files_have_their_content_types(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    site = assemble()
    assert page.content == (site / "index.html").read_bytes()
    files = [path for path in site.rglob("*") if path.is_file()]
    for path in files:
        name = path.relative_to(site).as_posix()
        answer = visitor.get(f"/{name}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes()), name
        assert answer.headers["content-type"].split(";")[0] == TYPES[path.suffix], name
        assert answer.headers["cache-control"] == CACHE_CONTROL, name
    # `make serve` and the tests of the page show that these files are sufficient.
    assert len(files) > 30


def page_has_views_and_a_404(visitor: Visitor) -> None:
    page = visitor.get("/").content
    for path in ("/about", "/about/", "/about?lang=de", "/diary"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.content) == (200, page), path
    for path in ("/nothing", "/about/figures", "/index"):
        answer = visitor.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "text/html", path
        assert '<a href="/">' in answer.text, path
    # The API's problem documents stay.
    assert visitor.get("/api/nothing").json()["status"] == 404


def page_is_compressed_and_cached_at_the_edge(visitor: Visitor) -> None:
    first, second = visitor.get("/js/main.js"), visitor.get("/js/main.js")
    assert second.headers["x-cache"] == "Hit from cloudfront"
    assert first.headers["content-encoding"] == "gzip"
    again = visitor.get("/js/main.js", headers={"If-None-Match": second.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    # A query is not part of the cache key; otherwise anybody could force requests to the bucket.
    assert visitor.get("/js/main.js?other=1").headers["x-cache"] == "Hit from cloudfront"


def nothing_else_is_published(visitor: Visitor) -> None:
    for path in ("/samples/README.md", "/nothing", "/js/", "/index.html/", "/samples", "/API/ping", "/?list-type=2"):
        answer = visitor.get(path)
        assert answer.status_code == (200 if path.startswith("/?") else 404), path
        assert "ListBucketResult" not in answer.text
    assert visitor.ask("POST", "/", content=b"x").status_code == 403
    assert visitor.ask("PUT", "/index.html", content=b"x").status_code == 403
    assert visitor.ask("DELETE", "/index.html").status_code == 403


def responses_have_the_security_headers(visitor: Visitor) -> None:
    for path, status in (("/", 200), ("/nothing", 404), ("/api/ping", 200), ("/api/nothing", 404)):
        answer = visitor.get(path)
        assert answer.status_code == status, path
        for name, text in SECURITY_HEADERS.items():
            assert answer.headers.get(name) == text, f"{path}: {name}"
        age = re.match(r"max-age=(\d+)", answer.headers.get("strict-transport-security", ""))
        assert age is not None and int(age[1]) >= YEAR, path


def plain_http_is_redirected_or_refused(visitor: Visitor) -> None:
    plain = visitor.cloud.plain_url
    page = httpx2.get(f"{plain}/js/main.js?a=1")
    assert (page.status_code, page.headers["location"].split(":", 1)[0]) == (301, "https")
    assert page.headers["location"].endswith("/js/main.js?a=1")
    assert httpx2.post(f"{plain}/api/classify", content=b"x").status_code == 403


def api_routes_respond(visitor: Visitor) -> None:
    assert visitor.get("/api/ping").json() == "pong"
    assert visitor.get("/api/config").json()["limits"]["max_upload_bytes"] == LIMIT
    assert len(visitor.get("/api/samples").json()) == 12
    assert {"code", "name", "malignant"} <= visitor.get("/api/classes").json()[0].keys()
    assert visitor.get("/api/model").json()["sha256"]
    assert "/api/classify" in visitor.get("/api/openapi.json").json()["paths"]
    assert visitor.get("/api/docs").headers["content-type"].startswith("text/html")
    # The service itself answers, not the gateway or the edge.
    for method in ("PUT", "PATCH", "DELETE"):
        answer = visitor.ask(method, "/api/classify", content=b"x")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), method
    assert visitor.get("/api/nothing").headers["content-type"] == "application/problem+json"


def facts_are_the_answers_of_the_api(visitor: Visitor) -> None:
    """For every method: the same status, body and headers that describe it, from the bucket and from the function."""
    secret = visitor.cloud.origin_secret()
    for path in FACTS:
        # Fewer requests than the throttle lets through at once.
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            visitor.cloud.api.event = {}
            published = visitor.ask(method, path)
            assert visitor.cloud.api.event == {}, f"{method} {path} reaches the function"
            direct = visitor.cloud.api.answer(Request(method, path, (("x-origin-secret", secret),)), 120)
            assert published.status_code == direct.status, f"{method} {path}"
            assert published.content == (b"" if method == "HEAD" else direct.body), f"{method} {path}"
            said = {name.lower(): text for name, text in direct.headers}
            for name in ("content-type", "cache-control", "allow"):
                assert published.headers.get(name) == said.get(name), f"{method} {path}: {name}"


def api_responses_are_not_cached(visitor: Visitor) -> None:
    samples = [sample["id"] for sample in visitor.get("/api/samples").json()][:3]
    answers = [visitor.get(f"/api/classify?sample={name}") for name in (*samples, samples[0])]
    assert [answer.status_code for answer in answers] == [200] * 4
    logits = [answer.json()["prediction"] or answer.json()["refusal"] for answer in answers]
    assert logits[0] == logits[3]
    assert len({json.dumps(logit) for logit in logits}) == 3
    assert {answer.headers["x-cache"] for answer in answers} == {"Miss from cloudfront"}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    # Parameters are forwarded.
    assert visitor.get(f"/api/classify?sample={samples[0]}&evidence=false").json()["evidence"] is None
    assert visitor.get("/api/classify?sample=nobody").status_code == 404


def api_errors_are_not_cached(visitor: Visitor) -> None:
    # Errors are not cached: the function receives the request each time.
    for _ in range(2):
        visitor.cloud.api.event = {}
        assert visitor.get("/api/nothing").status_code == 404
        assert visitor.cloud.api.event


def image_is_classified_as_form_and_as_body(visitor: Visitor) -> None:
    data = _IMAGE_FILE.read_bytes()
    form = _classified(visitor.classify(files={"file": ("photo.jpg", data, "image/jpeg")}))
    assert form == _classified(visitor.classify(content=data, headers={"Content-Type": "image/jpeg"}))
    assert form == _classified(visitor.get(f"/api/classify?sample={_IMAGE_FILE.stem}"))
    assert (form["image"]["width"], form["image"]["height"]) == (1504, 1129)
    assert form["evidence"]["values"] and form["disclaimer"]


def largest_upload_is_accepted(visitor: Visitor) -> None:
    data = padded(LIMIT)
    assert _classified(visitor.classify(files={"file": ("photo.jpg", data, "image/jpeg")}))["image"]["format"] == "JPEG"
    assert _classified(visitor.classify(content=data))["image"]["format"] == "JPEG"


def larger_uploads_get_a_problem(visitor: Visitor) -> None:
    # The same sentence from the function and from the edge, for the payload limits of Lambda and of the gateway.
    sentences = set()
    for size in (LIMIT + 1, 4_520_000, 4_690_000, 4_800_000, 11_000_000):
        bodies: list[dict[str, Any]] = [{"content": bytes(size)}]
        if size != LIMIT + 1:
            bodies.append({"files": {"file": ("photo.jpg", bytes(size), "image/jpeg")}})
        for body in bodies:
            answer = visitor.classify(**body)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), size
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["cache-control"] == "no-store"
            sentences.add(answer.text)
    (sentence,) = sentences
    assert "4.5 MB" in sentence and "Save the image smaller" in sentence


def upload_without_length_is_refused_as_too_large(visitor: Visitor) -> None:
    request = Request("POST", "/api/classify", (("Content-Type", "image/jpeg"),), bytes(4_800_000))
    assert visitor.cloud.edge.answer(request).status == 413


def requests_that_bypass_the_edge_are_refused(visitor: Visitor) -> None:
    for headers in ((), (("x-origin-secret", ""),), (("x-origin-secret", "guessed"),)):
        for request in (Request("GET", "/api/ping", headers), Request("POST", "/api/classify", headers, b"x")):
            answer = visitor.cloud.api.answer(request, 120)
            assert answer.status == 403
            assert json.loads(answer.body)["code"] == "wrong_origin"
    # A viewer's header of the same name is replaced.
    assert visitor.get("/api/ping", headers={"x-origin-secret": "guessed"}).status_code == 200


def function_receives_no_personal_headers(visitor: Visitor) -> None:
    personal = {"Cookie": "who=me", "User-Agent": "mine", "Referer": "https://example.org/me", "Accept-Language": "de"}
    assert visitor.get("/api/ping?a=1", headers={**personal, "Accept": "application/json"}).status_code == 200
    event = visitor.cloud.api.event
    assert set(event["headers"]) <= _FORWARDED_HEADERS
    assert "cookies" not in event
    assert event["headers"]["user-agent"] == "Amazon CloudFront"
    assert (event["rawPath"], event["rawQueryString"], event["headers"]["accept"]) == (
        "/api/ping",
        "a=1",
        "application/json",
    )
    # API Gateway selects the API by the Host header.
    assert event["headers"]["host"] == visitor.cloud.api.host


def excess_requests_get_429(visitor: Visitor) -> None:
    with visitor.cloud.api.frozen_clock():
        statuses = [visitor.get("/api/ping").status_code for _ in range(MANY)]
    assert set(statuses) == {200, 429}
    # A visit sends fewer than twenty requests.
    assert statuses.index(429) >= 20


def padded(size: int) -> bytes:
    """Return a JPEG image of exactly `size` bytes, padded with comments."""
    data = _IMAGE_FILE.read_bytes()
    missing = size - len(data)
    comments = b""
    while missing:
        # A comment has 4 bytes of framing and at most 65,533 of content; the rest must be large enough for another comment.
        length = missing if missing <= 65_537 else min(65_537, missing - 4)
        comments += b"\xff\xfe" + (length - 2).to_bytes(2, "big") + bytes(length - 4)
        missing -= length
    result = data[:2] + comments + data[2:]
    with Image.open(io.BytesIO(result)) as image:
        assert (image.size, len(result)) == ((1504, 1129), size)
    return result


def _classified(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    del body["timing_ms"]
    return body


CHECKS: tuple[Callable[[Visitor], None], ...] = (
    page_files_have_their_content_types,
    page_has_views_and_a_404,
    page_is_compressed_and_cached_at_the_edge,
    nothing_else_is_published,
    responses_have_the_security_headers,
    plain_http_is_redirected_or_refused,
    api_routes_respond,
    facts_are_the_answers_of_the_api,
    api_responses_are_not_cached,
    api_errors_are_not_cached,
    image_is_classified_as_form_and_as_body,
    largest_upload_is_accepted,
    larger_uploads_get_a_problem,
    upload_without_length_is_refused_as_too_large,
    requests_that_bypass_the_edge_are_refused,
    function_receives_no_personal_headers,
    excess_requests_get_429,
)
