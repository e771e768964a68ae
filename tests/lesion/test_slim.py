"""lambda/slim.py produces the same bytes for the same packages, and loses no file."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

SCRIPT = REPOSITORY / "lambda" / "slim.py"
_found = importlib.util.spec_from_file_location("slim", SCRIPT)
assert _found is not None and _found.loader is not None
slim = importlib.util.module_from_spec(_found)
_found.loader.exec_module(slim)


def installed(folder: Path) -> Path:
    for name in slim.UNNEEDED:
        (folder / name).mkdir(parents=True)
    for name in ("pydantic/main.py", "pydantic/main.pyi", "numpy/tests/test_a.py", "numpy/x.h", "a.dist-info/LICENSE"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("NAMES = {'a', 'b', 'c'}\n")
        path.chmod(0o600)
    return folder


def make(folder: Path) -> dict[str, tuple[bytes, int, float]]:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([sys.executable, SCRIPT, folder, "/var/task"], check=True, env=environment)
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode,
            path.stat().st_mtime,
        )
        for path in folder.rglob("*")
    }


def test_same_packages_result_in_the_same_bytes(tmp_path: Path) -> None:
    made = make(installed(tmp_path / "a"))
    assert made == make(installed(tmp_path / "b"))
    tag = sys.implementation.cache_tag
    assert {name for name in made if Path(name).suffix} == {
        "pydantic/main.py",
        f"pydantic/__pycache__/main.{tag}.pyc",
        "a.dist-info",
    }
    assert "a.dist-info/LICENSE" in made
    assert {(oct(mode & 0o777), time) for _, mode, time in made.values()} == {("0o755", 0.0), ("0o644", 0.0)}
    assert b"/var/task/pydantic/main.py" in made[f"pydantic/__pycache__/main.{tag}.pyc"][0]


def test_prune_removes_only_the_named_folders(tmp_path: Path) -> None:
    folder = installed(tmp_path / "a")
    slim.prune(folder, ["numpy/f2py"])
    assert not (folder / "numpy/f2py").exists() and (folder / "numpy/_core/include").is_dir()


def test_prune_rejects_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"Remove it from the list in lambda/slim\.py"):
        slim.prune(tmp_path)


def test_compile_all_rejects_syntax_errors(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def\n")
    with pytest.raises(SystemExit, match="does not compile"):
        slim.compile_all(tmp_path, Path("/var/task"))
