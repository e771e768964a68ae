"""What is given away is listed, and under licences that allow it."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from infra.packaging import sbom


@pytest.mark.parametrize(
    ("licences", "objection"),
    [
        ([{"license": {"id": "MIT"}}], ""),
        ([{"expression": "GPL-2.0-only OR MIT"}], ""),
        ([{"expression": "(MIT AND Zlib) OR GPL-2.0-only"}], ""),
        ([{"license": {"name": "MIT License"}}], ""),
        ([{"expression": "MIT AND GPL-3.0-only"}], "part is under MIT AND GPL-3.0-only"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "AGPL-3.0-only"}}], "part is under MIT, AGPL-3.0-only"),
        ([{"license": {"name": "Ask me"}}], "part is under Ask me"),
        ([], "part comes without a licence"),
    ],
)
def test_every_part_needs_a_licence_that_is_allowed(licences: list[dict[str, object]], objection: str) -> None:
    assert "".join(sbom.licence_problems({"components": [{"name": "part", "licenses": licences}]})) == objection


def test_the_page_consists_of_what_its_lock_file_says() -> None:
    document = sbom.page_document()
    lock = json.loads((sbom.VENDOR / "package-lock.json").read_text())["packages"]
    wanted = {name.rpartition("node_modules/")[2] for name, entry in lock.items() if name and not entry.get("dev")}
    assert {
        f"{part['group']}/{part['name']}" if part.get("group") else part["name"] for part in document["components"]
    } == wanted
    assert list(sbom.licence_problems(document)) == []


@pytest.mark.parametrize(("requirements", "at_least"), [(sbom.REQUIREMENTS, 10), (sbom.BATCH_REQUIREMENTS, 2)])
def test_every_package_of_the_functions_is_pinned_with_hashes(requirements: Path, at_least: int) -> None:
    text = requirements.read_text().replace("\\\n", " ")
    packages = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(packages) > at_least
    for line in packages:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_the_exceptions_are_what_their_packages_say() -> None:
    for name, licence in sbom.LICENCE_OVERRIDES.items():
        said = distribution(name).metadata["License"]
        assert sbom.SPDX_NAMES[said] == licence
