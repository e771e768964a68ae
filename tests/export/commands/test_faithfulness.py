"""The measures of saliency faithfulness distinguish evidence from other maps."""

from pathlib import Path

import numpy as np
import pytest
from lesion.imaging.decode import Pixels
from lesion.inference.model import Model, Outputs

from export.commands.faithfulness import main, options
from export.data.labels import LabelledImage
from export.errors import ReportError
from export.evaluation.faithfulness import (
    deletion_effect,
    evidence_inside,
    measure_faithfulness,
    rank_correlation,
    segment_lesion,
    shuffle_weights,
)
from tests.support import stand_in_model

SIDE = 96


def disc_image(radius: float) -> Pixels:
    """Return a dark disc on skin, uint8 (96, 96, 3)."""
    axis = np.arange(SIDE) - SIDE / 2
    disc = np.hypot(axis[:, np.newaxis], axis) < radius
    skin = np.full((SIDE, SIDE, 3), (220, 180, 160), np.uint8)
    skin[disc] = (90, 60, 50)
    return skin


class Dark:
    """A model whose logit is the mean darkness of the cells; its map shows that if `honest`, and the inverse otherwise."""

    def __init__(self, *, honest: bool) -> None:
        self.honest = honest

    def run(self, pixels: Pixels) -> Outputs:
        cells = 1 - pixels.reshape(6, SIDE // 6, 6, SIDE // 6, 3).mean((1, 3, 4)) / 255
        shown = cells if self.honest else cells.max() - cells
        return Outputs(
            0.5, float(cells.mean()), np.zeros(2, np.float32), shown.astype(np.float32), 0.0, 0.0, 0.0, 1.0, 1.0, 1.0
        )


@pytest.mark.parametrize("honest", [True, False])
def test_deletion_effect_separates_a_map_from_its_inverse(honest: bool) -> None:
    model: Model = Dark(honest=honest)  # type: ignore[assignment]  # it has what is asked of a model
    for by_evidence, random in deletion_effect(model, disc_image(25), np.random.default_rng(1)).values():
        assert (by_evidence > random) == honest


def test_segment_lesion_returns_the_darker_region() -> None:
    mask = segment_lesion(disc_image(25))
    assert mask is not None
    assert mask.mean() == pytest.approx(np.pi * 25**2 / SIDE**2, rel=0.1)
    assert segment_lesion(disc_image(4)) is None
    assert segment_lesion(np.full((SIDE, SIDE, 3), 200, np.uint8)) is None
    evidence = np.zeros((6, 6), np.float32)
    evidence[2:4, 2:4] = -1
    assert evidence_inside(evidence, mask) == pytest.approx(1, abs=0.02)
    assert evidence_inside(np.ones((6, 6), np.float32), mask) == pytest.approx(mask.mean())


def test_rank_correlation_depends_on_order_only() -> None:
    values = np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)
    assert rank_correlation(values, np.zeros((5, 5), np.float32)) == 0


def test_shuffle_weights_changes_the_map_but_not_its_shape(converted: Path, rows: list[LabelledImage]) -> None:
    model, random = Model(converted), shuffle_weights(converted)
    pixels = disc_image(25)
    assert random.run(pixels).evidence.shape == model.run(pixels).evidence.shape
    assert not np.allclose(random.run(pixels).evidence, model.run(pixels).evidence)
    found = measure_faithfulness(converted, [row for row in rows if row.split == "test"])
    assert found["n"] == 12 and 0 < found["lesion"]["n"] <= 12
    assert 0 < found["lesion"]["area"]["value"] < 0.6


def test_command_refuses_a_model_without_evidence(tmp_path: Path) -> None:
    model = stand_in_model.build(tmp_path / "m.onnx", evidence=False)
    with pytest.raises(ReportError, match="has no evidence map to measure"):
        main(options().parse_args(["--data", str(tmp_path), "--model", str(model)]))
