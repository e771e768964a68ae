"""Architecture and SnapStart: off by default, and for every function that has the image."""

import json
from typing import Any

import pytest

from infra.config import PREFIX, SettingError, read_settings
from tests.support.cdk import Assembly

FUNCTION = "AWS::Lambda::Function"


def in_image(assembly: Assembly, stack: str) -> dict[str, Any]:
    (found,) = (
        item["Properties"]
        for item in assembly.resources(FUNCTION, stack).values()
        if item["Properties"].get("PackageType") == "Image"
    )
    return dict(found)


def platforms(assembly: Assembly, stack: str) -> set[str]:
    images = json.loads((assembly.folder / f"{stack}.assets.json").read_text())["dockerImages"]
    return {image["source"]["platform"] for image in images.values()}


def test_default_is_x86_without_snapshots(plain: Assembly) -> None:
    function = in_image(plain, "Lesion")
    assert function["Architectures"] == ["x86_64"] and "SnapStart" not in function
    assert platforms(plain, "Lesion") == {"linux/amd64"}


def test_arm64_and_snapshots_are_a_choice(stopped: Assembly) -> None:
    for stack in ("Lesion", "LesionBatch"):
        assert in_image(stopped, stack)["Architectures"] == ["arm64"]
        assert platforms(stopped, stack) == {"linux/arm64"}
    assert in_image(stopped, "Lesion")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    # A batch runs for minutes; its starts do not matter.
    assert "SnapStart" not in in_image(stopped, "LesionBatch")


def test_snapshots_exclude_provisioned_concurrency() -> None:
    with pytest.raises(SettingError, match="exclude each other"):
        read_settings({f"{PREFIX}snap_start": True, f"{PREFIX}provisioned_concurrency": 1})


def test_missing_recipient_of_alarms_is_a_warning(plain: Assembly, full: Assembly) -> None:
    def warnings(assembly: Assembly) -> str:
        metadata = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]["Lesion"]
        texts = [json.dumps(metadata.get("metadata", {}))]
        texts += [path.read_text() for path in assembly.folder.glob("Lesion.metadata.json")]
        return "".join(texts)

    assert "Nobody receives the alarms" in warnings(plain)
    assert "Nobody receives the alarms" not in warnings(full)
