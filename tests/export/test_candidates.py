"""Candidates are compared on val, alone and in pairs."""

from pathlib import Path

import numpy as np
import pytest

from export import candidates
from export.checkpoints import read_checkpoint
from export.data import Labelled


def test_figures_of_a_candidate_against_a_count_by_hand(rows: list[Labelled]) -> None:
    val = [row for row in rows if row.split == "val"]
    truth = np.array([row.malignant for row in val])
    perfect = np.where(truth, 2.0, -2.0) + np.linspace(0, 0.1, len(val))
    turned = perfect.copy()
    turned[np.flatnonzero(~truth)[:2]] = 9.0
    line = candidates.figures("name", {"": perfect, "turned": turned}, val)
    assert (line.auc, line.specificity) == (1.0, 1.0)
    loss, flips = line.changes["turned"]
    assert loss == pytest.approx(-2 / (~truth).sum())
    # The lowest malignant one lies below a threshold that one in twenty may miss, before and after.
    assert flips == pytest.approx(2 / len(val))


def test_every_network_and_every_pair_is_measured(checkpoint: Path, rows: list[Labelled]) -> None:
    network = read_checkpoint(checkpoint).network
    val = [row for row in rows if row.split == "val"]
    lines = list(candidates.candidates({"a": network, "b": network}, val))
    assert [line.name for line in lines] == ["a", "b", "a + b"]
    assert lines[0].auc == lines[1].auc == lines[2].auc
    assert len(lines[0].changes) == len(candidates.CHANGES)
    assert "a + b: AUC" in str(lines[2])
