"""What comes from npm is the same everywhere: exact versions, from whichever registry the machine uses."""

import json
import re

import pytest

from tests.support.paths import REPOSITORY

LOCKS = ("infra/package-lock.json", "infra/vendor/package-lock.json")


def test_the_command_line_of_cdk_is_pinned_to_one_that_reads_what_the_library_writes() -> None:
    package = json.loads((REPOSITORY / "infra" / "package.json").read_text())
    lock = json.loads((REPOSITORY / "infra" / "package-lock.json").read_text())["packages"]
    version = package["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", version)
    assert lock["node_modules/aws-cdk"]["version"] == version


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_what_it_was_and_comes_from_no_named_registry(name: str) -> None:
    root, *entries = json.loads((REPOSITORY / name).read_text())["packages"].values()
    wanted = {**root.get("dependencies", {}), **root.get("devDependencies", {})}
    assert wanted and all(re.fullmatch(r"[0-9.]+", version) for version in wanted.values())
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in entries)


def test_the_libraries_are_pinned() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    names = {line.split("==")[0] for line in lines if re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)}
    assert {"aws-cdk-lib", "constructs", "cdk-nag", "cfn-lint"} <= names
    assert "\nnodejs-wheel==" in (REPOSITORY / "infra" / "serve-requirements.txt").read_text()
