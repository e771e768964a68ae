"""Parity: whether a model file answers as the PyTorch network from which it was exported."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from lesion.inference.card import ImageType
from lesion.inference.model import Model

from export.data.labels import LabelledImage
from export.data.pixels import read_pixels
from export.data.transforms import crop_square, resize
from export.errors import ParityError
from export.graph.calibration import Calibration
from export.nn.network import Network, Normalise

PARITY_IMAGES = 64
MAX_DIFFERENCE = 1e-3
"""Largest difference of logits to PyTorch that is rounding: sums in float32 in another order."""

MAX_SCORE_ROUNDING = 1e-4
"""Largest difference of probabilities that is not a changed decision."""


def parity_rows(rows: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Return `PARITY_IMAGES` of the rows, evenly spaced."""
    return [rows[index] for index in np.linspace(0, len(rows) - 1, PARITY_IMAGES).astype(int)]


@torch.inference_mode()
def check_parity(
    model: Model, network: Network, rows: Sequence[LabelledImage], calibrations: Mapping[ImageType, Calibration]
) -> dict[str, float | int]:
    """Compare a model file in float32 with PyTorch on real images.

    PyTorch receives the same decoded pixels through the crop and resize of training.

    Args:
        model: the model file.
        network: from which it was exported.
        rows: the images, whose recorded type is given to the model.
        calibrations: of the model file for one view, by image type.

    Returns:
        Number of images, largest differences, and number of changed decisions.

    Raises:
        ParityError: a logit differs by more than `MAX_DIFFERENCE`, a decision differs, or the evidence does not add up.
    """
    spec, normalise = network.spec, Normalise(network.spec)
    logit_gap = evidence_gap = 0.0
    changed = 0
    for row in rows:
        pixels = read_pixels(row.path, at_least=2 * spec.size)
        square = torch.from_numpy(np.ascontiguousarray(crop_square(pixels).transpose(2, 0, 1)))[None].float()
        is_clinical = torch.tensor([row.image_type == "clinical"])
        expected = float(network(normalise(resize(square, spec.size)), is_clinical)[0])
        outputs = model.run(pixels, image_type=row.image_type)
        logit_gap = max(logit_gap, abs(outputs.logit - expected))
        evidence_gap = max(evidence_gap, abs(float(outputs.evidence.mean()) + outputs.bias - outputs.logit))
        score = float(calibrations[row.image_type].apply(np.array(expected)))
        threshold = model.card.point(row.image_type, 1).threshold
        other_side = (score >= threshold) != (outputs.probability >= threshold)
        # The threshold equals the score of an image of `val`: on which side that one lies is rounding.
        changed += other_side and abs(score - outputs.probability) > MAX_SCORE_ROUNDING
    figures = {
        "images": len(rows),
        "max_logit_difference": logit_gap,
        "max_evidence_gap": evidence_gap,
        "changed_decisions": changed,
    }
    if logit_gap > MAX_DIFFERENCE or evidence_gap > MAX_DIFFERENCE or changed:
        raise ParityError(f"The graph does not answer what PyTorch does, so nothing was written: {figures}")
    return figures
