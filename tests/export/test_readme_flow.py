"""The commands for own data, from the folder to an answer, in every layout; no tracked file changes."""

import json
import re
import subprocess
from pathlib import Path

import onnx
import pytest
from lesion import load

from export.checkpoints.reader import read_checkpoint
from export.commands import convert
from export.console import main
from export.data.tables import read_data
from export.evaluation import parity
from export.graph.assemble import NetworkCore, export_network
from tests.support.layout_folders import LAYOUTS, Image, images_of, write_folder
from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.small_training import ARCHITECTURE

TINY = ["--arch", ARCHITECTURE, "--size", "64", "--phases", "64:1:4", "--workers", "0", "--device", "cpu"]


def samples() -> list[tuple[Path, str]]:
    """Return the repository's images and their diagnoses; melanoma and nevus in turn, so that every split has both."""
    listed = json.loads((SAMPLES / "samples.json").read_text())
    sides = ([one for one in listed if one["malignant"] is side] for side in (True, False))
    return [(SAMPLES / f"{one['id']}.jpg", one["diagnosis"]) for pair in zip(*sides, strict=True) for one in pair]


def tracked_files() -> str:
    """Return what git says about the repository; a checkout without git says nothing."""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, onnx.ModelProto]:
    """Return a checkpoint of the archive's layout, and its exported network, which takes most of the time."""
    folder = tmp_path_factory.mktemp("first")
    data = write_folder("archive", folder / "data", images_of(samples(), {"train": 20, "val": 12, "test": 8}))
    run("train", "--data", data, "--out", folder / "run", *TINY)
    checkpoint = folder / "run" / "checkpoint.pt"
    return checkpoint, export_network(NetworkCore(read_checkpoint(checkpoint).network))


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_readme_flow(
    layout: str, first_run: tuple[Path, onnx.ModelProto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Train, convert, evaluate on another folder, and load.

    One layout converts the checkpoint that it trained. The others, which have networks of the same classes, convert that of
    `first_run` with their own data, so that the network is exported once.
    """
    before = tracked_files()
    monkeypatch.chdir(tmp_path)
    images = images_of(samples(), {"train": 20, "val": 12, "test": 8})
    data = write_folder(layout, tmp_path / "clinic", images)
    other = write_folder(layout, tmp_path / "other", images_of(samples(), {"test": 8}, first=500_000))

    run("train", "--data", data, "--out", "runs/mine", *TINY)
    checkpoint, model, precision = Path("runs/mine/checkpoint.pt"), Path("runs/mine/model/lesion.onnx"), "int8"
    assert read_checkpoint(checkpoint).provenance["images"] == 20
    if layout != "archive":
        (checkpoint, exported), precision = first_run, "float32"
        monkeypatch.setattr(convert, "export_network", lambda _: exported)
        monkeypatch.setattr(parity, "PARITY_IMAGES", 4)
    run("convert", checkpoint, "--data", data, "--out", model, "--numbers", precision)
    run("evaluate", "--model", model, "--data", other, "--out", "report")

    figures = json.loads(Path("report/metrics.json").read_text())
    assert (figures["all"]["n"], figures["all"]["malignant"], figures["failures"]) == (8, 4, [])
    [table] = figures["data"]["tables"]
    assert (table["rows"], table["used"], table["left_out"]) == (8, 8, {})
    answer = load(model).classify(images[0].path, evidence=False)
    assert (answer.prediction is None) != (answer.refusal is None)
    assert tracked_files() == before


def test_folder_of_each_layout_is_read(tmp_path: Path) -> None:
    """The quick part of `test_readme_flow`: labels, splits and the name of the data set."""
    images = images_of(samples(), {"train": 4, "val": 2, "test": 2})
    for layout in LAYOUTS:
        data = read_data([write_folder(layout, tmp_path / layout, images)])
        assert data.summary.sources[0].left_out == {}
        assert sorted((row.malignant, row.split) for row in data.rows) == sorted(
            (image.side == "malignant", split)
            for image, split in zip(images, ["train"] * 4 + ["val"] * 2 + ["test"] * 2, strict=True)
        )
        assert "unknown" not in {row.dataset for row in data.rows}


def test_results_of_readme_flow_are_ignored_by_git() -> None:
    assert {"runs/", "report/"} <= set((REPOSITORY / ".gitignore").read_text().split())


def own_classes(folder: Path, images: list[Image]) -> Path:
    """Write a table with own classes, an image column of its own name, and the class map; return the folder."""
    names = {"melanoma": "Merkel", "nevus": "Spitz"}
    folder.mkdir()
    lines = [f"{one.name}.jpg,{'Reed' if place % 4 == 1 else names[one.diagnosis]}" for place, one in enumerate(images)]
    (folder / "own.tab").write_text("\n".join(["Foto,Finding", *lines]).replace(",", "\t") + "\n")
    for one in images:
        (folder / f"{one.name}.jpg").symlink_to(one.path)
    return folder


@pytest.mark.slow
def test_own_classes_from_the_table_to_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The network has the classes of the class map instead of the seven."""
    (tmp_path / "map.csv").write_text("label,malignant,class\nspitz,no,\nreed,no,\nmerkel,yes,merkel cell carcinoma\n")
    data = own_classes(tmp_path / "clinic", images_of(samples(), {"train": 16, "val": 12, "test": 4}))
    options = ["--label-column", "finding", "--image-column", "foto", "--class-map", tmp_path / "map.csv"]
    out, report = tmp_path / "run", tmp_path / "report"
    run("train", "--data", data, "--out", out, *options, *TINY)
    model = out / "model" / "lesion.onnx"
    run("convert", out / "checkpoint.pt", "--data", data, "--out", model, "--numbers", "float32", *options)
    run("candidates", out / "checkpoint.pt", "--data", data, *options)
    assert not re.search(r"\bnan\b", capsys.readouterr().out)
    run("evaluate", "--model", model, "--data", data, "--split", "test", "--out", report, *options)
    assert set(json.loads((report / "metrics.json").read_text())["diagnoses"]) == {"merkel_cell_carcinoma", "reed", "spitz"}
    capsys.readouterr()
    run("classify", next(data.glob("*.jpg")), "--model", model, "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["model"]["version"] == "1.0.0"
    codes = {(entry.code, entry.malignant) for entry in load(model).card.classes}
    assert codes == {("merkel_cell_carcinoma", True), ("reed", False), ("spitz", False)}
