"""Checkpoints are compared on `val`, alone and in pairs."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.checkpoints.reader import read_checkpoint
from export.commands.compare import unique_names
from export.data.labels import LabelledImage
from export.evaluation.candidates import CHANGES, UNCHANGED, candidate_figures, compare_candidates, load_stacks


def test_candidate_metrics_equal_a_count_by_hand(rows: list[LabelledImage]) -> None:
    val = [row for row in rows if row.split == "val"]
    truth = np.array([row.malignant for row in val])
    perfect = np.where(truth, 2.0, -2.0) + np.linspace(0, 0.1, len(val))
    turned = perfect.copy()
    turned[np.flatnonzero(~truth)[:2]] = 9.0
    line = candidate_figures("name", {UNCHANGED: perfect, "turned": turned}, val)
    assert (line.auc, line.specificity) == (1.0, 1.0)
    loss, flips = line.changes["turned"]
    assert loss == pytest.approx(-2 / (~truth).sum())
    # The lowest malignant image lies below the 95 % threshold both before and after.
    assert flips == pytest.approx(2 / len(val))


def test_candidate_metrics_without_both_sides_are_left_out(rows: list[LabelledImage]) -> None:
    """With own classes there is neither melanoma nor nevus; copies, and a data set, may be of one side."""
    own = [
        replace(row, diagnosis="merkel" if row.malignant else "spitz", dataset=f"clinic {row.malignant}")
        for row in rows
        for _ in range(30)
    ]
    logits = np.linspace(-1, 1, len(own))
    benign = np.where([row.malignant for row in own], np.nan, logits)
    line = candidate_figures("name", {UNCHANGED: logits, "one side": benign, "none": np.full(len(own), np.nan)}, own)
    assert (line.melanoma_nevus, line.sources, line.changes) == (None, {}, {})
    assert str(line) == f"name: AUC {line.auc:.4f}, specificity {line.specificity:.3f}"
    mixed = [replace(row, diagnosis="melanoma") if row.malignant else row for row in own]
    assert candidate_figures("name", {UNCHANGED: logits}, mixed).melanoma_nevus is None


def test_unique_names_differ_for_different_paths(tmp_path: Path) -> None:
    def names(*paths: str) -> list[str]:
        return list(unique_names([tmp_path / path for path in paths]))

    assert names("a/checkpoint.pt", "b/checkpoint.pt") == ["a", "b"]
    assert names("a/one.pt", "a/two.pt") == ["one.pt", "two.pt"]
    assert names("x/a/checkpoint.pt", "y/a/checkpoint.pt") == ["x/a/checkpoint.pt", "y/a/checkpoint.pt"]
    assert names("a/checkpoint.pt", "a/checkpoint.pt") == ["a"]


def test_compare_yields_every_network_and_every_pair(checkpoint: Path, rows: list[LabelledImage]) -> None:
    network = read_checkpoint(checkpoint).network
    val = [row for row in rows if row.split == "val"]
    lines = list(compare_candidates({"a": network, "b": network}, val))
    assert [line.name for line in lines] == ["a", "b", "a + b"]
    assert lines[0].auc == lines[1].auc == lines[2].auc
    assert len(lines[0].changes) == len(CHANGES)
    assert "a + b: AUC" in str(lines[2])


def test_compare_pairs_copies_with_their_images(checkpoint: Path, rows: list[LabelledImage], tmp_path: Path) -> None:
    network = read_checkpoint(checkpoint).network
    val = [row for row in rows if row.split == "val"]
    lines = ["file,isic_id,kind"]
    for row in val[:5]:
        shutil.copy(row.path, tmp_path / f"{row.isic_id}-copy.jpg")
        lines.append(f"{row.isic_id}-copy.jpg,{row.isic_id},same file")
    # A copy of another image has another logit.
    shutil.copy(val[7].path, tmp_path / "other.jpg")
    lines.append(f"other.jpg,{val[6].isic_id},another")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n")
    stacks = load_stacks(val, tmp_path)
    plain, same, another = (stacks[name].logits(network, len(val)) for name in (UNCHANGED, "same file", "another"))
    np.testing.assert_allclose(same[:5], plain[:5], atol=1e-5)
    assert np.isnan(same[5:]).all()
    assert another[6] == pytest.approx(plain[7], abs=1e-5) and np.isnan(np.delete(another, 6)).all()
    [line] = compare_candidates({"a": network}, val, tmp_path)
    assert line.changes["same file"] == (0.0, 0.0)
