"""What comes from npm is the same everywhere: exact versions, from whichever registry the machine uses."""

import json
import re

import pytest

from tests.support.paths import REPOSITORY

LOCKS = ("infra/package-lock.json", "infra/vendor/package-lock.json")


def test_the_command_line_of_cdk_is_pinned_to_one_that_reads_what_the_library_writes() -> None:
    package = json.loads((REPOSITORY / "infra" / "package.json").read_text())
    lock = json.loads((REPOSITORY / "infra" / "package-lock.json").read_text())["packages"]
    version = package["dependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", version)
    assert lock["node_modules/aws-cdk"]["version"] == version


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_what_it_was_and_comes_from_no_named_registry(name: str) -> None:
    root, *entries = json.loads((REPOSITORY / name).read_text())["packages"].values()
    wanted = {**root.get("dependencies", {}), **root.get("devDependencies", {})}
    assert wanted and all(re.fullmatch(r"[0-9.]+", version) for version in wanted.values())
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in entries)


def test_requirements_are_pinned_with_hashes() -> None:
    """Every package that `make setup` installs has one exact version and a hash for each file that it may come as."""
    text = (REPOSITORY / "requirements.txt").read_text()
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+(\[[a-z0-9]+\])?==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text
    assert {"aws-cdk-lib", "constructs", "cdk-nag", "cfn-lint", "torch"} <= {entry.split("==")[0] for entry in entries}


@pytest.mark.parametrize(
    "part", ["lambda/requirements.txt", "infra/serve-requirements.txt", "infra/deploy-requirements.txt"]
)
def test_requirements_contain_the_runtime(part: str) -> None:
    """Development has the versions of the runtime: `requirements.in` includes them, and nobody forgot to compile it."""
    pin = re.compile(r"^[a-zA-Z0-9-]+==\S+", re.MULTILINE)
    wanted = set(pin.findall((REPOSITORY / part).read_text()))
    assert wanted and wanted <= set(pin.findall((REPOSITORY / "requirements.txt").read_text()))


def test_a_deployment_needs_no_training_or_test_packages() -> None:
    text = (REPOSITORY / "infra" / "deploy-requirements.txt").read_text()
    names = set(re.findall(r"^([a-zA-Z0-9-]+)==", text, re.MULTILINE))
    assert {"aws-cdk-lib", "cdk-nag", "constructs", "boto3", "jsii"} <= names
    assert not names & {"torch", "timm", "pytest", "moto", "cfn-lint", "playwright"}
    wanted = (REPOSITORY / "infra" / "deploy-requirements.in").read_text()
    assert {line for line in wanted.splitlines() if "==" in line} <= set(re.findall(r"^\S+==\S+", text, re.MULTILINE))
    entries = [line for line in text.replace("\\\n", " ").splitlines() if "==" in line]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
