"""Thresholds chosen on `val` reach their targets on simulated scores."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import DISTANCE_QUANTILE, operating_threshold, prediction_set_limits, refusal_rules
from export.graph.calibration import Platt
from tests.support.predictions import simulated_predictions


@pytest.fixture(scope="module")
def val() -> Predictions:
    return simulated_predictions(4000, 1)


@pytest.fixture(scope="module")
def score(val: Predictions) -> npt.NDArray[np.float64]:
    return Platt.fit(val.scalar("logit"), val.malignant).apply(val.scalar("logit"))


def test_operating_threshold_reaches_95_percent_sensitivity(val: Predictions, score: npt.NDArray[np.float64]) -> None:
    limit = operating_threshold(score, val)
    assert np.mean(score[val.malignant] >= limit) == pytest.approx(0.95, abs=0.005)
    other = simulated_predictions(4000, 2)
    fresh = Platt.fit(val.scalar("logit"), val.malignant).apply(other.scalar("logit"))
    assert np.mean(fresh[other.malignant] >= limit) == pytest.approx(0.95, abs=0.02)


def test_limits_include_all_images_with_tied_scores(val: Predictions) -> None:
    # An isotonic curve gives hundreds of images one score, which the graph computes in float32.
    score = np.where(val.scalar("logit") > 0, 2 / 3, 3 / 23)
    limit, limits = operating_threshold(score, val), prediction_set_limits(score, val.malignant)
    shared = score.astype(np.float32)
    assert limit == pytest.approx(3 / 23, abs=2e-6) and (shared >= limit).all()
    assert (shared[val.malignant] >= limits["malignant"]).mean() >= 0.9
    assert (1 - shared[~val.malignant] >= limits["benign"]).mean() >= 0.9


def test_limits_with_few_lesions_include_every_image() -> None:
    few = simulated_predictions(12, 3)
    score = Platt().apply(few.scalar("logit"))
    malignant = np.arange(12) == score.argmax()
    rows = tuple(replace(row, malignant=bool(is_)) for row, is_ in zip(few.rows, malignant, strict=True))
    assert prediction_set_limits(score, malignant)["malignant"] == 0.0
    assert operating_threshold(score, Predictions(rows, few.outputs)) == pytest.approx(score.max(), abs=2e-6)


@pytest.mark.parametrize("count", [9, 29, 99])
def test_prediction_set_limits_are_exact_at_integer_ranks(count: int) -> None:
    own = np.linspace(0.1, 0.9, count)
    limits = prediction_set_limits(np.concatenate((own, [0.5] * 20)), np.arange(count + 20) < count)
    assert limits["malignant"] == pytest.approx(own[(count + 1) // 10 - 1], abs=2e-6)


def test_prediction_set_limits_cover_new_images(val: Predictions, score: npt.NDArray[np.float64]) -> None:
    limits = prediction_set_limits(score, val.malignant)
    other = simulated_predictions(4000, 3)
    fresh = Platt.fit(val.scalar("logit"), val.malignant).apply(other.scalar("logit"))
    assert np.mean(fresh[other.malignant] >= limits["malignant"]) == pytest.approx(0.9, abs=0.02)
    assert np.mean(1 - fresh[~other.malignant] >= limits["benign"]) == pytest.approx(0.9, abs=0.02)


def test_refusal_rules_refuse_at_most_3_percent_of_val(val: Predictions) -> None:
    refused = np.zeros(len(val.rows), bool)
    for rule in refusal_rules(val, val):
        value = val.scalar(rule.measure)
        refused |= (value < rule.below) if rule.below is not None else (value > (rule.above or 0))
    # More than the distance rule alone refuses, so the other rules refuse images as well.
    assert 1 - DISTANCE_QUANTILE < refused.mean() <= 0.03
