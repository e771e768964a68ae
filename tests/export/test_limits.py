"""What `val` chooses keeps what it promises, on scores whose truth is known."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from lesion.model import Outputs

from export.answers import Answers
from export.calibration import Platt
from export.data import Labelled
from export.limits import DISTANCE_QUANTILE, refusal_rules, set_limits, threshold


def simulated(count: int, seed: int) -> Answers:
    """Images whose logit z is right after calibration: P(malignant) = sigmoid(2 z + 0.5)."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=count)
    truth = rng.random(count) < 1 / (1 + np.exp(-(2 * logit + 0.5)))
    flat = np.zeros((1, 1), np.float32)
    rows = tuple(Labelled(str(i), Path(), bool(truth[i]), "", "", str(i), "val") for i in range(count))
    numbers = rng.uniform(1, 2, (count, 4))
    outputs = tuple(
        Outputs(
            probability=0.5,
            logit=float(logit[i]),
            classes=flat[0],
            evidence=flat,
            bias=0.0,
            distance=float(numbers[i, 0]),
            spread=float(numbers[i, 1]),
            sharpness=float(numbers[i, 2]),
            brightness=float(numbers[i, 3]),
            size=1.0,
        )
        for i in range(count)
    )
    return Answers(rows, outputs)


@pytest.fixture(scope="module")
def val() -> Answers:
    return simulated(4000, 1)


@pytest.fixture(scope="module")
def score(val: Answers) -> npt.NDArray[np.float64]:
    return Platt.fit(val.measure("logit"), val.malignant).apply(val.measure("logit"))


def test_the_threshold_leaves_95_percent_of_the_malignant_above(val: Answers, score: npt.NDArray[np.float64]) -> None:
    limit = threshold(score, val)
    assert np.mean(score[val.malignant] >= limit) == pytest.approx(0.95, abs=0.005)
    other = simulated(4000, 2)
    fresh = Platt.fit(val.measure("logit"), val.malignant).apply(other.measure("logit"))
    assert np.mean(fresh[other.malignant] >= limit) == pytest.approx(0.95, abs=0.02)


def test_prediction_sets_cover_each_side_at_their_rate_on_new_images(val: Answers, score: npt.NDArray[np.float64]) -> None:
    limits = set_limits(score, val.malignant)
    other = simulated(4000, 3)
    fresh = Platt.fit(val.measure("logit"), val.malignant).apply(other.measure("logit"))
    assert np.mean(fresh[other.malignant] >= limits["malignant"]) == pytest.approx(0.9, abs=0.02)
    assert np.mean(1 - fresh[~other.malignant] >= limits["benign"]) == pytest.approx(0.9, abs=0.02)


def test_refusal_limits_refuse_at_most_three_percent_of_val(val: Answers) -> None:
    refused = np.zeros(len(val.rows), bool)
    for rule in refusal_rules(val, val):
        value = val.measure(rule.measure)
        refused |= (value < rule.below) if rule.below is not None else (value > (rule.above or 0))
    # More than the distance alone: each rule has a part.
    assert 1 - DISTANCE_QUANTILE < refused.mean() <= 0.03
