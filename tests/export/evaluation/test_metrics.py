"""Metrics against values computed by hand, and the bootstrap against its definition."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from export.arrays import Array
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval, bootstrap_weights, expected_under_calibration

SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1])
POSITIVE = np.array([True, True, False, True, False, True, False, False])
ONES = np.ones(8)


def test_auc_is_the_share_of_ordered_pairs() -> None:
    pairs = [(p > n) for p in SCORE[POSITIVE] for n in SCORE[~POSITIVE]]
    assert metrics.auc(SCORE, POSITIVE, ONES) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("digits", [1, 3])
def test_auc_matches_scikit_learn_with_weights_and_ties(digits: int) -> None:
    rng = np.random.default_rng(digits)
    score, positive = rng.random(500).round(digits), rng.random(500) < 0.25
    weights = rng.multinomial(500, np.full(500, 1 / 500)).astype(float)
    expected = roc_auc_score(positive, score, sample_weight=weights)
    assert metrics.auc(score, positive, weights) == pytest.approx(expected, abs=1e-12)


def test_metrics_weight_two_equals_a_repeated_image() -> None:
    weights = np.array([2.0, 0, 1, 1, 3, 1, 1, 1])
    repeated = np.repeat(np.arange(8), weights.astype(int))
    twice = metrics.auc(SCORE[repeated], POSITIVE[repeated], np.ones(len(repeated)))
    assert metrics.auc(SCORE, POSITIVE, weights) == pytest.approx(twice)
    assert metrics.rate(SCORE > 0.5, POSITIVE, weights) == pytest.approx(3 / 4)


def test_specificity_at_sensitivity_uses_strictest_threshold() -> None:
    assert metrics.specificity_at_sensitivity(0.75, SCORE, POSITIVE, ONES) == pytest.approx(3 / 4)
    assert metrics.specificity_at_sensitivity(0.76, SCORE, POSITIVE, ONES) == pytest.approx(2 / 4)
    assert metrics.sensitivity_at_specificity(0.75, SCORE, POSITIVE, ONES) == pytest.approx(3 / 4)
    assert metrics.sensitivity_at_specificity(1.0, SCORE, POSITIVE, ONES) == pytest.approx(2 / 4)


def test_predictive_values_without_images_are_nan() -> None:
    positive, negative = metrics.predictive_values(1.0, 0.0, 0.1)
    assert positive == pytest.approx(0.1) and np.isnan(negative)


def test_calibration_slope_matches_scikit_learn_with_weights() -> None:
    rng = np.random.default_rng(4)
    logit = rng.normal(0, 2, 800)
    positive = rng.random(800) < 1 / (1 + np.exp(-0.6 * logit + 0.3))
    weights = rng.multinomial(800, np.full(800, 1 / 800)).astype(float)
    expected = LogisticRegression(C=np.inf, tol=1e-9).fit(logit[:, np.newaxis], positive, weights).coef_[0, 0]
    probability = 1 / (1 + np.exp(-logit))
    assert metrics.calibration_slope(probability, positive, weights) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("spread", "slope", "offset"), [(4, 0.5, 1), (3, 0.6, 2), (2, 1, 3), (2.5, 0.7, 1.5), (12, 0.02, 0), (12, 0.5, 5)]
)
def test_calibration_slope_is_found_where_calibration_is_bad(spread: float, slope: float, offset: float) -> None:
    """Whole Newton steps from slope 1 diverge in these cases."""
    rng = np.random.default_rng(5)
    logit = rng.normal(-1, spread, 1000)
    positive = rng.random(1000) < 1 / (1 + np.exp(-slope * logit - offset))
    probability = np.clip(1 / (1 + np.exp(-logit)), 1e-6, 1 - 1e-6)
    logit = np.log(probability / (1 - probability))
    for weights in (np.ones(1000), rng.multinomial(1000, np.full(1000, 1 / 1000)).astype(float)):
        expected = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000).fit(logit[:, np.newaxis], positive, weights)
        found = metrics.calibration_slope(probability, positive, weights)
        assert found == pytest.approx(expected.coef_[0, 0], abs=1e-3)


def test_calibration_slope_of_few_images() -> None:
    """Whole Newton steps go so far here that exp overflows."""
    probability = np.array([5.3e-6, 2.8e-6, 1.5e-6, 4.4e-4, 6.9e-4, 1.4e-4, 2.8e-4, 8.7e-5])
    positive = np.isin(np.arange(8), (2, 4, 6))
    logit = np.log(probability / (1 - probability))
    expected = LogisticRegression(C=np.inf, tol=1e-9).fit(logit[:, np.newaxis], positive).coef_[0, 0]
    assert metrics.calibration_slope(probability, positive, ONES) == pytest.approx(expected, abs=1e-3)


def test_calibration_slope_is_nan_where_undefined() -> None:
    assert np.isnan(metrics.calibration_slope(SCORE, np.ones(8, bool), ONES))
    assert np.isnan(metrics.calibration_slope(np.full(8, 0.3), POSITIVE, ONES))
    assert np.isnan(metrics.calibration_slope(SCORE, SCORE > 0.5, ONES))


def test_calibration_error_is_the_mean_gap() -> None:
    truth = np.tile([True, False, False, False], 100)
    assert metrics.calibration_error(np.full(400, 0.25), truth, np.ones(400), bins=4) == pytest.approx(0)
    assert metrics.calibration_error(np.full(400, 0.65), truth, np.ones(400), bins=4) == pytest.approx(0.4)


def test_metrics_return_nan_where_undefined() -> None:
    assert np.isnan(metrics.auc(SCORE, np.ones(8, bool), ONES))
    assert np.isnan(metrics.specificity_at_sensitivity(0.9, SCORE, POSITIVE, np.zeros(8)))
    assert np.isnan(metrics.rate(POSITIVE, np.zeros(8, bool), ONES))


def test_predictive_values_follow_bayes() -> None:
    positive, negative = metrics.predictive_values(0.95, 0.6, 0.02)
    assert positive == pytest.approx(0.019 / (0.019 + 0.392))
    assert negative == pytest.approx(0.588 / (0.588 + 0.001))


def test_balanced_accuracy_weights_classes_equally() -> None:
    actual = np.array(["a"] * 9 + ["b"])
    assert metrics.balanced_accuracy(np.array(["a"] * 10), actual, np.ones(10)) == pytest.approx(0.5)


def test_bootstrap_weights_keep_groups_together() -> None:
    groups = np.array(["x", "x", "y", "z", "z"])
    for weights in bootstrap_weights(groups, 50):
        assert weights[0] == weights[1] and weights[3] == weights[4]
        assert weights[0] + weights[2] + weights[3] == 3


def test_bootstrap_interval_of_a_mean_has_theoretical_width() -> None:
    values = np.random.default_rng(1).normal(size=400)
    groups = np.arange(400).astype(str)
    interval = bootstrap_interval(lambda weights: float(np.average(values, weights=weights)), groups, 1000)
    assert interval.value == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_bootstrap_interval_ignores_repeats_within_a_group() -> None:
    values = np.random.default_rng(1).normal(size=100)
    one = bootstrap_interval(lambda weights: float(np.average(values, weights=weights)), np.arange(100).astype(str))
    many = np.repeat(values, 5)
    five = bootstrap_interval(
        lambda weights: float(np.average(many, weights=weights)), np.repeat(np.arange(100), 5).astype(str)
    )
    assert five.high - five.low == pytest.approx(one.high - one.low, rel=0.15)


def test_expected_under_calibration_matches_the_binomial() -> None:
    interval = expected_under_calibration(lambda labels: float(labels.mean()), np.full(400, 0.2), 1000)
    assert interval.value == pytest.approx(0.2, abs=0.005)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.sqrt(0.2 * 0.8 / 400), rel=0.1)
    assert np.isnan(expected_under_calibration(lambda labels: float(labels.mean()), np.array([])).value)


def test_expected_under_calibration_detects_miscalibration() -> None:
    rng = np.random.default_rng(2)
    probability = rng.beta(0.5, 1.5, 1000)
    labels, ones = rng.random(1000) < probability, np.ones(1000)

    def error(score: Array) -> float:
        return metrics.calibration_error(score, labels, ones)

    chance = expected_under_calibration(lambda drawn: metrics.calibration_error(probability, drawn, ones), probability, 200)
    assert chance.low < error(probability) < chance.high < error(np.sqrt(probability))


def test_roc_points_match_sensitivity_at_specificity() -> None:
    points = metrics.roc_points(SCORE, POSITIVE)
    assert len(points) == 101 and points[0] == (0, 0.5) and points[-1] == (1, 1)
    for share, sensitivity in points[::10]:
        assert sensitivity == metrics.sensitivity_at_specificity(1 - share, SCORE, POSITIVE, ONES)
    assert metrics.roc_points(SCORE, np.ones(8, bool)) == []


def test_reliability_points_have_equal_counts() -> None:
    score = np.repeat([0.1, 0.5, 0.9], 5 * metrics.BINS // 15 * 5)
    positive = np.concatenate([np.arange(25) < count for count in (0, 10, 25)])
    points = metrics.reliability_points(score, positive)
    assert len(points) == metrics.BINS
    assert np.mean([share for _, share in points]) == pytest.approx(35 / 75, abs=1e-3)
    assert {probability for probability, _ in points} == {0.1, 0.5, 0.9}
