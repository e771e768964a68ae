"""What `val` chooses keeps what it promises, on scores whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from lesion.inference.model import Outputs

from export.data.isic import Labelled
from export.evaluation.predictions import Answers
from export.evaluation.thresholds import DISTANCE_QUANTILE, refusal_rules, set_limits, threshold
from export.graph.calibration import Platt


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


def test_a_limit_on_a_level_part_of_the_curve_loses_none_of_it(val: Answers) -> None:
    # Isotonic curves have such parts: hundreds of images share one score, which the file has in 32 bits.
    score = np.where(val.measure("logit") > 0, 2 / 3, 3 / 23)
    limit, limits = threshold(score, val), set_limits(score, val.malignant)
    shared = score.astype(np.float32)
    assert limit == pytest.approx(3 / 23, abs=2e-6) and (shared >= limit).all()
    assert (shared[val.malignant] >= limits["malignant"]).mean() >= 0.9
    assert (1 - shared[~val.malignant] >= limits["benign"]).mean() >= 0.9


def test_of_few_lesions_sets_promise_nothing_and_the_threshold_is_still_found() -> None:
    few = simulated(12, 3)
    score = Platt().apply(few.measure("logit"))
    malignant = np.arange(12) == score.argmax()
    rows = tuple(replace(row, malignant=bool(is_)) for row, is_ in zip(few.rows, malignant, strict=True))
    assert set_limits(score, malignant)["malignant"] == 0.0
    assert threshold(score, Answers(rows, few.outputs)) == pytest.approx(score.max(), abs=2e-6)


@pytest.mark.parametrize("count", [9, 29, 99])
def test_the_rank_of_a_limit_is_not_lost_to_rounding(count: int) -> None:
    own = np.linspace(0.1, 0.9, count)
    limits = set_limits(np.concatenate((own, [0.5] * 20)), np.arange(count + 20) < count)
    assert limits["malignant"] == pytest.approx(own[(count + 1) // 10 - 1], abs=2e-6)


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
