"""The decoder and the shipped model reproduce the recorded values for real images."""

import json

import numpy as np
import pytest
from lesion.inference.model import Model
from lesion.settings import Settings

from tests.golden import FILE, observe
from tests.support.paths import SAMPLES

GOLDEN = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(Settings.model)


def test_golden_values_are_of_the_shipped_model(model: Model) -> None:
    assert model.sha256 == GOLDEN["model_sha256"], (
        "The model was replaced: run `python -m tests.golden` and look at the difference."
    )
    assert set(GOLDEN["images"]) == {path.stem for path in SAMPLES.glob("*.jpg")}


@pytest.mark.parametrize("name", sorted(GOLDEN["images"]))
def test_sample_matches_its_golden_values(model: Model, name: str) -> None:
    expected, observed = GOLDEN["images"][name], observe(model, SAMPLES / f"{name}.jpg")
    assert (observed["size"], observed["decoded"]) == (expected["size"], expected["decoded"])
    assert np.allclose(observed["block_means"], expected["block_means"], atol=0.1)
    for views in ("one_view", "eight_views"):
        assert observed[views].keys() == expected[views].keys()
        for key, value in expected[views].items():
            # The order of additions depends on the processor; sharpness is in the hundreds.
            assert np.allclose(observed[views][key], value, rtol=1e-3, atol=2e-3), key
