"""Software bills of materials of functions and page, as CycloneDX documents: `python -m infra.packaging.sbom`.

Writes build/sbom/function.json (packages of lambda/requirements.txt, hashes checked), build/sbom/batch.json (additional
packages of the batch image) and build/sbom/page.json (packages of infra/vendor/package-lock.json). Lambda's base image is
not included. Fails if a package has no licence, or one that is not in `ALLOWED`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = REPOSITORY / "lambda" / "requirements.txt"
BATCH_REQUIREMENTS = REPOSITORY / "lambda" / "batch-requirements.txt"
VENDOR = REPOSITORY / "infra" / "vendor"
BUILT = REPOSITORY / "build" / "sbom"

ALLOWED = frozenset(
    {
        "0BSD",
        "AFL-2.1",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        # pi-heif and libheif-js: unmodified libraries that a user can replace.
        "LGPL-3.0",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-CMU",
        "PSF-2.0",
        "Zlib",
    }
)
"""SPDX identifiers of the licences under which packages may be distributed with the service."""
SPDX_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "License :: OSI Approved :: MIT License": "MIT",
}
"""Licence names of packages that do not use SPDX identifiers."""

LICENCE_OVERRIDES = {"protobuf": "BSD-3-Clause"}
"""Package -> licence that its metadata state in a field that the tool does not read."""

Document = Mapping[str, Any]


class SbomError(Exception):
    """Raised when a document cannot be created or contains a licence that is not allowed; the message says what to do."""


def main() -> int:
    """Write the documents. Return 1, with a sentence on stderr, if that is not possible."""
    BUILT.mkdir(parents=True, exist_ok=True)
    try:
        documents = {
            "function": python_document(REQUIREMENTS),
            "batch": python_document(BATCH_REQUIREMENTS),
            "page": page_document(),
        }
        for name, document in documents.items():
            if wrong := list(licence_problems(document)):
                raise SbomError(
                    "; ".join(wrong) + ". Look at its licence, and add it to infra/packaging/sbom.py or drop the package."
                )
            (BUILT / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
            print(f"build/sbom/{name}.json: {len(document['components'])} packages")
    except SbomError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def python_document(requirements: Path) -> Document:
    """The packages of a requirements file, installed for this purpose into an environment of their own.

    Raises:
        SbomError: they cannot be installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, symlinks=True)
        python = str(Path(folder) / "bin" / "python")
        install = (
            "--python",
            python,
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--no-compile",
        )
        _run(sys.executable, "-m", "pip", *install, "-r", str(requirements))
        options = ("--output-reproducible", "--sv", "1.6", "--of", "JSON")
        found: Document = json.loads(_run(sys.executable, "-m", "cyclonedx_py", "environment", *options, python))
    return found


def page_document() -> Document:
    """Return the document of the packages that the page is published with.

    Raises:
        SbomError: npm cannot read it.
    """
    options = ("--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev")
    found: Document = json.loads(_run("npm", "sbom", *options, folder=VENDOR))
    return found


def _run(*command: str, folder: Path = REPOSITORY) -> str:
    # The Node.js of the requirements lies beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SbomError(f"{command[0]} failed: {(done.stderr.strip().splitlines() or ['it gives no reason'])[-1]}")
    return done.stdout


def licence_problems(document: Document) -> Iterator[str]:
    """Yield one sentence per component without a licence or with one that is not allowed."""
    for component in document["components"]:
        licences = list(_licences(component))
        if not licences:
            yield f"{component['name']} comes without a licence"
        elif not all(_is_allowed(licence) for licence in licences):
            yield f"{component['name']} is under {', '.join(licences)}"


def _licences(component: Mapping[str, Any]) -> Iterator[str]:
    if component["name"] in LICENCE_OVERRIDES:
        yield LICENCE_OVERRIDES[component["name"]]
    for entry in component.get("licenses", ()):
        licence = entry.get("license", {})
        name = entry.get("expression") or licence.get("id") or licence.get("name")
        if name:
            yield str(name)


def _is_allowed(expression: str) -> bool:
    """Return whether an SPDX expression is allowed: every part of an AND, one part of an OR."""
    expression = SPDX_NAMES.get(expression, expression)
    choices = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(all(part in ALLOWED for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


if __name__ == "__main__":
    sys.exit(main())
