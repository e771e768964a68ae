"""An ensemble is trained and distilled by one command, which resumes and refuses a student of other teachers."""

import argparse
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from export.checkpoints.reader import read_checkpoint
from export.commands import distil
from export.console import main as run
from export.training.trainer import Trainer
from tests.support.small_training import ARCHITECTURE


def arguments(archive: Path, out: Path, *more: str) -> list[str]:
    """Return the command line of two small members and a student of one epoch."""
    student = ["--data", str(archive), "--out", str(out), "--arch", ARCHITECTURE, "--workers", "0", "--size", "96"]
    return [*student, "--phases", "64:1:4", "--members", "2", "--member-phases", "48:1:4", *more]


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_distil_trains_members_and_student(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["distil", *arguments(archive, tmp_path)]) == 0
    members = [tmp_path / name / "checkpoint.pt" for name in ("member-1", "member-2")]
    recipes = [read_checkpoint(path).provenance["recipe"] for path in members]
    assert [recipe["seed"] for recipe in recipes] == [2, 3]
    assert all(recipe["phases"] == [{"size": 48, "epochs": 1, "batch": 4}] for recipe in recipes)
    first, second = (torch.load(path, weights_only=True)["weights"]["malignant.weight"] for path in members)
    assert not torch.equal(first, second)
    student = read_checkpoint(tmp_path / "checkpoint.pt").provenance["recipe"]
    assert student["teachers"] == [digest(path) for path in members]
    assert (student["seed"], student["phases"]) == (1, [{"size": 64, "epochs": 1, "batch": 4}])

    # Everything is finished: nothing is trained again.
    before = [digest(path) for path in (*members, tmp_path / "checkpoint.pt")]
    monkeypatch.setattr(Trainer, "run", lambda self: pytest.fail("a finished network was trained again"))
    assert run(["distil", *arguments(archive, tmp_path)]) == 0
    assert [digest(path) for path in (*members, tmp_path / "checkpoint.pt")] == before


def test_distil_rejects_a_student_of_other_members(
    archive: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(checkpoint.read_bytes())
    assert run(["distil", *arguments(archive, tmp_path)]) == 1
    assert "other members" in capsys.readouterr().err
    assert digest(tmp_path / "checkpoint.pt") == digest(checkpoint)


def test_distil_rejects_given_teachers(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distil", *arguments(archive, tmp_path, "--teachers", "other.pt")]) == 1
    assert "train --teachers" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", ["1", "0", "-2", "many"])
def test_distil_rejects_fewer_than_two_members(archive: Path, tmp_path: Path, number: str) -> None:
    with pytest.raises(SystemExit):
        distil.options().parse_args(arguments(archive, tmp_path, "--members", number))


def test_members_default_to_the_students_network(archive: Path, tmp_path: Path) -> None:
    args: argparse.Namespace = distil.options().parse_args(["--data", str(archive), "--out", str(tmp_path)])
    configs = distil.member_configs(args)
    assert [config.seed for config in configs] == [2, 3, 4]
    assert {config.arch for config in configs} == {args.arch} and {config.phases for config in configs} == {
        tuple(args.phases)
    }
