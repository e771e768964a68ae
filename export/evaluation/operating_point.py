"""Everything that is fitted on `val` after training: calibration, operating threshold, prediction sets, refusal limits.

Once for each image type with one view and with eight, because dermoscopic and clinical images, and the mean of eight views,
have other distributions of logits, OOD scores and image quality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from lesion.inference.card import IMAGE_TYPES, VIEWS, ImageType, RefusalRule
from lesion.inference.model import Outputs

from export.arrays import Array, Figures
from export.errors import ClassesError
from export.evaluation.bootstrap import Interval, bootstrap_interval
from export.evaluation.metrics import auc
from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import PredictionSets, operating_threshold, prediction_sets, refusal_rules
from export.graph.calibration import IDENTITY, Calibration, cross_validated_log_losses, select_calibration

CHECK_CLASSES = (
    "Are the classes in the order of the network's outputs, and the right ones malignant? See --classes and --malignant."
)
"""What to do where malignant images of a converted network score lower."""

MIN_SPREAD = 1e-3
"""Logits that differ by less are one output: on untrained networks they differ by more than a hundred times as much."""


@dataclass(frozen=True)
class OperatingPoint:
    """Parameters that turn a logit into an answer, for one image type and one number of views.

    Attributes:
        calibration: from logit to probability.
        log_losses: method -> cross-validated log loss, by which the calibration was selected.
        threshold: probability from which an image counts as malignant.
        sets: limits of the prediction sets, which never contradict the threshold.
        refusal: rules in the order in which they are applied.
        errors_by_spread: AUC of the spread between views for wrong decisions of `val`; None with one view, which has no
            spread. Only where it is above 0.5 beyond chance, a rule refuses images for their spread.
    """

    calibration: Calibration
    log_losses: dict[str, float]
    threshold: float
    sets: PredictionSets
    refusal: tuple[RefusalRule, ...]
    errors_by_spread: Interval | None = None

    def metadata(self) -> Figures:
        """Return JSON values under the keys that `lesion.inference.card.read_card` reads."""
        return {
            "calibration": {**self.calibration.metadata(), "cross_validated_log_loss": self.log_losses},
            "threshold": self.threshold,
            "prediction_sets": {"coverage": self.sets.coverage, **self.sets.limits},
            "refusal": [{key: value for key, value in asdict(rule).items() if value is not None} for rule in self.refusal],
        }


OperatingPoints = Mapping[ImageType, Mapping[int, OperatingPoint]]
"""Image type -> number of views -> operating point."""

_UNFITTED_SETS = PredictionSets({"malignant": 0.5, "benign": 0.5}, {"malignant": 0.0, "benign": 0.0})
_UNFITTED = OperatingPoint(IDENTITY, {}, 0.5, _UNFITTED_SETS, ())


def unfitted_points(image_types: tuple[ImageType, ...]) -> OperatingPoints:
    """Return the points of a model file whose answers to `val` are needed to fit its own."""
    return {image_type: dict.fromkeys(VIEWS, _UNFITTED) for image_type in image_types}


def points_metadata(points: OperatingPoints) -> Figures:
    """Return the metadata entries of a model file, and of metrics.json, for its operating points."""
    with_spread = {image_type: by_views[max(by_views)].errors_by_spread for image_type, by_views in points.items()}
    return {
        "operating_points": {
            image_type: {str(views): point.metadata() for views, point in by_views.items()}
            for image_type, by_views in points.items()
        },
        "errors_by_spread": {image_type: one.json() for image_type, one in with_spread.items() if one is not None},
    }


def calibrations(points: OperatingPoints) -> dict[ImageType, dict[int, Calibration]]:
    """Return image type -> number of views -> calibration, for the graph."""
    return {
        image_type: {views: point.calibration for views, point in by_views.items()}
        for image_type, by_views in points.items()
    }


def fit_operating_points(
    one_view: Predictions, eight_views: Predictions, ood: Sequence[Mapping[int, Sequence[Outputs]]] = ()
) -> OperatingPoints:
    """Fit an operating point for each image type among the predictions for `val`, with one view and with eight.

    Args:
        one_view: of a model file, with the recorded image types; its calibration and thresholds are not used.
        eight_views: of the same images with eight views.
        ood: for each kind of images that are no lesions, number of views -> outputs, with the detected image types.

    Raises:
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: too few lesions of a type.
    """
    recorded = np.array([row.image_type for row in one_view.rows])
    points: dict[ImageType, dict[int, OperatingPoint]] = {}
    for image_type in IMAGE_TYPES:
        own = recorded == image_type
        if own.any():
            one, eight = one_view.select(own), eight_views.select(own)
            require_order(one, image_type, "`val`")
            fitted = {views: fit_point(predictions, ()) for views, predictions in ((1, one), (8, eight))}
            errors = _errors_by_spread(eight, fitted[8])
            spreads = eight.scalar("spread") if errors.low > 0.5 else None
            rules = {
                views: refusal_rules(own, spreads, _distances(ood, image_type, views))
                for views, own in ((1, one), (8, eight))
            }
            points[image_type] = {
                1: replace(fitted[1], refusal=rules[1]),
                8: replace(fitted[8], refusal=rules[8], errors_by_spread=errors),
            }
    return points


def _distances(ood: Sequence[Mapping[int, Sequence[Outputs]]], image_type: ImageType, views: int) -> list[Array]:
    """Return the OOD distances of each kind's images that the model takes for a type."""
    return [np.array([output.distance for output in kind[views] if output.image_type == image_type]) for kind in ood]


def _errors_by_spread(eight_views: Predictions, point: OperatingPoint) -> Interval:
    """Return the AUC of the spread between views for wrong decisions; NaN without any."""
    above = point.calibration.apply(eight_views.scalar("logit")) >= point.threshold
    wrong, spread = above != eight_views.malignant, eight_views.scalar("spread")
    return bootstrap_interval(lambda weights: auc(spread, wrong, weights), eight_views.groups)


def require_order(predictions: Predictions, image_type: ImageType, where: str, advice: str = CHECK_CLASSES) -> None:
    """Check that malignant images do not have lower logits than benign ones.

    Args:
        predictions: of images of one type.
        image_type: that type.
        where: name of the images, for the message.
        advice: what to check, for the message.

    Raises:
        ClassesError: they have, beyond chance.
    """
    order = _order(predictions)
    if order.high < 0.5:
        raise ClassesError(f"On {where}, malignant {image_type} images score lower than benign ones (AUC {order}). {advice}")


def doubts(predictions: Predictions) -> list[str]:
    """Return a sentence for each image type whose images the logits do not tell apart.

    Args:
        predictions: for `val`, with the recorded image types.
    """
    sentences = []
    for image_type in IMAGE_TYPES:
        own = predictions.select(predictions.image_type == image_type)
        count, logit = len(own.rows), own.scalar("logit")
        if count and np.ptp(logit) < MIN_SPREAD:
            sentences.append(
                f"The network's output is the same for all {count} {image_type} images of `val` (logit {logit.mean():.3f}): "
                "it carries no signal. Is it trained, and are its weights those of its architecture?"
            )
        elif count and (order := _order(own)).low <= 0.5:
            sentences.append(
                f"On the {count} {image_type} images of `val`, the network is not better than chance (AUC {order}). Is it "
                "trained for these classes, and is `val` large enough?"
            )
    return sentences


def _order(predictions: Predictions) -> Interval:
    """Return the AUC of the logits."""
    logit = predictions.scalar("logit")
    return bootstrap_interval(lambda weights: auc(logit, predictions.malignant, weights), predictions.groups)


def fit_point(predictions: Predictions, refusal: tuple[RefusalRule, ...]) -> OperatingPoint:
    """Fit the point of one image type and of the number of views of `predictions`.

    Args:
        predictions: of images of one type, of both sides.
        refusal: rules of the point, which are not fitted here.

    Raises:
        DataError: too few lesions.
    """
    logit = predictions.scalar("logit")
    losses = cross_validated_log_losses(logit, predictions.malignant, predictions.groups)
    calibration = select_calibration(logit, predictions.malignant, losses)
    score = calibration.apply(logit)
    threshold = operating_threshold(score, predictions.malignant, predictions.groups)
    return OperatingPoint(
        calibration,
        losses,
        threshold,
        prediction_sets(score, predictions.malignant, threshold),
        refusal,
    )
