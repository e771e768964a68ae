"""Images that are no lesions: which half fits the limits, and how far they lower them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesion.inference.card import ImageType
from lesion.inference.model import Outputs

from export.data.ood_images import fits_limits, fitting_half
from export.errors import DataError
from export.evaluation.operating_point import fit_operating_points
from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import DISTANCE_QUANTILE, MOST_REFUSED, TARGET_REFUSED, distance_limit
from tests.support.predictions import simulated_predictions


def with_distances(predictions: Predictions, distances: np.ndarray) -> Predictions:
    outputs = (replace(one, distance=float(own)) for one, own in zip(predictions.outputs, distances, strict=True))
    return replace(predictions, outputs=tuple(outputs))


@pytest.fixture(scope="module")
def val() -> Predictions:
    predictions = simulated_predictions(4000, 1)
    rows = tuple(replace(row, dataset="rare" if place % 20 == 0 else "common") for place, row in enumerate(predictions.rows))
    return with_distances(replace(predictions, rows=rows), np.random.default_rng(5).normal(1, 0.1, 4000))


def test_half_follows_from_the_name_alone(tmp_path: Path) -> None:
    for folder in ("objects", "other/objects"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(100):
            (tmp_path / folder / f"{number}.jpg").touch()
    [(name, own)] = fitting_half([tmp_path / "objects"]).items()
    [(_, others)] = fitting_half([tmp_path / "other"]).items()
    assert name == "objects" and [path.name for path in own] == [path.name for path in others]
    assert 35 <= len(own) <= 65
    assert all(fits_limits(path) for path in own)


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no images"):
        fitting_half([tmp_path])
    # The name of this one is in the other half.
    (tmp_path / next(f"{n}.jpg" for n in range(9) if not fits_limits(Path(f"{n}.jpg")))).touch()
    with pytest.raises(DataError, match="None of the images"):
        fitting_half([tmp_path])


def test_ood_images_lower_the_limit_as_far_as_lesions_allow(val: Predictions) -> None:
    usual = distance_limit(val, [])
    distance = val.scalar("distance")
    assert np.mean(distance < usual) == pytest.approx(DISTANCE_QUANTILE, abs=0.001)
    # Far away: nothing is gained by another limit.
    assert distance_limit(val, [np.full(50, 3.0)]) == usual
    # Between: as many as wanted are refused.
    between = np.linspace(usual - 0.03, usual + 0.5, 100)
    limit = distance_limit(val, [between, np.full(50, 3.0)])
    assert limit < usual and np.mean(between > limit) == pytest.approx(TARGET_REFUSED, abs=0.01)
    # Like lesions: no source loses more than is permitted.
    lowest = distance_limit(val, [np.full(50, 1.0)])
    refused = [np.mean(distance[val.dataset == name] > lowest) for name in ("rare", "common")]
    assert max(refused) == pytest.approx(MOST_REFUSED, abs=0.001)


def test_limits_are_those_of_the_detected_type_and_views(val: Predictions) -> None:
    """OOD images that are taken for clinical images do not change the limits of dermoscopic ones, or of other views."""
    near = replace(val.outputs[0], distance=1.0)

    def limits(image_type: ImageType, views: int) -> dict[int, float]:
        kind: dict[int, list[Outputs]] = {1: [], 8: []} | {views: [replace(near, image_type=image_type)] * 50}
        points = fit_operating_points(val, val, [kind])["dermoscopic"]
        return {
            number: next(rule.above or 0 for rule in point.refusal if rule.code == "not_a_lesion")
            for number, point in points.items()
        }

    usual = limits("clinical", 1)
    assert usual[1] == usual[8]
    lowered = limits("dermoscopic", 8)
    assert lowered[8] < usual[8] and lowered[1] == usual[1]
