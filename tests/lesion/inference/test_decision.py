"""`decide` applies the limits of the model file; values that cannot be compared are refused."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from lesion.inference.decision import Decision, Refusal, decide
from lesion.inference.model import Model, Outputs


def outputs(probability: float = 0.7, **measures: Any) -> Outputs:
    good = {"distance": 0.1, "spread": 0.0, "sharpness": 1.0, "brightness": 0.5, "size": 2.0}
    return Outputs(
        probability=probability,
        logit=0.0,
        classes=np.zeros(3, np.float32),
        evidence=np.zeros((4, 4), np.float32),
        bias=0.0,
        **{**good, **measures},
    )


@pytest.mark.parametrize(("probability", "above"), [(0.49999, False), (0.5, True), (0.50001, True)])
def test_decide_counts_the_threshold_as_above(stand_in: Model, probability: float, above: bool) -> None:
    decision = decide(outputs(probability), stand_in.card)
    assert isinstance(decision, Decision)
    assert decision.above is above


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.1, ("benign",)), (0.9, ("malignant",)), (0.5, ("benign", "malignant"))]
)
def test_prediction_set_has_sides_at_their_limit(stand_in: Model, probability: float, expected: tuple[str, ...]) -> None:
    decision = decide(outputs(probability), stand_in.card)
    assert isinstance(decision, Decision)
    assert decision.prediction_set == expected


def test_prediction_set_without_a_side_has_both(stand_in: Model) -> None:
    card = dataclasses.replace(stand_in.card, set_limits={"malignant": 0.8, "benign": 0.8})
    decision = decide(outputs(0.5), card)
    assert isinstance(decision, Decision)
    assert decision.prediction_set == ("benign", "malignant")


@pytest.mark.parametrize(
    ("measures", "code"),
    [
        ({"size": 0.49}, "too_small"),
        ({"brightness": 0.01}, "too_dark"),
        ({"sharpness": -1.0}, "too_blurry"),
        ({"distance": 0.91}, "not_a_lesion"),
        ({"spread": 5.1}, "unstable"),
        ({"distance": float("nan")}, "not_a_lesion"),
        ({"size": 0.1, "distance": 2.0}, "too_small"),
    ],
)
def test_decide_refuses_by_the_first_violated_rule(stand_in: Model, measures: dict[str, float], code: str) -> None:
    refusal = decide(outputs(**measures), stand_in.card)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert refusal.message.endswith(".")


def test_refusal_of_an_unknown_code_has_a_message(stand_in: Model) -> None:
    rule = dataclasses.replace(stand_in.card.refusal[0], code="too_hairy")
    refusal = decide(outputs(size=0.1), dataclasses.replace(stand_in.card, refusal=(rule,)))
    assert refusal == Refusal(
        "too_hairy", "The model cannot analyse this photo. Send a sharp, well-lit close-up with one lesion in the middle."
    )
