"""`decide` applies the limits of the model file; values that cannot be compared are refused."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lesion.errors import ModelFileError
from lesion.inference.card import VIEWS, Card, ImageType, read_card
from lesion.inference.decision import Decision, Refusal, decide
from lesion.inference.model import Model, Outputs

from tests.support import stand_in_model


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


def with_point(card: Card, **changes: Any) -> Card:
    """Return a card of one operating point with other limits."""
    point = dataclasses.replace(card.default_point, **changes)
    return dataclasses.replace(card, operating_points={"dermoscopic": dict.fromkeys(VIEWS, point)})


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
    card = with_point(stand_in.card, set_limits={"malignant": 0.8, "benign": 0.8})
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
    rule = dataclasses.replace(stand_in.card.default_point.refusal[0], code="too_hairy")
    refusal = decide(outputs(size=0.1), with_point(stand_in.card, refusal=(rule,)))
    assert refusal == Refusal(
        "too_hairy", "The model cannot analyse this photo. Send a sharp, well-lit close-up with one lesion in the middle."
    )


@pytest.mark.parametrize(
    ("image_type", "views", "above"),
    [("dermoscopic", 1, False), ("dermoscopic", 8, True), ("clinical", 1, True), ("clinical", 8, True)],
)
def test_decide_uses_the_point_of_type_and_views(two_types: Model, image_type: ImageType, views: int, above: bool) -> None:
    """The dark image is refused as a dermoscopic one only."""
    decision = decide(outputs(0.47, image_type=image_type, views=views), two_types.card)
    assert isinstance(decision, Decision)
    assert decision.above is above
    dark = decide(outputs(0.47, image_type=image_type, views=views, brightness=0.02), two_types.card)
    assert isinstance(dark, Refusal) is (image_type == "dermoscopic")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_prediction_sets_never_contradict_the_threshold(
    probability: float, threshold: float, malignant: float, benign: float
) -> None:
    """Every card that is accepted puts the side of the decision into the prediction set, at whatever probability."""
    points = stand_in_model.operating_points("dermoscopic")
    for point in points["dermoscopic"].values():
        point["threshold"] = threshold
        point["prediction_sets"] |= {"malignant": malignant, "benign": benign}
    metadata = {**stand_in_model.METADATA, "lesion_format": 2, "operating_points": points}
    try:
        card = read_card({name: json.dumps(value) for name, value in metadata.items()}, "m.onnx")
    except ModelFileError as error:
        assert "contradict the threshold" in str(error)
        # It is rejected for a reason: an image at the threshold or just below it has the other side only.
        assert malignant > threshold or benign > 1 - threshold
        return
    for each in (probability, threshold, math.nextafter(threshold, 0)):
        decision = decide(outputs(each), card)
        assert isinstance(decision, Decision)
        assert ("malignant" if decision.above else "benign") in decision.prediction_set
