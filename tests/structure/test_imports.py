"""Imports point downwards, as the contracts in pyproject.toml say, and no module escapes the check."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.support.paths import REPOSITORY

FOLDERS = ("export", "infra", "lambda/lesion", "tests")
ROOTS = tuple(folder.rsplit("/", 1)[-1] for folder in FOLDERS)
IGNORED = {"node_modules", "__pycache__"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOTS, cache_dir=None)


def test_every_python_file_is_in_the_import_graph(graph: grimp.ImportGraph) -> None:
    """A folder without `__init__.py` would be skipped without a message, and its imports would be unchecked."""
    files: set[str] = set()
    for folder, root in zip(FOLDERS, ROOTS, strict=True):
        for path in (REPOSITORY / folder).rglob("*.py"):
            if not IGNORED & {*path.parts}:
                parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
                files.add(".".join((root, *parts)).removesuffix(".__init__"))
    assert files == graph.modules


def test_no_test_module_is_imported(graph: grimp.ImportGraph) -> None:
    """Shared helpers live in tests/support; what a test module or a conftest holds is its own."""
    own = [module for module in graph.modules if re.search(r"\.(test_\w+|conftest)$", module)]
    importers = {module: graph.find_modules_that_directly_import(module) for module in own}
    assert {module: names for module, names in importers.items() if names} == {}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'lambda'}:{folder}"}
    return subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all that the contracts read."""
    for folder in FOLDERS:
        for path in (REPOSITORY / folder).rglob("*.py"):
            if not IGNORED & {*path.parts}:
                copy = tmp_path / path.relative_to(REPOSITORY)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_are_kept_and_fail_on_an_upward_import(tree: Path) -> None:
    contracts = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    kept = lint_imports(tree)
    assert (kept.returncode, kept.stdout.count(" KEPT")) == (0, len(contracts)), kept.stdout
    with (tree / "lambda/lesion/errors.py").open("a") as module:
        module.write("\nfrom lesion.web import api  # noqa\nfrom export import errors  # noqa\n")
    broken = lint_imports(tree)
    assert broken.returncode == 1
    assert "lesion.errors -> lesion.web.api" in broken.stdout
    assert "lesion.errors -> export.errors" in broken.stdout
