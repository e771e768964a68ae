"""Robustness is measured as changes of AUC, decisions and refusals."""

import argparse
import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from lesion.inference.model import Model

from export.commands import robustness
from export.data import corruptions
from export.data.copies import read_copies
from export.data.labels import LabelledImage
from export.errors import DataError
from export.evaluation import robustness as evaluation
from export.evaluation.robustness import Scores, compare_scores, measure_robustness


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"nothing": {"at all": lambda pixels, rng: pixels}, "black": {"all": lambda pixels, rng: np.zeros_like(pixels)}}
    monkeypatch.setattr(evaluation, "CORRUPTIONS", kept)


@pytest.fixture
def copies(tmp_path: Path, rows: list[LabelledImage]) -> Path:
    """Return a folder of copies: the images of the archive themselves, as copies of the kind `same`."""
    folder = tmp_path / "copies"
    (folder / "images").mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["file", "isic_id", "kind"])
        for row in rows:
            shutil.copy(row.path, folder / "images" / f"{row.isic_id}-same.jpg")
            table.writerow([f"{row.isic_id}-same.jpg", row.isic_id, "same"])
    return folder


def test_measure_robustness_of_identity_and_black_images(
    few: None, converted: Path, rows: list[LabelledImage], copies: Path
) -> None:
    found = measure_robustness(Model(converted), [row for row in rows if row.split == "test"], copies)
    for part in (found["nothing"]["at all"], found["other copy"]["same"]):
        assert part["n"] == 12
        assert (part["flips"]["value"], part["auc_change"]["value"], part["newly_refused"]) == (0, 0, 0)
    [page] = found["sent by the page"].values()
    assert page["n"] == 12 and abs(page["auc_change"]["value"]) < 0.1
    for turned in found[evaluation.EIGHT_VIEWS_KIND].values():
        assert (turned["flips"]["value"], turned["newly_refused"]) == (0, 0)
        assert turned["auc_change"]["value"] == pytest.approx(0, abs=0.02)
    black = found["black"]["all"]
    assert black["auc"]["value"] == 0.5
    assert black["newly_refused"] > 0.5


def test_drawn_images_are_the_same_in_any_order_and_of_both_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_OF_TYPE", 3)
    rows = [
        LabelledImage(f"{kind}{i}", Path(), i < 2, "", "", str(i), "test", image_type=kind)
        for kind in ("dermoscopic", "clinical")
        for i in range(9)
    ]
    drawn = [row.isic_id for row in evaluation.draw_images(rows)]
    assert sorted(row.isic_id for row in evaluation.draw_images(rows[::-1])) == sorted(drawn)
    assert [name.startswith("dermoscopic") for name in drawn] == [True] * 3 + [False] * 3
    assert evaluation.draw_images(rows[:3]) == rows[:3]


def test_compare_scores_counts_flips_and_refusals() -> None:
    rows = [LabelledImage(str(i), Path(), i < 2, "", "", str(i), "test") for i in range(4)]
    above = np.array([True, True, False, False])
    original = Scores(np.array([0.99, 0.98, 0.001, 0.0]), above, np.array([False, False, True, False]))
    changed = Scores(
        np.array([0.0, 0.98, 0.001, 0.002]), above & [False, True, True, True], np.array([True, False, True, False])
    )
    found = compare_scores(changed, original, rows)
    assert found["flips"]["value"] == 0.25
    assert found["newly_refused"] == 0.25
    assert (found["auc"]["value"], found["auc_change"]["value"]) == (0.5, -0.5)


@pytest.mark.slow
def test_robustness_writes_only_figures_of_test(
    few: None, converted: Path, archive: Path, copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "lesion.onnx"
    shutil.copy(converted, model)
    reported: dict[str, object] = {}
    monkeypatch.setattr(robustness, "update_report", lambda path, parts: reported.update(parts))
    options: dict[str, object] = {"data": [archive], "model": model, "copies": copies, "yes": False}
    options |= {"label_column": "", "image_column": "", "class_map": None}
    robustness.main(argparse.Namespace(**options, split="val"))
    assert not reported and not (tmp_path / "stress.png").exists()
    robustness.main(argparse.Namespace(**options, split="test"))
    assert json.dumps(reported) and set(reported) == {"stress"}
    assert (tmp_path / "stress.png").read_bytes().startswith(b"\x89PNG")


def test_read_copies_names_a_missing_file(copies: Path, rows: list[LabelledImage]) -> None:
    next((copies / "images").iterdir()).unlink()
    with pytest.raises(DataError, match=r"-same\.jpg, which is not below"):
        read_copies(copies, {row.isic_id for row in rows})
    with pytest.raises(DataError, match="--copies"):
        read_copies(copies / "images", set())


def test_page_constants_equal_those_of_the_page() -> None:
    script = (Path(__file__).parents[3] / "infra" / "site" / "js" / "photo" / "resize.js").read_text()
    assert f"LONGEST_SIDE = {corruptions.PAGE_SIDE};" in script
    assert f"QUALITY = {corruptions.PAGE_QUALITY / 100};" in script
