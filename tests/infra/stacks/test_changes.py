"""A running stack can be changed: settings that are turned off or changed, and two regions in one account.

References between stacks are weak (`Fn::GetStackOutput`), so CloudFormation refuses no change because another stack uses an
export. In exchange, the order must be right: the service gives up a resource before its stack is deleted.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cdk import EVERY_OPTION, Assembly

Synthesise = Callable[[dict[str, Any]], Assembly]
FLAG = "@aws-cdk/core:defaultCrossStackReferences"
CHANGES: dict[str, dict[str, Any]] = {
    "waf": {"waf": False, "flat_rate_plan": False},
    "domain": {"domain_name": "", "hosted_zone_id": ""},
    "edge": {"waf": False, "flat_rate_plan": False, "domain_name": "", "hosted_zone_id": ""},
    "batch": {"batch_bucket": "", "batch_prefix": ""},
    "changed": {"domain_name": "skin.example.org", "waf_requests": 500},
}
"""Settings that are turned off or changed."""


def referred(assembly: Assembly, stack: str) -> set[str]:
    """Return the stacks that the template of `stack` reads outputs of."""
    found: set[str] = set()

    def search(value: Any) -> None:
        if isinstance(value, dict):
            if "Fn::GetStackOutput" in value:
                found.add(value["Fn::GetStackOutput"]["StackName"])
            for item in value.values():
                search(item)
        elif isinstance(value, list):
            for item in value:
                search(item)

    search(json.loads(assembly.text(stack)))
    return found


def dependencies(assembly: Assembly, stack: str) -> set[str]:
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    return set(artifacts[stack]["dependencies"]) & assembly.stacks().keys()


def check_weak(assembly: Assembly) -> None:
    """No template exports, imports or copies a value in a way that blocks a change of its producer."""
    for stack in assembly.stacks():
        text = assembly.text(stack)
        for word in ("Fn::ImportValue", '"Export"', "CrossRegionExport", "Custom::CrossRegion"):
            assert word not in text, (stack, word)
        assert referred(assembly, stack) <= assembly.stacks().keys()
        assert referred(assembly, stack) <= dependencies(assembly, stack) | {stack}


@pytest.mark.parametrize("name", ["plain", "full", "stopped"])
def test_references_between_stacks_are_weak(request: pytest.FixtureRequest, name: str) -> None:
    check_weak(request.getfixturevalue(name))


# Two of them in the default tests: turning everything at the edge off, and changing it. The rest is slow.
@pytest.mark.parametrize(
    "name",
    [name if name in ("edge", "changed") else pytest.param(name, marks=pytest.mark.slow) for name in CHANGES],
)
def test_service_gives_up_a_stack_before_it_is_deleted(full: Assembly, synthesise: Synthesise, name: str) -> None:
    after = synthesise({**EVERY_OPTION, **CHANGES[name]})
    check_weak(after)
    gone = full.stacks().keys() - after.stacks().keys()
    assert gone == {"edge": {"LesionEdge-eu-central-1"}, "batch": {"LesionBatch"}}.get(name, set())
    # The producer is not in the application any more, so it is deleted by hand, after this deployment.
    for stack in after.stacks():
        assert not referred(after, stack) & gone
    # A stack that stays is updated before the service that uses it, and so must not lose what the deployed service uses.
    if name == "changed":
        (certificate,) = after.resources("AWS::CertificateManager::Certificate", "LesionEdge-eu-central-1").values()
        assert certificate["UpdateReplacePolicy"] == "Retain"
        (before,) = full.resources("AWS::CertificateManager::Certificate", "LesionEdge-eu-central-1").values()
        assert before["Properties"]["DomainName"] != certificate["Properties"]["DomainName"]


@pytest.mark.slow
def test_migration_from_strong_references(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With `both`, the exports stay while the consumer stops importing; then `weak` removes them."""
    from tests.support.cdk import synthesise as synthesise_into

    settings = {"waf": True, "hosted_zone_id": "Z0123456789", "domain_name": "moles.example.org"}
    strong, both = (
        synthesise_into(tmp_path_factory.mktemp(strength), settings, {FLAG: strength}) for strength in ("strong", "both")
    )
    assert "Fn::ImportValue" in strong.text() and "Fn::ImportValue" not in both.text()
    exports = {
        name: [item["Export"] for item in json.loads(assembly.text("LesionEdge"))["Outputs"].values() if "Export" in item]
        for name, assembly in (("strong", strong), ("both", both))
    }
    assert exports["strong"] and all(item in exports["both"] for item in exports["strong"])
    assert "Fn::GetStackOutput" in both.text()


def global_names(assembly: Assembly) -> set[str]:
    """Return the given names of resources that are unique in an account."""
    names = set()
    for stack in assembly.stacks():
        names |= {stack} if assembly.stacks()[stack] == "us-east-1" else set()
        for item in json.loads(assembly.text(stack))["Resources"].values():
            if item["Type"].startswith("AWS::CloudFront::"):
                for key, config in item["Properties"].items():
                    given = config.get("Name") if key.endswith("Config") and isinstance(config, dict) else None
                    given = config if key == "Name" else given
                    names |= {f"{item['Type']} {json.dumps(given)}"} if given else set()
    return names


def test_two_regions_share_no_name(plain: Assembly, full: Assembly) -> None:
    near, far = global_names(plain), global_names(full)
    assert len(near) >= 6 and len(far) >= 6
    assert near & far == set()
