"""The pages are rendered from the model file and metrics.json alone."""

import json
import shutil
from pathlib import Path

import pytest
from lesion.inference.model import Model

from export.commands import leave_dataset_out
from export.console import main
from export.errors import ReportError
from export.reporting.model_card import render_card
from export.reporting.readme_table import BEGIN, END, render_results, write_results
from export.reporting.writer import render_report
from tests.support.paths import REPOSITORY


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of models/ with a README above it that has empty results."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("lesion.onnx", "metrics.json", "experiments.md"):
        shutil.copy(REPOSITORY / "models" / name, folder)
    (tmp_path / "README.md").write_text(f"# Title\n{BEGIN}\n{END}\nend\n")
    return folder / "lesion.onnx"


def test_render_writes_the_committed_pages(model: Path) -> None:
    assert main(["render", "--model", str(model)]) == 0
    assert (model.parent / "README.md").read_text() == (REPOSITORY / "models" / "README.md").read_text()
    block = (model.parents[1] / "README.md").read_text().removeprefix("# Title\n").removesuffix("\nend\n")
    assert block in (REPOSITORY / "README.md").read_text()


def test_render_without_metrics_says_what_to_run(model: Path) -> None:
    (model.parent / "metrics.json").unlink()
    with pytest.raises(ReportError, match="python -m export release"):
        render_report(model)
    assert not (model.parent / "README.md").exists()


def test_write_results_replaces_only_the_marked_block(tmp_path: Path) -> None:
    path, models = tmp_path / "README.md", REPOSITORY / "models"
    path.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    metrics = json.loads((models / "metrics.json").read_text())
    for _ in range(2):
        write_results(path, Model(models / "lesion.onnx"), 13_000_000, metrics)
        lines = path.read_text().splitlines()
        assert (lines[0], lines[-1], lines.count(BEGIN), lines.count(END)) == ("before", "after", 1, 1)
    for part in metrics["test"]["types"].values():
        assert f"{part['auc']['value']:.3f} (" in path.read_text()
    path.write_text("no markers\n")
    write_results(path, Model(models / "lesion.onnx"), 13_000_000, metrics)
    assert path.read_text() == "no markers\n"


def test_render_results_has_five_rows_at_most() -> None:
    models = REPOSITORY / "models"
    metrics = json.loads((models / "metrics.json").read_text())
    text = render_results(Model(models / "lesion.onnx"), 13_000_000, metrics)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert 0 < len(rows) - 2 <= 5, "header and separator are not rows"


def test_render_card_omits_undefined_metrics() -> None:
    """A small folder may have one side only, no images outside `train`, and a single data set."""
    models = REPOSITORY / "models"
    model, metrics = Model(models / "lesion.onnx"), json.loads((models / "metrics.json").read_text())
    undefined = {"value": None, "low": None, "high": None}
    metrics["test"]["datasets"] = {name: part | {"auc": undefined} for name, part in metrics["test"]["datasets"].items()}
    metrics["unseen_cameras"] = {"mine": {"all": {"n": 3, "refused": undefined}, "unseen": {"n": 0, "refused": undefined}}}
    leave_dataset_out.show(metrics["unseen_cameras"])
    card = render_card(model, metrics)
    assert "left out of the OOD statistics" in card and "mine - of 3, - of the 0" in card
    metrics["unseen_cameras"] = {}
    assert "left out of the OOD statistics" not in render_card(model, metrics)
