"""Detection of the image type: fit of a logistic regression on middle and last features, and how often it is right.

The features are those of the OOD score and the embedding, so that the graph computes nothing more than a dot product.
Dermoscopic and clinical images differ in what the layers see: magnification, reflections, the edge of the dermatoscope.
"""

from collections.abc import Sequence

import numpy as np
from lesion.inference.card import IMAGE_TYPES, ImageType
from sklearn.linear_model import LogisticRegression

from export.arrays import Array, Mask
from export.data.labels import LabelledImage
from export.errors import DataError
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import Predictions
from export.evaluation.schema import DetectionMetrics
from export.graph.parameters import ImageTypeDetector

REGULARISATION = 0.1
"""Inverse strength of the L2 penalty. Of 0.001, 0.01, 0.1 and 1 the one with the smallest log loss (0.178; 93 % detected
correctly) on 480 held-out images of two dermoscopic and two clinical sources, with 200 images of each for fitting and the
features of model 1.7.0, whose network has seen no clinical image."""


def image_types(train: Sequence[LabelledImage], val: Sequence[LabelledImage]) -> tuple[ImageType, ...]:
    """Return the image types of a model that is fitted on two splits, in the order of `IMAGE_TYPES`.

    Args:
        train: rows on which OOD statistics and detector are fitted.
        val: rows on which operating points are fitted.

    Raises:
        DataError: one of the splits lacks a type of the other one.
    """
    found = {row.image_type for row in train}
    if different := found ^ {row.image_type for row in val}:
        raise DataError(
            f"Only one of `train` and `val` has {' and '.join(sorted(different))} images. Both need the same image types: "
            "see the columns `image_type` and `split`."
        )
    return tuple(image_type for image_type in IMAGE_TYPES if image_type in found)


def balanced_weights(rows: Sequence[LabelledImage]) -> Array:
    """Return weights (N,) with which both image types, and the data sets within each type, count alike; their mean is 1."""
    sources = [(row.image_type, row.dataset) for row in rows]
    distinct = set(sources)
    weights = np.array([1 / sources.count(one) / sum(kind == one[0] for kind, _ in distinct) for one in sources])
    return np.asarray(weights / weights.mean())


def fit_image_type_detector(features: Array, rows: Sequence[LabelledImage]) -> ImageTypeDetector | None:
    """Fit the detector to images of both types.

    Args:
        features: `TypedFeatures.features`, float64 (N, T).
        rows: of the N images.

    Returns:
        The detector, or None where all images are of one type.
    """
    clinical = _is_clinical(rows)
    if clinical.all() or not clinical.any():
        return None
    mean, std = features.mean(0), features.std(0) + 1e-6
    regression = LogisticRegression(C=REGULARISATION, max_iter=1000)
    regression.fit((features - mean) / std, clinical, sample_weight=balanced_weights(rows))
    return ImageTypeDetector(
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        weights=regression.coef_[0].astype(np.float32),
        bias=float(regression.intercept_[0]),
    )


def detection_figures(predictions: Predictions) -> DetectionMetrics | None:
    """Return how often a model detects the type of images that are recorded as one or the other.

    Args:
        predictions: of a model that distinguishes image types.

    Returns:
        Under "accuracy", the mean over both types of the share detected correctly; under each type's name, that share; under
        "auc", the AUC of the probability. None where the model distinguishes no types or the images are of one type.
    """
    if any(output.clinical_probability is None for output in predictions.outputs):
        return None
    clinical, groups = _is_clinical(predictions.rows), predictions.groups
    if clinical.all() or not clinical.any():
        return None
    score = predictions.scalar("clinical_probability")
    right = (score >= 0.5) == clinical

    def accuracy(weights: Array) -> float:
        return (metrics.rate(right, clinical, weights) + metrics.rate(right, ~clinical, weights)) / 2

    return {
        "accuracy": bootstrap_interval(accuracy, groups).json(),
        "dermoscopic": bootstrap_interval(lambda weights: metrics.rate(right, ~clinical, weights), groups).json(),
        "clinical": bootstrap_interval(lambda weights: metrics.rate(right, clinical, weights), groups).json(),
        "auc": bootstrap_interval(lambda weights: metrics.auc(score, clinical, weights), groups).json(),
    }


def _is_clinical(rows: Sequence[LabelledImage]) -> Mask:
    return np.array([row.image_type == "clinical" for row in rows], bool)
