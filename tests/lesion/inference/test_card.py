"""Both formats of the metadata become one card; what cannot be served is rejected at the start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lesion.errors import ModelFileError
from lesion.inference.card import VIEWS, Card, read_card
from lesion.inference.card_schema import describe_model
from lesion.inference.model import Model

from tests.support.stand_in_model import METADATA, build, operating_points

TYPES = ("dermoscopic", "clinical")
FORMAT_2 = {**METADATA, "lesion_format": 2, "operating_points": operating_points(*TYPES)}


def read(metadata: dict[str, Any]) -> Card:
    return read_card({name: json.dumps(value) for name, value in metadata.items()}, "m.onnx")


def test_card_of_format_1_has_one_point_for_all_views(stand_in: Model) -> None:
    card = stand_in.card
    assert card.format == "1" and card.image_types == ("dermoscopic",) and card.default_views == 1
    point = card.default_point
    assert all(card.point("dermoscopic", views) is point for views in VIEWS)
    assert (point.threshold, dict(point.set_limits)) == (0.5, {"malignant": 0.4, "benign": 0.4})
    assert point.coverage == {"malignant": 0.9, "benign": 0.9}
    assert [rule.code for rule in point.refusal][:2] == ["too_small", "too_dark"]


def test_card_of_format_1_may_contradict_its_threshold() -> None:
    """Released files do, and their answers stay as they are."""
    card = read({**METADATA, "prediction_sets": {"coverage": 0.9, "malignant": 0.7, "benign": 0.7}})
    assert card.default_point.set_limits["malignant"] > card.default_point.threshold


def test_card_of_format_2_has_a_point_for_each_setting(two_types: Model) -> None:
    card = two_types.card
    assert card.format == "2" and card.image_types == TYPES and card.default_views == 8
    thresholds = [card.point(image_type, views).threshold for image_type in card.image_types for views in VIEWS]
    assert thresholds == [0.5, 0.45, 0.3, 0.25]
    assert card.point("clinical", 8).coverage == {"malignant": 0.95, "benign": 0.9}
    assert card.default_point is card.point("dermoscopic", 1)


@pytest.mark.parametrize("image_type", TYPES)
def test_card_may_have_a_single_image_type(tmp_path: Path, image_type: str) -> None:
    model = Model(build(tmp_path / "m.onnx", image_types=[image_type]))
    assert model.card.image_types == (image_type,) and not model.detects_image_type


def test_card_orders_image_types() -> None:
    reverse = dict(reversed(operating_points(*TYPES).items()))
    assert read({**FORMAT_2, "operating_points": reverse}).image_types == TYPES


def _change(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    points: dict[str, Any] = json.loads(json.dumps(operating_points(*TYPES)))
    change(points)
    return points


@pytest.mark.parametrize(
    "points",
    [
        {},
        [],
        None,
        "dermoscopic",
        7,
        operating_points("dermoscopic") | {"histology": {}},
        {"dermoscopic": {}},
        {"clinical": None},
        _change(lambda points: points["clinical"].pop("8")),
        _change(lambda points: points["clinical"].update({"8": []})),
        _change(lambda points: points["dermoscopic"]["1"].pop("calibration")),
        _change(lambda points: points["dermoscopic"]["1"].pop("threshold")),
        _change(lambda points: points["dermoscopic"]["1"].pop("prediction_sets")),
        _change(lambda points: points["dermoscopic"]["1"].pop("refusal")),
        _change(lambda points: points["clinical"]["8"].update(threshold=None)),
        _change(lambda points: points["clinical"]["8"].update(threshold=float("nan"))),
        _change(lambda points: points["clinical"]["8"].update(calibration=3)),
        _change(lambda points: points["clinical"]["8"]["prediction_sets"].update(coverage=0.9)),
        _change(lambda points: points["clinical"]["8"]["prediction_sets"].update(malignant=0.2500001)),
        _change(lambda points: points["clinical"]["8"]["prediction_sets"].update(benign=0.7500001)),
        _change(lambda points: points["clinical"]["8"]["prediction_sets"].update(benign=float("nan"))),
        _change(lambda points: points["clinical"]["8"].update(refusal=[{"code": "too_small"}])),
        _change(lambda points: points["clinical"]["8"].update(refusal="too_small")),
    ],
)
def test_card_rejects_malformed_operating_points(points: object) -> None:
    with pytest.raises(ModelFileError, match="metadata that cannot be used"):
        read({**FORMAT_2, "operating_points": points})


def test_card_of_format_2_needs_operating_points() -> None:
    with pytest.raises(ModelFileError, match=r"cannot be used.*operating_points"):
        read({**METADATA, "lesion_format": 2})


def test_model_rejects_unknown_measures_of_any_setting(tmp_path: Path) -> None:
    points = _change(lambda points: points["clinical"]["8"]["refusal"].append({"code": "hairy", "measure": "hair"}))
    with pytest.raises(ModelFileError, match=r"lacks.*hair"):
        Model(build(tmp_path / "m.onnx", image_types=TYPES, operating_points=points))


def test_model_rejects_a_graph_that_detects_other_types(tmp_path: Path) -> None:
    points = operating_points("dermoscopic")
    with pytest.raises(ModelFileError, match="no operating point for clinical images"):
        Model(build(tmp_path / "m.onnx", image_types=["clinical"], operating_points=points))


def test_model_of_format_2_needs_its_outputs(tmp_path: Path) -> None:
    for name in ("clinical_probability", "used_type"):
        with pytest.raises(ModelFileError, match=rf"lacks.*{name}"):
            Model(build(tmp_path / "m.onnx", image_types=TYPES, without={name}))


def test_model_of_format_2_needs_its_input(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"lacks.*'image_type'"):
        Model(build(tmp_path / "m.onnx", lesion_format=2, operating_points=operating_points("dermoscopic")))


def test_describe_model_keeps_the_members_of_contract_1(two_types: Model, stand_in: Model) -> None:
    new, old = describe_model(two_types), describe_model(stand_in)
    assert (new["threshold"], new["coverage"], new["set_limits"]) == (0.5, 0.9, {"malignant": 0.4, "benign": 0.4})
    assert new["refusal"] == new["operating_points"]["dermoscopic"]["1"]["refusal"] == old["refusal"]
    assert (old["threshold"], old["coverage"], old["set_limits"]) == (0.5, 0.9, {"malignant": 0.4, "benign": 0.4})
    assert old["operating_points"].keys() == {"dermoscopic"} and old["operating_points"]["dermoscopic"].keys() == {"1", "8"}
    assert new["operating_points"]["clinical"]["8"]["threshold"] == 0.25
    assert new["image_type_detection"] == {"accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}}
    json.dumps(new)
