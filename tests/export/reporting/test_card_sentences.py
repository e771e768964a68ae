"""Sentences of the model card that depend on its figures."""

import json

import pytest
from lesion.inference.model import Model

from export.arrays import Figures
from export.reporting.card_limits import refusal_list
from export.reporting.card_tables import subgroup_table
from export.reporting.model_card import render_card
from tests.support.paths import REPOSITORY

MODELS = REPOSITORY / "models"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(MODELS / "lesion.onnx")


@pytest.fixture
def metrics() -> Figures:
    figures: Figures = json.loads((MODELS / "metrics.json").read_text())
    return figures


def test_unstable_has_no_limit_with_one_view(model: Model) -> None:
    lines = {line.split("`")[1]: line for line in refusal_list(model.card)}
    assert "1 view)" not in lines["unstable"] and lines["unstable"].count("8 views)") == 2
    assert lines["not_a_lesion"].count("1 view)") == 2


@pytest.mark.parametrize(("error", "high", "is_said"), [(0.06, 0.05, True), (0.04, 0.05, False)])
def test_calibration_worse_than_chance_is_said(
    model: Model, metrics: Figures, error: float, high: float, is_said: bool
) -> None:
    for part in metrics["test"]["types"].values():
        part["calibration_error"]["value"], part["calibration_error_if_right"]["high"] = error, high
    assert ("The probabilities are off by more than chance." in render_card(model, metrics)) == is_said


def test_groups_with_few_images_of_a_side_have_no_figure() -> None:
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    part = {"n": 30, "malignant": 9, "auc": interval, "sensitivity": interval, "specificity": interval}
    [line] = list(subgroup_table({"age": {"under 30": part}}))[2:]
    assert line == "| age under 30 | 30 | 9 | - | - | 0.500 (0.400-0.600) |"
