"""Static facts: published files are the API's answers, uploaded after the traffic shift, and served before `/api/*`."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from starlette.testclient import TestClient

from infra.packaging.facts import PATHS, read_facts
from tests.support.cdk import Assembly, Resource

Resources = dict[str, Resource]
UPLOAD = "Custom::CDKBucketDeployment"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(Settings(title="Moles"), Model(Settings.model)))


@pytest.mark.parametrize("path", PATHS)
def test_published_file_is_the_answer_of_the_api(full: Assembly, client: TestClient, path: str) -> None:
    """The settings of `full` contain a title, which the file must have as well."""
    (file,) = full.folder.glob(f"asset.*{path}")
    answer = client.get(path)
    assert file.read_bytes() == answer.content
    assert answer.headers["content-type"] == "application/json"


def test_every_route_without_parameters_is_published(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()["paths"]
    fixed = {path for path, methods in document.items() if set(methods) == {"get"} and "parameters" not in methods["get"]}
    assert fixed - {"/api/ping"} == set(PATHS)


def test_environment_of_the_synthesis_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESION_TITLE", "Of this machine")
    assert "Of this machine" not in read_facts({}).files["/api/config"]


def upload(template: Resources) -> tuple[Any, dict[str, Any]]:
    (found,) = (
        item for item in template.values() if item["Type"] == UPLOAD and item["Properties"].get("Include") == ["api/*"]
    )
    return found, found["Properties"]


def check_upload(template: Resources) -> None:
    item, properties = upload(template)
    (alias,) = (name for name, other in template.items() if other["Type"] == "AWS::Lambda::Alias")
    # The update of the alias ends when the traffic is shifted; a roll-back before that leaves the files as they are.
    assert alias in item["DependsOn"]
    assert properties["SystemMetadata"] == {"cache-control": "no-store", "content-type": "application/json"}
    assert properties["DistributionPaths"] == ["/api/*"]
    assert properties["Exclude"] == ["*"] and properties["Prune"] is True
    for other in template.values():
        if other["Type"] == UPLOAD and other is not item and "Include" not in other["Properties"]:
            assert "api/*" in other["Properties"]["Exclude"], "the page's upload would delete the facts"


def check_behaviours(template: Resources) -> None:
    page, (*facts, api) = config(template)["DefaultCacheBehavior"], config(template)["CacheBehaviors"]
    assert [item["PathPattern"] for item in facts] == [*PATHS] and api["PathPattern"] == "/api/*"
    (check,) = (name for name, item in template.items() if name.startswith("ReadOnly") and "Function" in item["Type"])
    for item in facts:
        assert item["TargetOriginId"] == page["TargetOriginId"]
        assert item["ResponseHeadersPolicyId"] == api["ResponseHeadersPolicyId"]
        assert item["ViewerProtocolPolicy"] == api["ViewerProtocolPolicy"]
        assert set(item["AllowedMethods"]) == set(api["AllowedMethods"])
        assert [use["FunctionARN"]["Fn::GetAtt"][0] for use in item["FunctionAssociations"]] == [check]


def config(template: Resources) -> Any:
    (found,) = (item for item in template.values() if item["Type"] == "AWS::CloudFront::Distribution")
    return found["Properties"]["DistributionConfig"]


MUTATIONS: list[tuple[Callable[[Resources], Any], Callable[[Resources], None]]] = [
    (lambda template: upload(template)[0].pop("DependsOn"), check_upload),
    (lambda template: upload(template)[1].update(SystemMetadata={"content-type": "application/json"}), check_upload),
    (lambda template: upload(template)[1].update(DistributionPaths=["/index.html"]), check_upload),
    (lambda template: config(template)["CacheBehaviors"].pop(0), check_behaviours),
    (lambda template: config(template)["CacheBehaviors"].reverse(), check_behaviours),
    (lambda template: config(template)["CacheBehaviors"][0].pop("FunctionAssociations"), check_behaviours),
    (lambda template: config(template)["CacheBehaviors"][1].update(TargetOriginId="api"), check_behaviours),
]


@pytest.fixture(params=["plain", "full"])
def template(request: pytest.FixtureRequest) -> Resources:
    found: Resources = json.loads(request.getfixturevalue(request.param).text())["Resources"]
    return found


def test_facts_follow_the_shift_and_precede_the_api(template: Resources) -> None:
    check_upload(template)
    check_behaviours(template)


@pytest.mark.parametrize(("change", "check"), MUTATIONS)
def test_check_fails_for_a_changed_template(
    template: Resources, change: Callable[[Resources], Any], check: Callable[[Resources], None]
) -> None:
    changed = copy.deepcopy(template)
    change(changed)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(changed)


def test_asset_contains_the_facts_only(plain: Assembly) -> None:
    (asset,) = (path.parents[1] for path in plain.folder.glob("asset.*/api/config"))
    assert {path.relative_to(asset) for path in asset.rglob("*") if path.is_file()} == {Path(path[1:]) for path in PATHS}
