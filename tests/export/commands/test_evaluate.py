"""Evaluation of own images reads the model, and writes a report with figures, plots and predictions to its own folder."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from export.commands.evaluate import FILES
from export.console import main
from tests.support.calibrated_stand_in import build_calibrated, write_labelled_images
from tests.support.paths import REPOSITORY, SAMPLES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_calibrated(tmp_path_factory.mktemp("evaluated") / "lesion.onnx", "dermoscopic", "clinical")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of both image types with a file that is no image, and a row without a file."""
    folder = write_labelled_images(tmp_path_factory.mktemp("own"), 60)
    write_labelled_images(folder, 30, seed=2, image_type="clinical")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    with (folder / "metadata.csv").open("a") as lines:
        lines.write("torn,malignant,Clinic,torn,dermoscopic\nabsent,benign,Clinic,absent,dermoscopic\n")
    return folder


def evaluated(model: Path, data: Path, out: Path, *more: str) -> int:
    return main(["evaluate", "--model", str(model), "--data", str(data), "--out", str(out), *more])


def table(out: Path) -> list[dict[str, str]]:
    with (out / "predictions.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_evaluate_writes_a_report_and_only_reads_the_model(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, beside = model.read_bytes(), sorted(model.parent.iterdir())
    out = tmp_path / "report"
    assert evaluated(model, data, out) == 0
    assert model.read_bytes() == before and sorted(model.parent.iterdir()) == beside
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert "92 rows, 91 used; left out: no file 1" in capsys.readouterr().out
    figures = json.loads((out / "metrics.json").read_text())
    answered = [row for row in table(out) if row["status"] != "failed"]
    labels, scores = zip(*((int(row["malignant"]), float(row["probability"])) for row in answered), strict=True)
    assert figures["all"]["n"] == len(answered) == 90
    assert figures["all"]["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert figures["all"]["auc"]["low"] < figures["all"]["auc"]["value"] < figures["all"]["auc"]["high"]
    above = np.array([row["decision"] == "above_threshold" for row in answered])
    assert figures["all"]["sensitivity"]["value"] == pytest.approx(above[np.array(labels) == 1].mean(), abs=1e-4)
    assert figures["data"]["tables"][0]["left_out"] == {"no file": 1}


def test_evaluate_reports_parts_and_failures(model: Path, data: Path, tmp_path: Path) -> None:
    assert evaluated(model, data, tmp_path) == 0
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert {name: part["n"] for name, part in figures["image_types"].items()} == {"dermoscopic": 60, "clinical": 30}
    assert {name: part["n"] for name, part in figures["sources"].items()} == {
        "Clinic, dermoscopic": 60,
        "Clinic, clinical": 30,
    }
    assert sum(part["n"] for part in figures["splits"].values()) == 90
    [failure] = figures["failures"]
    assert failure["id"] == "torn" and failure["reason"]
    [failed] = [row for row in table(tmp_path) if row["status"] == "failed"]
    assert (failed["id"], failed["probability"], failed["reason"]) == ("torn", "", failure["reason"])
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [row["id"] for row in rows] == [row["id"] for row in table(tmp_path)]
    assert [row["probability"] for row in rows[:-1]] == [float(row["probability"]) for row in table(tmp_path)[:-1]]


def test_evaluate_page_needs_no_other_file(model: Path, data: Path, tmp_path: Path) -> None:
    assert evaluated(model, data, tmp_path) == 0
    page = (tmp_path / "index.html").read_text()
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]*)"', page))
    assert "<script" not in page and "http" not in page and "href" not in page
    for heading in ("ROC", "Calibration", "Per diagnosis", "Per source", "Per image type", "Failures", "Data"):
        assert f"<h2>{heading}</h2>" in page
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert f"{figures['all']['auc']['value']:.3f} (" in page and "torn.jpg" in page


def test_evaluate_of_one_split(model: Path, data: Path, tmp_path: Path) -> None:
    assert evaluated(model, data, tmp_path, "--split", "test") == 0
    assert {row["split"] for row in table(tmp_path)} == {"test"}


def test_evaluate_of_one_image(model: Path, tmp_path: Path) -> None:
    """Figures that need both sides are missing; nothing fails."""
    shutil.copy(SAMPLES / "ISIC_0000026.jpg", tmp_path)
    (tmp_path / "own.csv").write_text("filename,label\nISIC_0000026.jpg,melanoma\n")
    assert evaluated(model, tmp_path, tmp_path / "report") == 0
    figures = json.loads((tmp_path / "report" / "metrics.json").read_text())["all"]
    assert figures["auc"]["value"] is None and figures["specificity"]["value"] is None and figures["n"] == 1
    assert "<h2>ROC</h2>" not in (tmp_path / "report" / "index.html").read_text()


def test_evaluate_replaces_reports_only(model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics.json").write_text("mine")
    assert evaluated(model, data, tmp_path) == 1
    assert "metrics.json exists, so nothing was written" in capsys.readouterr().err
    assert (tmp_path / "metrics.json").read_text() == "mine"
    assert evaluated(model, data, tmp_path, "--yes") == 0
    assert evaluated(model, data, tmp_path) == 0, "an earlier report may be replaced"
    assert evaluated(model, data, model.parent) == 1
    assert "contains a model file" in capsys.readouterr().err


def test_evaluate_names_the_contradictory_id(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metadata.csv").write_text("isic_id,diagnosis\nA_7,nevus\nA_7,melanoma\n")
    assert evaluated(model, tmp_path, tmp_path / "report") == 1
    said = capsys.readouterr().err
    assert "A_7 with different labels" in said and "Traceback" not in said and not (tmp_path / "report").exists()


def test_evaluate_does_not_import_torch() -> None:
    """A report needs no PyTorch, whose import takes seconds."""
    code = "import sys, export.commands.evaluate as e; e.options(); sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "lambda"), str(REPOSITORY)))}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


@pytest.mark.slow
def test_evaluate_of_200_images_takes_half_a_minute(shared_data: Path, model_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with (shared_data / "isic" / "metadata.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == "val"][:200]
    with (folder / "metadata.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        (folder / f"{row['isic_id']}.jpg").symlink_to(shared_data / "isic" / "images" / f"{row['isic_id']}.jpg")
    command = [sys.executable, "-m", "export", "evaluate", "--model", str(model_file), "--data", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "lambda"), str(REPOSITORY)))}
    start = time.monotonic()
    subprocess.run([*command, "--out", str(tmp_path / "report")], env=environment, cwd=tmp_path, check=True)
    assert time.monotonic() - start < 30
    labels, scores = zip(
        *((int(row["malignant"]), float(row["probability"])) for row in table(tmp_path / "report")), strict=True
    )
    figures = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert figures["all"]["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
