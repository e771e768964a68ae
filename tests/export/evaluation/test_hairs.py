"""Refusals of the published model for lesions that are drawn on."""

import numpy as np
import pytest
from lesion.inference.model import Model

from export.data.corruptions import CORRUPTIONS
from export.data.pixels import read_pixels
from export.evaluation.robustness import Scores, score_perturbed
from tests.support.paths import REPOSITORY, SAMPLES


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(REPOSITORY / "models" / "lesion.onnx")


@pytest.mark.parametrize("strength", ["5 hairs", "20 hairs", "ruler"])
def test_lesions_under_hairs_are_answered(model: Model, strength: str) -> None:
    """Model 2.1.0 refused nine of ten lesions under twenty hairs as no lesion."""
    images = [read_pixels(path, at_least=2 * model.card.input_size) for path in sorted(SAMPLES.glob("*.jpg"))]
    original = Scores.of([model.run(pixels) for pixels in images], model.card)
    drawn = score_perturbed(model, images, CORRUPTIONS["drawn on"][strength], f"drawn on {strength}")
    assert np.count_nonzero(drawn.refused & ~original.refused) <= 1
