"""Figures of groups of people equal those of their images alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesion.inference.model import Model

from export.evaluation.image_set import image_set_metrics
from export.evaluation.parts import subgroup_metrics
from export.evaluation.predictions import Predictions
from export.reporting.card_tables import dark_skin_sentence, subgroup_table
from tests.support.predictions import simulated_predictions


@pytest.fixture(scope="module")
def predictions(converted: Path) -> Predictions:
    drawn = simulated_predictions(300, 4)
    people = [(("age", "under 30"), ("skin_tone", "1")), (("age", "70 and over"),), ()]
    rows = tuple(replace(row, attributes=people[place % 3]) for place, row in enumerate(drawn.rows))
    probabilities = 1 / (1 + np.exp(-drawn.scalar("logit")))
    outputs = tuple(
        replace(one, probability=float(own), image_type="dermoscopic")
        for one, own in zip(drawn.outputs, probabilities, strict=True)
    )
    return Predictions(rows, outputs)


def test_subgroups_are_those_of_the_tables(predictions: Predictions, converted: Path) -> None:
    card = Model(converted).card
    found = subgroup_metrics(predictions, card)
    assert {name: list(values) for name, values in found.items()} == {
        "skin_tone": ["1"],
        "age": ["under 30", "70 and over"],
    }
    own = predictions.select(np.arange(300) % 3 == 1)
    alone, part = image_set_metrics(own, card), found["age"]["70 and over"]
    assert (part["n"], part["malignant"]) == (alone["n"], alone["malignant"]) == (100, int(own.malignant.sum()))
    for key in ("auc", "sensitivity", "specificity"):
        assert part[key] == alone[key]
    assert subgroup_metrics(Predictions(tuple(replace(row, attributes=()) for row in own.rows), own.outputs), card) == {}


def test_card_counts_dark_skin(predictions: Predictions, converted: Path) -> None:
    subgroups = subgroup_metrics(predictions, Model(converted).card)
    lines = list(subgroup_table(subgroups))
    assert len(lines) == 2 + 3 and lines[2].startswith("| skin tone 1 | 100 |")
    few = {"test": {"subgroups": subgroups}, "val": {}}
    sentence = dark_skin_sentence(few)
    assert "100 and 0 images of MILK10k's tones 0 and 1" in sentence and "0 and 0 of Fitzpatrick" in sentence
    assert "too few" in sentence
    many = {"skin_tone": {"1": {"n": 500}}}
    assert "too few" not in dark_skin_sentence({"test": {"subgroups": many}, "val": {}})
