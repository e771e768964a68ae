"""Calibration, threshold and prediction sets of a model file, fitted anew to other images; the network stays.

The figures of the new version are cross-validated by lesion group: every image is judged by a point that was fitted without
its group. Those of the old version need no cross-validation, because nothing of it was fitted to these images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from lesion.inference.card import SIDES, Card, ImageType
from lesion.inference.card import OperatingPoint as CardPoint
from sklearn.model_selection import StratifiedGroupKFold

from export.arrays import Array, Mask
from export.errors import DataError
from export.evaluation import metrics
from export.evaluation.bootstrap import SEED, bootstrap_interval
from export.evaluation.image_set import image_set_metrics
from export.evaluation.operating_point import OperatingPoint, fit_point, require_order
from export.evaluation.predictions import Predictions
from export.evaluation.schema import ImageSetMetrics, IntervalJson

MIN_IMAGES = 100
"""Labelled images of one type."""

MIN_PER_SIDE = 20
"""Malignant lesions, and benign ones: with fewer, the threshold for 95 % sensitivity depends on less than one lesion."""

FOLDS = 5


class VersionChange(TypedDict):
    """Figures of both versions on the same images, and paired differences (after - before)."""

    before: ImageSetMetrics
    after: ImageSetMetrics
    log_loss_before: IntervalJson
    log_loss_after: IntervalJson
    log_loss_change: IntervalJson
    calibration_error_change: IntervalJson


@dataclass(frozen=True)
class Recalibration:
    """A new operating point and the figures of both versions.

    Attributes:
        point: fitted to all images.
        cross_validated: the predictions with the probabilities and the limits of points fitted without their groups.
        change: figures of both versions.
    """

    point: OperatingPoint
    cross_validated: Predictions
    change: VersionChange


def require_enough(predictions: Predictions, image_type: ImageType) -> None:
    """Check that there are enough images of one type to fit to.

    Raises:
        DataError: there are fewer than `MIN_IMAGES`, or fewer than `MIN_PER_SIDE` lesions of a side.
    """
    malignant, groups = predictions.malignant, predictions.groups
    lesions = {side: len(set(groups[own])) for side, own in (("malignant", malignant), ("benign", ~malignant))}
    if len(malignant) < MIN_IMAGES or min(lesions.values()) < MIN_PER_SIDE:
        raise DataError(
            f"Too few {image_type} images to recalibrate on: {len(malignant)} images, {lesions['malignant']} malignant and "
            f"{lesions['benign']} benign lesions. Needed are {MIN_IMAGES} images, and {MIN_PER_SIDE} lesions of each side."
        )


def recalibrate(predictions: Predictions, card: Card, image_type: ImageType) -> Recalibration:
    """Fit the operating point of one image type and number of views to images, and compare it with the old one.

    Args:
        predictions: of images of that type, with the old file, that `require_enough` accepts.
        card: of the old file.
        image_type: the type that was given to the model.

    Raises:
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: the lesions cannot be divided into folds with both sides.
    """
    require_order(predictions, image_type, "these images", "Are their labels right, and malignant and benign not exchanged?")
    refusal = card.point(image_type, predictions.outputs[0].views).refusal
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    outputs, cards = list(predictions.outputs), [card] * len(predictions.rows)
    held_out_of = folds.split(predictions.malignant, predictions.malignant, predictions.groups)
    for fitted, held_out in held_out_of:
        mask = np.zeros(len(outputs), bool)
        mask[fitted] = True
        point = fit_point(predictions.select(mask), refusal)
        own = with_points(card, {image_type: {outputs[held_out[0]].views: point}})
        moved = moved_probabilities(predictions.select(~mask), point, card)
        for place, output in zip(np.flatnonzero(~mask), moved.outputs, strict=True):
            outputs[place], cards[place] = output, own
    cross_validated = Predictions(predictions.rows, tuple(outputs), tuple(cards))
    change = _change(predictions, cross_validated, card)
    return Recalibration(fit_point(predictions, refusal), cross_validated, change)


def moved_probabilities(predictions: Predictions, point: OperatingPoint, card: Card) -> Predictions:
    """Return predictions with the probabilities of another calibration, as the graph would compute them.

    The diagnoses of each side keep their shares of the side's probability.
    """
    malignant = np.array([entry.malignant for entry in card.classes])
    probabilities = point.calibration.apply(predictions.scalar("logit"))
    outputs = []
    for output, probability in zip(predictions.outputs, probabilities, strict=True):
        classes = output.classes.astype(np.float64)
        for side, total in ((malignant, probability), (~malignant, 1 - probability)):
            mass = classes[side].sum()
            classes[side] *= total / mass if mass else 0.0
        outputs.append(replace(output, probability=float(probability), classes=classes.astype(np.float32)))
    return Predictions(predictions.rows, tuple(outputs))


def with_points(card: Card, points: Mapping[ImageType, Mapping[int, OperatingPoint]]) -> Card:
    """Return a card with other operating points in place of some."""
    merged = {image_type: dict(by_views) for image_type, by_views in card.operating_points.items()}
    for image_type, by_views in points.items():
        for views, point in by_views.items():
            merged[image_type][views] = CardPoint(
                threshold=point.threshold,
                coverage={side: point.sets.coverage[side] for side in SIDES},
                set_limits={side: point.sets.limits[side] for side in SIDES},
                refusal=point.refusal,
                calibration=point.calibration.metadata(),
            )
    return replace(card, operating_points=merged)


def _change(before: Predictions, after: Predictions, card: Card) -> VersionChange:
    old, new = before.scalar("probability"), after.scalar("probability")
    malignant, groups = before.malignant, before.groups

    def interval(statistic: Callable[[Array], float]) -> IntervalJson:
        return bootstrap_interval(statistic, groups).json()

    def difference(metric: Callable[[Array, Mask, Array], float]) -> IntervalJson:
        return interval(lambda weights: metric(new, malignant, weights) - metric(old, malignant, weights))

    return {
        "before": image_set_metrics(before, card),
        "after": image_set_metrics(after, card),
        "log_loss_before": interval(lambda weights: metrics.log_loss(old, malignant, weights)),
        "log_loss_after": interval(lambda weights: metrics.log_loss(new, malignant, weights)),
        "log_loss_change": difference(metrics.log_loss),
        "calibration_error_change": difference(metrics.calibration_error),
    }
