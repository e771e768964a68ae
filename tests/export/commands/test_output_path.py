"""A command refuses an `--out` that cannot be written before it computes anything."""

import os
from pathlib import Path

import pytest

from export.commands.output_path import require_file, require_folder
from export.console import main
from export.errors import ReportError


def test_require_folder_accepts_new_and_existing_folders(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "new", tmp_path / "new/deeper"):
        require_folder(folder)
        require_file(folder / "lesion.onnx")
    assert list(tmp_path.iterdir()) == []


def test_require_folder_refuses_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for folder in ("file", "file/run", "link"):
        with pytest.raises(ReportError, match="is a file"):
            require_folder(tmp_path / folder)
    with pytest.raises(ReportError, match="is a folder"):
        require_file(tmp_path)


def test_require_folder_names_what_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write everywhere, so the system's answer is replaced."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(ReportError, match=f"{tmp_path} is not writable"):
        require_file(tmp_path / "new/lesion.onnx")


@pytest.mark.parametrize("command", ["train", "distil", "evaluate"])
def test_commands_check_out_before_the_data(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main([command, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "file/run")]) == 1
    assert f"{tmp_path / 'file'} is a file" in capsys.readouterr().err
