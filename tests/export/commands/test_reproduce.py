"""All metrics of a model card are recomputed, and a card that differs is detected."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import timm
import torch

from export.arrays import Figures
from export.commands import release, reproduce
from export.commands.reproduce import count, differences, stale_pages
from export.console import main
from export.evaluation import robustness
from export.graph.metadata import write_metadata
from tests.support.paths import REPOSITORY


@pytest.fixture
def published(
    converted: Path, checkpoint: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Callable[[], int]]:
    """Return a folder like models/ with all its metrics, and a function that recomputes them."""
    monkeypatch.setattr(robustness, "CORRUPTIONS", {"black": {"all": lambda pixels, rng: np.zeros_like(pixels)}})
    folder = tmp_path / "models"
    shutil.copytree(converted.parent, folder)
    common = ["--data", str(archive), "--model", str(folder / "lesion.onnx")]
    for command in (["release"], ["stress"], ["faithful"], ["formats", str(checkpoint)], ["cameras"]):
        assert main([*command, *common, "--yes"]) == 0
    return folder, lambda: main(["reproduce", *common, "--checkpoint", str(checkpoint)])


@pytest.mark.slow
def test_reproduce_confirms_the_card_and_detects_changes(
    published: tuple[Path, Callable[[], int]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, again = published
    found: list[Figures] = []
    compute = reproduce.recompute

    def once(*given: Any) -> Figures:
        # The changes below do not affect the metrics of the images.
        if not found:
            found.append(compute(*given))
        return found[0]

    monkeypatch.setattr(reproduce, "recompute", once)
    # Figures of `export unseen` need trainings, and are not compared.
    recorded = folder / "metrics.json"
    recorded.write_text(json.dumps(json.loads(recorded.read_text()) | {"unseen_sources": {}}))
    assert again() == 0
    assert ", 0 contradictions" in capsys.readouterr().out

    card = folder / "README.md"
    card.write_text(card.read_text().replace("95 % of the", "99 % of the"))
    figures = json.loads((folder / "metrics.json").read_text())
    figures["test"]["all"]["auc"]["value"] += 0.01
    (folder / "metrics.json").write_text(json.dumps(figures))
    model = onnx.load(folder / "lesion.onnx")
    points = json.loads(next(entry.value for entry in model.metadata_props if entry.key == "operating_points"))
    points["dermoscopic"]["1"] |= {"threshold": 0.999}
    points["dermoscopic"]["1"]["prediction_sets"]["benign"] = 0.0
    write_metadata(model, {"operating_points": points})
    onnx.save(model, folder / "lesion.onnx")
    assert again() == 1
    said = capsys.readouterr().out
    assert "metrics.json: test/all/auc/value: said to be" in said
    assert "metrics.json: sha256: said to be" in said
    assert "lesion.onnx: operating_points/dermoscopic/1/threshold: said to be 0.999" in said
    assert "models/README.md: differs from" in said


def test_reproduce_reads_the_checkpoint_before_computing(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Computing(Exception):
        pass

    def compute(*_: Any, **__: Any) -> None:
        raise Computing

    monkeypatch.setattr(release, "evaluate", compute)
    torch.save(timm.create_model("test_efficientnet", num_classes=2).state_dict(), tmp_path / "weights.pth")
    command = ["reproduce", "--data", str(archive), "--checkpoint", str(tmp_path / "weights.pth")]
    command += ["--model", str(REPOSITORY / "models" / "lesion.onnx"), "--arch", "test_efficientnet"]
    assert main(command) == 1
    assert "Name the classes, in order, with --classes." in capsys.readouterr().err
    with pytest.raises(Computing):
        main([*command, "--classes", "melanoma", "nevus"])


def test_differences_ignores_rounding() -> None:
    said = {"auc": 0.917, "n": 1350, "flag": True, "codes": ["a", "b"], "none": None}
    assert list(differences(said, {**said, "auc": 0.918})) == []
    assert list(differences(said, {**said, "auc": 0.92})) == ["auc: said to be 0.917, found 0.92"]
    assert list(differences(said, {**said, "n": 1353})) == ["n: said to be 1350, found 1353"]
    assert list(differences(said, {**said, "auc": float("nan")})) == ["auc: said to be 0.917, found nan"]
    assert list(differences(said, {**said, "codes": ["a"]})) == ["codes: said to be ['a', 'b'], found ['a']"]
    assert list(differences({"part": {"n": 1}}, {})) == ["part: said to be {'n': 1}, found None"]
    assert list(differences({"milliseconds": 9.0}, {"milliseconds": 90.0})) == []
    assert count(said) == 2


def test_main_explains_a_folder_without_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--data", str(tmp_path), "--out", str(tmp_path / "report")]) == 1
    assert "metadata.csv does not exist" in capsys.readouterr().err


def test_stale_pages_finds_none_in_this_repository() -> None:
    models = REPOSITORY / "models"
    assert stale_pages(models / "lesion.onnx", json.loads((models / "metrics.json").read_text())) == []
