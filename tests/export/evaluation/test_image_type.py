"""The detector of the image type separates what can be separated, counts sources alike, and is absent for one type."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.arrays import Array
from export.data.labels import LabelledImage
from export.errors import DataError
from export.evaluation.image_type import balanced_weights, detection_figures, fit_image_type_detector, image_types
from export.evaluation.predictions import Predictions
from export.graph.parameters import ImageTypeDetector
from tests.support.predictions import simulated_predictions

FEATURES = 30


def rows_of(**counts: int) -> list[LabelledImage]:
    """Return rows: data set, of which those with a name in capitals are clinical -> number of images."""
    images = [(name, f"{name}{place}") for name, count in counts.items() for place in range(count)]
    return [
        LabelledImage(key, Path(), False, "", name, key, "train", image_type="clinical" if name.isupper() else "dermoscopic")
        for name, key in images
    ]


def simulated_features(rows: list[LabelledImage], seed: int) -> Array:
    """Return features of very different scales; the first three differ between types, by two standard deviations."""
    rng = np.random.default_rng(seed)
    clinical = np.array([row.image_type == "clinical" for row in rows])
    features = rng.normal(size=(len(rows), FEATURES))
    features[:, :3] += 2 * clinical[:, np.newaxis]
    return np.asarray(features * np.geomspace(1e-3, 1e3, FEATURES) + 5)


def probability(detector: ImageTypeDetector, features: Array) -> Array:
    standardised = (features - detector.mean) / detector.std
    return np.asarray(1 / (1 + np.exp(-(standardised @ detector.weights + detector.bias))))


def test_detector_separates_new_images() -> None:
    rows = rows_of(derm=400, CLIN=400)
    detector = fit_image_type_detector(simulated_features(rows, 1), rows)
    assert detector is not None and detector.weights.dtype == np.float32 and detector.weights.shape == (FEATURES,)
    score = probability(detector, simulated_features(rows, 2))
    right = (score >= 0.5) == np.array([row.image_type == "clinical" for row in rows])
    # The best possible accuracy at this distance is 95.8 %: normal distribution at sqrt(3).
    assert 0.93 < right.mean() <= 0.98


def test_detector_is_not_biased_towards_the_larger_type() -> None:
    rows = rows_of(derm=1000, CLIN=100)
    detector = fit_image_type_detector(simulated_features(rows, 1), rows)
    fresh = rows_of(derm=500, CLIN=500)
    assert detector is not None
    assert probability(detector, simulated_features(fresh, 2)).mean() == pytest.approx(0.5, abs=0.05)


def test_balanced_weights_count_types_and_their_sources_alike() -> None:
    rows = rows_of(large=60, small=20, ONE=10, OTHER=30)
    weights = balanced_weights(rows)
    totals = {name: weights[[row.dataset == name for row in rows]].sum() for name in ("large", "small", "ONE", "OTHER")}
    assert list(totals.values()) == pytest.approx([30] * 4)
    # Of three sources, the only one of its type counts as much as the other two together.
    rows = rows_of(large=60, small=20, ONE=40)
    weights = balanced_weights(rows)
    totals = {name: weights[[row.dataset == name for row in rows]].sum() for name in ("large", "small", "ONE")}
    assert list(totals.values()) == pytest.approx([30, 30, 60])


@pytest.mark.parametrize("counts", [{"derm": 20}, {"CLIN": 20}])
def test_detector_of_a_single_type_is_absent(counts: dict[str, int]) -> None:
    rows = rows_of(**counts)
    assert fit_image_type_detector(simulated_features(rows, 1), rows) is None


def test_image_types_are_those_of_both_splits() -> None:
    both, single = rows_of(derm=2, CLIN=2), rows_of(CLIN=2)
    assert image_types(both, list(reversed(both))) == ("dermoscopic", "clinical")
    assert image_types(single, single) == ("clinical",)
    for train, val in ((both, single), (single, both)):
        with pytest.raises(DataError, match="has dermoscopic images"):
            image_types(train, val)


def test_detection_figures_count_each_type() -> None:
    one = simulated_predictions(8, 1)
    rows = tuple(replace(row, image_type="clinical" if i < 2 else "dermoscopic") for i, row in enumerate(one.rows))
    scores = [0.9, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
    outputs = tuple(replace(output, clinical_probability=score) for output, score in zip(one.outputs, scores, strict=True))
    found = detection_figures(Predictions(rows, outputs))
    assert found is not None
    assert found["clinical"]["value"] == 0.5 and found["dermoscopic"]["value"] == pytest.approx(5 / 6, abs=1e-4)
    assert found["accuracy"]["value"] == pytest.approx((1 / 2 + 5 / 6) / 2, abs=1e-4)
    # 0.9 is above all six, 0.2 above five.
    assert found["auc"]["value"] == pytest.approx(11 / 12, abs=1e-4)
    assert detection_figures(Predictions(rows[:2], outputs[:2])) is None
    assert detection_figures(Predictions(rows, one.outputs)) is None
