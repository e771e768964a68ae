"""Predictions of a simulated model whose calibration is known."""

from pathlib import Path

import numpy as np
from lesion.inference.model import Outputs

from export.data.labels import LabelledImage
from export.evaluation.predictions import Predictions


def simulated_predictions(count: int, seed: int) -> Predictions:
    """Return predictions for `count` images with P(malignant) = sigmoid(2 logit + 0.5); other outputs are uniform noise."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=count)
    malignant = rng.random(count) < 1 / (1 + np.exp(-(2 * logit + 0.5)))
    empty = np.zeros((1, 1), np.float32)
    rows = tuple(LabelledImage(str(i), Path(), bool(malignant[i]), "", "", str(i), "val") for i in range(count))
    noise = rng.uniform(1, 2, (count, 4))
    outputs = tuple(
        Outputs(
            probability=0.5,
            logit=float(logit[i]),
            classes=empty[0],
            evidence=empty,
            bias=0.0,
            distance=float(noise[i, 0]),
            spread=float(noise[i, 1]),
            sharpness=float(noise[i, 2]),
            brightness=float(noise[i, 3]),
            size=1.0,
        )
        for i in range(count)
    )
    return Predictions(rows, outputs)
