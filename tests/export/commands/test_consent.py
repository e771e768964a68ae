"""Commands that replace files say so first, and need --yes or an answer on a terminal."""

import sys
from pathlib import Path

import pytest

from export.commands import convert
from export.commands.consent import confirm_replacement
from export.console import main
from export.errors import ReportError
from tests.support.paths import REPOSITORY
from tests.support.small_training import conversion_options
from tests.support.stand_in_model import build


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("Yes", True), ("", False), ("n", False)])
def test_confirm_replacement_asks_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, agreed: bool
) -> None:
    model = build(tmp_path / "lesion.onnx")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    if agreed:
        confirm_replacement([model, tmp_path / "absent"], yes=False)
    else:
        with pytest.raises(ReportError, match="Nothing was written"):
            confirm_replacement([model], yes=False)
    said = capsys.readouterr().out
    assert "This replaces:" in said and "lesion.onnx (model stand-in, sha256 " in said and "absent" not in said


@pytest.mark.parametrize("command", ["release", "stress", "faithful", "cameras"])
def test_commands_do_not_replace_a_report(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "models").mkdir()
    model = build(tmp_path / "models" / "lesion.onnx")
    (model.parent / "metrics.json").write_text("{}")
    before = {path.name: path.read_bytes() for path in model.parent.iterdir()}
    assert main([command, "--data", str(archive), "--model", str(model)]) == 1
    assert "so nothing was written. Add --yes" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in model.parent.iterdir()} == before


def test_convert_does_not_replace_a_model(checkpoint: Path, archive: Path, tmp_path: Path) -> None:
    out = build(tmp_path / "lesion.onnx")
    before = out.read_bytes()
    with pytest.raises(ReportError, match=r"lesion\.onnx exists, so nothing was written"):
        convert.main(conversion_options(checkpoint, archive, out))
    assert out.read_bytes() == before


def test_convert_writes_to_an_ignored_folder_by_default() -> None:
    out = convert.options().parse_args(["checkpoint.pt", "--data", "folder"]).out
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert f"{out.parts[0]}/" in ignored and "report/" in ignored
