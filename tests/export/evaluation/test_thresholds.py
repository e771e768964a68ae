"""Thresholds chosen on `val` reach their targets on simulated scores."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.evaluation.operating_point import fit_operating_points, points_metadata
from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import (
    DISTANCE_QUANTILE,
    TARGET_COVERAGE,
    operating_threshold,
    prediction_sets,
    refusal_rules,
)
from export.graph.calibration import IDENTITY, fit_platt
from tests.support.predictions import simulated_predictions


@pytest.fixture(scope="module")
def val() -> Predictions:
    return simulated_predictions(4000, 1)


@pytest.fixture(scope="module")
def score(val: Predictions) -> npt.NDArray[np.float64]:
    return fit_platt(val.scalar("logit"), val.malignant).apply(val.scalar("logit"))


def test_operating_threshold_reaches_95_percent_sensitivity(val: Predictions, score: npt.NDArray[np.float64]) -> None:
    limit = operating_threshold(score, val.malignant, val.groups)
    assert np.mean(score[val.malignant] >= limit) == pytest.approx(0.95, abs=0.005)
    other = simulated_predictions(4000, 2)
    fresh = fit_platt(val.scalar("logit"), val.malignant).apply(other.scalar("logit"))
    assert np.mean(fresh[other.malignant] >= limit) == pytest.approx(0.95, abs=0.02)


def test_limits_include_all_images_with_tied_scores(val: Predictions) -> None:
    # A calibration with a slope of zero on one side gives hundreds of images one score, which the graph computes in float32.
    score = np.where(val.scalar("logit") > 0, 2 / 3, 3 / 23)
    limit = operating_threshold(score, val.malignant, val.groups)
    limits = prediction_sets(score, val.malignant, limit).limits
    shared = score.astype(np.float32)
    assert limit == pytest.approx(3 / 23, abs=2e-6) and (shared >= limit).all()
    assert (shared[val.malignant] >= limits["malignant"]).mean() >= 0.9
    assert (1 - shared[~val.malignant] >= limits["benign"]).mean() >= 0.9


def test_limits_with_few_lesions_include_every_image() -> None:
    few = simulated_predictions(12, 3)
    score = IDENTITY.apply(few.scalar("logit"))
    malignant = np.arange(12) == score.argmax()
    assert prediction_sets(score, malignant, 1.0).limits["malignant"] == 0.0
    assert operating_threshold(score, malignant, few.groups) == pytest.approx(score.max(), abs=2e-6)


@pytest.mark.parametrize("count", [9, 29, 99])
def test_prediction_set_limits_are_exact_at_integer_ranks(count: int) -> None:
    own = np.linspace(0.1, 0.9, count)
    limits = prediction_sets(np.concatenate((own, [0.5] * 20)), np.arange(count + 20) < count, 1.0).limits
    assert limits["malignant"] == pytest.approx(own[(count + 1) // 10 - 1], abs=2e-6)


def test_prediction_set_limits_cover_new_images(val: Predictions, score: npt.NDArray[np.float64]) -> None:
    threshold = operating_threshold(score, val.malignant, val.groups)
    sets = prediction_sets(score, val.malignant, threshold)
    other = simulated_predictions(4000, 3)
    fresh = fit_platt(val.scalar("logit"), val.malignant).apply(other.scalar("logit"))
    # The conformal limit would be above the threshold, which nineteen of twenty malignant images reach.
    assert sets.limits["malignant"] == threshold and sets.coverage["malignant"] == pytest.approx(0.95, abs=0.01)
    for side, own in (("malignant", fresh[other.malignant]), ("benign", 1 - fresh[~other.malignant])):
        assert np.mean(own >= sets.limits[side]) == pytest.approx(sets.coverage[side], abs=0.02)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60), st.integers(0, 1_000_000))
def test_prediction_sets_never_contradict_the_threshold(images: list[tuple[float, bool]], millionths: int) -> None:
    """Whatever the scores, the set of an image above the threshold has malignant, of one below it benign."""
    score, malignant = np.array([score for score, _ in images]), np.array([label for _, label in images])
    threshold = millionths / 1e6
    sets = prediction_sets(score, malignant, threshold)
    assert all(0 <= limit <= 1 for limit in sets.limits.values())
    assert all(TARGET_COVERAGE <= coverage <= 1 for coverage in sets.coverage.values())
    for probability in (*score, threshold, math.nextafter(threshold, 0), math.nextafter(threshold, 1)):
        # As in `lesion.inference.decision.decide`.
        if probability >= threshold:
            assert probability >= sets.limits["malignant"]
        else:
            assert 1 - probability >= sets.limits["benign"]


@pytest.mark.parametrize("threshold", [0.1, 0.119423, 0.3, 0.7, 0.999999, 0.000001])
def test_prediction_sets_touch_the_threshold_exactly(threshold: float) -> None:
    """Where the conformal limits are too high, the limits differ from the threshold by rounding only."""
    score, malignant = np.array([1.0] * 20 + [0.0] * 20), np.arange(40) < 20
    limits = prediction_sets(score, malignant, threshold).limits
    assert limits["malignant"] == threshold
    assert limits["benign"] <= 1 - threshold and limits["benign"] == pytest.approx(1 - threshold, abs=1.1e-6)


def test_refusal_rules_refuse_at_most_3_percent_of_val(val: Predictions) -> None:
    refused = np.zeros(len(val.rows), bool)
    for rule in refusal_rules(val, val.scalar("spread")):
        value = val.scalar(rule.measure)
        refused |= (value < rule.below) if rule.below is not None else (value > (rule.above or 0))
    # More than the distance rule alone refuses, so the other rules refuse images as well.
    assert 1 - DISTANCE_QUANTILE < refused.mean() <= 0.03


@pytest.mark.parametrize("is_informative", [True, False])
def test_unstable_refuses_only_where_spread_predicts_errors(val: Predictions, is_informative: bool) -> None:
    """The rule is left out, and the figure says why, where images with a high spread are not wrong more often."""
    wrong = (val.scalar("logit") > 0) != val.malignant
    rng = np.random.default_rng(3)
    spreads = rng.gamma(2, 0.2, len(wrong)) + (0.5 * wrong if is_informative else 0)
    outputs = tuple(replace(one, spread=spread) for one, spread in zip(val.outputs, spreads, strict=True))
    eight = replace(val, outputs=outputs)
    points = fit_operating_points(val, eight)
    codes = {rule.code for point in points["dermoscopic"].values() for rule in point.refusal}
    assert ("unstable" in codes) is is_informative
    figures = points_metadata(points)["errors_by_spread"]["dermoscopic"]
    assert (figures["low"] > 0.5) is is_informative
