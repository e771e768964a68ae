"""Heads for each image type: logistic regressions on the pooled features of a network whose body stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lesion.inference.card import IMAGE_TYPES
from sklearn.linear_model import LogisticRegression

from export.arrays import Floats
from export.data.labels import LabelledImage
from export.errors import DataError
from export.nn.network import Prediction
from export.nn.typed_heads import LinearHeads
from export.training.selection import figures_by_source, selection_score

PENALTIES = (0.0003, 0.001, 0.003, 0.01)
"""Inverse strengths of the L2 penalty that are compared on `val`."""

STEPS = 1000
"""Most steps of a fit; with these penalties it takes a few dozen."""


@dataclass(frozen=True)
class Features:
    """Images with the pooled features that a network has for them.

    Attributes:
        rows: N images.
        pooled: float32 (N, F).
    """

    rows: Sequence[LabelledImage]
    pooled: Floats

    def of_type(self, image_type: str) -> "Features":
        """Return the images of one type."""
        own = np.array([row.image_type == image_type for row in self.rows], bool)
        return Features([row for row in self.rows if row.image_type == image_type], self.pooled[own])


def select_typed_heads(
    train: Features, val: Features, classes: Sequence[str]
) -> tuple[tuple[LinearHeads, ...], Mapping[float, float]]:
    """Return the heads of each image type, fitted with the penalty of `PENALTIES` that has the highest score on `val`.

    Args:
        train: on which they are fitted.
        val: on which the penalty is chosen, by `export.training.selection.selection_score`.
        classes: the K codes of the class logits.

    Returns:
        Heads in the order of `IMAGE_TYPES`, and the score of each inverse strength.

    Raises:
        DataError: see `fit_heads`.
    """
    heads, scores = {}, {}
    for penalty in PENALTIES:
        heads[penalty] = tuple(
            fit_heads(train.of_type(image_type), image_type, classes, penalty) for image_type in IMAGE_TYPES
        )
        scores[penalty] = selection_score(figures_by_source(val.rows, predict_with_heads(heads[penalty], val), classes))
    return heads[max(scores, key=lambda penalty: scores[penalty])], scores


def fit_heads(train: Features, image_type: str, classes: Sequence[str], penalty: float) -> LinearHeads:
    """Return the heads of one image type.

    Every image counts alike. The features are standardised for the fit, so that the penalty treats them alike; the weights
    that are returned apply to the features as they are.

    Args:
        train: images of the type.
        image_type: its name, for messages.
        classes: the K codes of the class logits.
        penalty: inverse strength of the L2 penalty, scikit-learn's C.

    Raises:
        DataError: the images are of one side only, or have fewer than two diagnoses.
    """
    malignant = np.array([row.malignant for row in train.rows], bool)
    diagnoses = np.array([row.diagnosis for row in train.rows])
    known = np.isin(diagnoses, classes)
    if min(malignant.sum(), (~malignant).sum()) == 0 or len(set(diagnoses[known])) < 2:
        raise DataError(
            f"The {image_type} images of `train` do not suffice for heads of their own: malignant and benign images are "
            "needed, and two diagnoses."
        )
    mean, std = train.pooled.mean(0, dtype=np.float64), train.pooled.std(0, dtype=np.float64) + 1e-6
    standard = (train.pooled - mean) / std
    side = LogisticRegression(C=penalty, max_iter=STEPS).fit(standard, malignant)
    diagnosis = LogisticRegression(C=penalty, max_iter=STEPS).fit(standard[known], diagnoses[known])
    fitted, fitted_bias = diagnosis.coef_, diagnosis.intercept_
    if len(diagnosis.classes_) == 2:
        # Of two classes, scikit-learn returns the difference only.
        fitted, fitted_bias = np.concatenate([-fitted, fitted]) / 2, np.concatenate([-fitted_bias, fitted_bias]) / 2
    # A diagnosis without images of this type is as improbable as the rarest one.
    class_weights, class_bias = np.zeros((len(classes), len(mean))), np.full(len(classes), fitted_bias.min())
    places = [classes.index(code) for code in diagnosis.classes_]
    class_weights[places], class_bias[places] = fitted, fitted_bias
    weights, class_weights = side.coef_[0] / std, class_weights / std
    return LinearHeads(
        weights.astype(np.float32),
        float(side.intercept_[0] - weights @ mean),
        class_weights.astype(np.float32),
        (class_bias - class_weights @ mean).astype(np.float32),
    )


def predict_with_heads(heads: Sequence[LinearHeads], images: Features) -> Prediction:
    """Return the logits that heads have for images, of the head of each image's recorded type.

    Args:
        heads: in the order of `IMAGE_TYPES`.
        images: N images.
    """
    types = np.array([IMAGE_TYPES.index(row.image_type) for row in images.rows])
    malignant, classes = np.empty(len(types)), np.empty((len(types), len(heads[0].diagnosis_bias)))
    for place, own in enumerate(heads):
        pooled = images.pooled[types == place]
        malignant[types == place] = pooled @ own.malignant + own.malignant_bias
        classes[types == place] = pooled @ own.diagnosis.T + own.diagnosis_bias
    return Prediction(torch.from_numpy(malignant), torch.from_numpy(classes))
