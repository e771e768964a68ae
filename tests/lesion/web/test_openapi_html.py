"""The contract is described for programs and for people, without requests to third parties."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from lesion.web import problems
from starlette.testclient import TestClient

ROUTES = {
    ("post", "/api/classify"),
    ("get", "/api/classify"),
    ("get", "/api/classes"),
    ("get", "/api/model"),
    ("get", "/api/samples"),
    ("get", "/api/config"),
    ("get", "/api/ping"),
}


@pytest.fixture(scope="module")
def openapi(client: TestClient) -> Any:
    return client.get("/api/openapi.json").json()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_openapi_describes_every_route(openapi: Any) -> None:
    assert {(method, path) for path, methods in openapi["paths"].items() for method in methods} == ROUTES
    assert all(operation["description"] for methods in openapi["paths"].values() for operation in methods.values())


def test_openapi_references_exist(openapi: Any) -> None:
    names = {reference.removeprefix("#/components/schemas/") for reference in references(openapi)}
    assert names <= set(openapi["components"]["schemas"])
    assert not any("Validation" in name for name in openapi["components"]["schemas"])


def test_openapi_describes_every_form_of_upload(openapi: Any) -> None:
    content = openapi["paths"]["/api/classify"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data", "image/*", "application/octet-stream"]
    assert content["multipart/form-data"]["schema"]["required"] == ["file"]


@pytest.mark.parametrize(
    ("method", "statuses"),
    [
        ("post", {"200", "400", "413", "415", "422", "429", "500"}),
        ("get", {"200", "400", "403", "404", "413", "415", "422", "429", "500", "502"}),
    ],
)
def test_openapi_describes_errors_as_problems(openapi: Any, method: str, statuses: set[str]) -> None:
    responses = openapi["paths"]["/api/classify"][method]["responses"]
    assert set(responses) == statuses
    assert all(list(responses[status]["content"]) == ["application/problem+json"] for status in statuses - {"200"})


def test_answer_has_the_members_of_openapi(client: TestClient, openapi: Any, image_bytes: bytes) -> None:
    schemas = openapi["components"]["schemas"]
    answer = client.post("/api/classify", content=image_bytes).json()
    assert set(answer) == set(schemas["Classification"]["properties"])
    assert set(answer["prediction"]) == set(schemas["Prediction"]["properties"])
    assert set(answer["evidence"]) == set(schemas["EvidenceMap"]["properties"])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_docs_page_needs_no_script_and_no_third_party(client: TestClient) -> None:
    response = client.get("/api/docs")
    page = _Page()
    page.feed(response.text)
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert page.open == []
    assert not [tag for tag, attributes in page.tags if tag in ("script", "style") or "style" in attributes]
    assert all(address and re.match(r"/api/|#", address) for address in addresses)


def test_docs_page_has_every_anchor(client: TestClient) -> None:
    page = _Page()
    page.feed(client.get("/api/docs").text)
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {attributes["href"] for _, attributes in page.tags if "href" in attributes}
    assert {link[1:] for link in links if link and link.startswith("#")} <= anchors
    assert set(problems.codes()) <= anchors


def test_docs_style_loads_nothing_else(client: TestClient) -> None:
    response = client.get("/api/docs.css")
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert "@import" not in response.text and "url(" not in response.text
