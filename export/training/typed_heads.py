"""Heads for each image type: logistic regressions on the pooled features of a network whose body stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from lesion.inference.card import IMAGE_TYPES, ImageType
from sklearn.linear_model import LogisticRegression

from export.arrays import Array, Floats
from export.data.labels import LabelledImage
from export.data.sampling import sampling_weights
from export.errors import DataError
from export.nn.network import Prediction
from export.nn.typed_heads import LinearHeads
from export.training.records import score
from export.training.selection import validation_figures

PENALTIES = (0.0003, 0.001, 0.003, 0.01)
"""Inverse strengths of the L2 penalty that are compared on `val`, scikit-learn's C."""

SMALLEST_STD = 0.2
"""Least standard deviation that a feature is divided by, relative to the median feature's.

Some features are zero in nearly all images. Standardised in full, one that is not would outweigh all others. With the
limit, the AUC on `val` is the same, and the largest weight 0.9 instead of 408 (`models/experiments.md`).
"""

ImageWeights = Literal["classes", "none"]
"""How images weigh: as training draws them by class (`export.data.sampling.sampling_weights`), or all alike."""

STEPS, TOLERANCE = 1000, 1e-3
"""Most steps of a fit, and the largest gradient at which it ends."""


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


def require_images(rows: Sequence[LabelledImage], classes: Sequence[str], image_types: Sequence[ImageType]) -> None:
    """Check that images suffice for heads of image types.

    Args:
        rows: of `train`.
        classes: the K codes of the class logits.
        image_types: whose heads are to be fitted.

    Raises:
        DataError: the images of a type are of one side only, or have fewer than two diagnoses.
    """
    for image_type in image_types:
        own = [row for row in rows if row.image_type == image_type]
        if len({row.malignant for row in own}) < 2 or len({row.diagnosis for row in own} & set(classes)) < 2:
            raise DataError(
                f"The {image_type} images of `train` do not suffice for heads of their own: malignant and benign images are "
                "needed, and two diagnoses."
            )


def select_typed_heads(
    train: Features,
    val: Features,
    classes: Sequence[str],
    present: Sequence[LinearHeads],
    image_types: Sequence[ImageType] = IMAGE_TYPES,
    malignant_weights: ImageWeights = "classes",
) -> tuple[tuple[LinearHeads, ...], Mapping[float, float]]:
    """Return the heads of each image type, fitted with the penalty of `PENALTIES` that has the highest score on `val`.

    Args:
        train: on which they are fitted, with the images that `require_images` demands.
        val: on which the penalty is chosen, by the score of `export.training.records`.
        classes: the K codes of the class logits.
        present: heads that the network has, in the order of `IMAGE_TYPES`.
        image_types: whose heads are fitted; the others keep those of `present`.
        malignant_weights: of images in the fit of malignancy.

    Returns:
        Heads in the order of `IMAGE_TYPES`, and the score of each inverse strength.
    """
    fitted = {
        image_type: fit_heads(train.of_type(image_type), classes, PENALTIES, malignant_weights) for image_type in image_types
    }
    heads = {
        penalty: tuple(
            fitted[image_type][penalty] if image_type in fitted else own
            for image_type, own in zip(IMAGE_TYPES, present, strict=True)
        )
        for penalty in PENALTIES
    }
    scores = {
        penalty: score(validation_figures(val.rows, predict_with_heads(own, val), classes)) for penalty, own in heads.items()
    }
    return heads[max(scores, key=lambda penalty: scores[penalty])], scores


def fit_heads(
    train: Features, classes: Sequence[str], penalties: Sequence[float], malignant_weights: ImageWeights = "classes"
) -> dict[float, LinearHeads]:
    """Return the heads of one image type for each inverse strength of the penalty.

    In the fit of the diagnoses, images weigh as training draws them (`export.data.sampling.sampling_weights`, without
    balance of data sets), and by default in the fit of malignancy too: otherwise basal cell carcinomas, six times as many
    as melanomas among the clinical images, would decide alone what is malignant. Where melanomas are not rare, as in the
    dermoscopic images, malignancy is ranked better without weights (`models/experiments.md`).

    The features are standardised for the fit, so that the penalty treats them alike; the weights that are returned apply to
    the features as they are.

    Args:
        train: images of the type.
        classes: the K codes of the class logits.
        penalties: inverse strengths.
        malignant_weights: of images in the fit of malignancy.
    """
    mean, std = train.pooled.mean(0, dtype=np.float64), train.pooled.std(0, dtype=np.float64)
    std = np.maximum(std, SMALLEST_STD * np.median(std) + 1e-6)
    standard = (train.pooled - mean) / std
    malignant = np.array([row.malignant for row in train.rows], bool)
    diagnoses = np.array([row.diagnosis for row in train.rows])
    known = np.isin(diagnoses, classes)
    weights_of_images = sampling_weights(train.rows, balance_datasets=False).numpy()
    weights_of_images /= weights_of_images.mean()
    heads = {}
    for penalty in penalties:
        side = LogisticRegression(C=penalty, max_iter=STEPS, tol=TOLERANCE)
        side.fit(standard, malignant, weights_of_images if malignant_weights == "classes" else None)
        diagnosis = LogisticRegression(C=penalty, max_iter=STEPS, tol=TOLERANCE)
        diagnosis.fit(standard[known], diagnoses[known], weights_of_images[known])
        weights, (class_weights, class_bias) = side.coef_[0] / std, _class_head(diagnosis, standard, classes)
        class_weights = class_weights / std
        heads[penalty] = LinearHeads(
            weights.astype(np.float32),
            float(side.intercept_[0] - weights @ mean),
            class_weights.astype(np.float32),
            (class_bias - class_weights @ mean).astype(np.float32),
        )
    return heads


def _class_head(diagnosis: LogisticRegression, standard: Array, classes: Sequence[str]) -> tuple[Array, Array]:
    """Return weights (K, F) and biases (K,) of a fit to the diagnoses that the N images of `standard` (N, F) have."""
    fitted, fitted_bias = diagnosis.coef_, diagnosis.intercept_
    if len(diagnosis.classes_) == 2:
        # Of two classes, scikit-learn returns the difference only.
        fitted, fitted_bias = np.concatenate([-fitted, fitted]) / 2, np.concatenate([-fitted_bias, fitted_bias]) / 2
    # A diagnosis without an image of this type never has a higher logit than another one has for any of the images.
    lowest = (standard @ fitted.T + fitted_bias).min()
    weights, bias = np.zeros((len(classes), standard.shape[1])), np.full(len(classes), lowest)
    places = [classes.index(code) for code in diagnosis.classes_]
    weights[places], bias[places] = fitted, fitted_bias
    return weights, bias


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
