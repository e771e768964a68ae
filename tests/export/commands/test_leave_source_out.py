"""`unseen` trains without each data set in turn and adds what it found to the model card."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.arrays import Figures
from export.checkpoints.reader import read_own_checkpoint
from export.checkpoints.recipe import TrainConfig
from export.commands import leave_source_out
from export.commands.train import config_of
from export.data.labels import LabelledImage, fingerprint
from export.errors import CheckpointError, DataError, ReportError
from export.evaluation.leave_source_out import Scored
from tests.support.paths import REPOSITORY
from tests.support.small_training import ARCHITECTURE


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a copy of the released model file beside its figures."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("lesion.onnx", "metrics.json"):
        shutil.copy(REPOSITORY / "models" / name, folder)
    return folder / "lesion.onnx"


def run(archive: Path, model: Path, out: Path, *further: str) -> TrainConfig:
    given = ["--data", str(archive), "--out", str(out), "--arch", ARCHITECTURE, "--workers", "0", "--size", "96"]
    given += ["--phases", "64:1:4", "--model", str(model), "--yes", *further]
    args = leave_source_out.options().parse_args(given)
    leave_source_out.main(args)
    return config_of(args)


def test_each_data_set_is_left_out_of_a_training(
    archive: Path,
    rows: list[LabelledImage],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("export.evaluation.leave_source_out.FEWEST_OF_A_SIDE", 1)
    monkeypatch.setattr("export.graph.calibration.FOLDS", 2)
    two = [replace(row, dataset="ab"[place % 2]) for place, row in enumerate(rows)]
    monkeypatch.setattr(leave_source_out, "read_rows", lambda args: two)
    out = tmp_path / "unseen"
    run(archive, model, out)
    assert sorted(path.name for path in out.iterdir()) == ["all", "without-a", "without-b"]
    for folder, kept in (("all", "ab"), ("without-a", "b"), ("without-b", "a")):
        train = [row for row in two if row.split == "train" and row.dataset in kept]
        state = torch.load(out / folder / "checkpoint.pt", weights_only=True)
        assert state["provenance"]["data_sha256"] == fingerprint(train)
    found = json.loads((model.parent / "metrics.json").read_text())["unseen_sources"]
    assert list(found) == ["a, dermoscopic", "b, dermoscopic"]
    assert found["a, dermoscopic"]["n"] == sum(row.dataset == "a" and row.split != "test" for row in two)
    assert "| a, dermoscopic |" in (model.parent / "README.md").read_text()
    capsys.readouterr()
    run(archive, model, out)
    assert capsys.readouterr().out.count("resuming after epoch 0") == 3
    assert json.loads((model.parent / "metrics.json").read_text())["unseen_sources"] == found


def test_each_data_set_is_scored_by_the_right_networks(
    archive: Path, rows: list[LabelledImage], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.evaluation.leave_source_out.FEWEST_OF_A_SIDE", 1)
    two = [replace(row, dataset="ab"[place % 2]) for place, row in enumerate(rows)]
    monkeypatch.setattr(leave_source_out, "read_rows", lambda args: two)
    given: list[tuple[Scored, Scored, Scored]] = []

    def figures(others: Scored, unseen: Scored, seen: Scored) -> dict[str, Figures]:
        given.append((others, unseen, seen))
        return {}

    monkeypatch.setattr(leave_source_out, "unseen_figures", figures)
    monkeypatch.setattr(leave_source_out, "update_report", lambda path, parts: None)
    out = tmp_path / "unseen"
    config = run(archive, model, out)
    for name, (others, unseen, seen) in zip("ab", given, strict=True):
        assert {(row.dataset, row.split) for row in others.rows} == {("b" if name == "a" else "a", "val")}
        assert {row.dataset for row in unseen.rows} == {row.dataset for row in seen.rows} == {name}
        for folder, part in ((f"without-{name}", others), (f"without-{name}", unseen), ("all", seen)):
            network = read_own_checkpoint(out / folder / "checkpoint.pt")[1]
            expected = leave_source_out.scored(network, part.rows, config)
            np.testing.assert_allclose(part.logit, expected.logit, atol=1e-4)


def test_one_data_set_cannot_be_left_out(archive: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No data set can be left out"):
        run(archive, model, tmp_path / "unseen")
    assert not (tmp_path / "unseen").exists()


@pytest.mark.parametrize("option", ["--start", "--teachers"])
def test_networks_that_have_seen_lesions_are_refused(archive: Path, model: Path, tmp_path: Path, option: str) -> None:
    with pytest.raises(CheckpointError, match="has seen the images"):
        run(archive, model, tmp_path / "unseen", option, str(model))


def test_model_without_figures_is_refused_before_training(archive: Path, model: Path, tmp_path: Path) -> None:
    model.with_name("metrics.json").write_text('{"parity": {}}')
    with pytest.raises(ReportError, match="has no figures yet"):
        run(archive, model, tmp_path / "unseen")
    assert not (tmp_path / "unseen").exists()
