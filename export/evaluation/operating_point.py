"""Everything that is fitted on `val` after training: calibration, operating threshold, prediction sets, refusal limits."""

from dataclasses import asdict, dataclass

from lesion.inference.card import RefusalRule

from export.arrays import Figures
from export.errors import ClassesError
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.metrics import auc
from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import TARGET_COVERAGE, operating_threshold, prediction_set_limits, refusal_rules
from export.graph.calibration import Calibration, Platt, cross_validated_log_losses, select_calibration


@dataclass(frozen=True)
class OperatingPoint:
    """Parameters that turn a logit into an answer.

    Attributes:
        calibration: from logit to probability.
        log_losses: method -> cross-validated log loss, by which the calibration was selected.
        threshold: probability from which an image counts as malignant.
        set_limits: side ("malignant", "benign") -> its probability from which a prediction set contains it.
        refusal: rules in the order in which they are applied.
    """

    calibration: Calibration
    log_losses: dict[str, float]
    threshold: float
    set_limits: dict[str, float]
    refusal: tuple[RefusalRule, ...]

    def metadata(self) -> Figures:
        """Return JSON values under the keys that `lesion.inference.card.read_card` reads."""
        return {
            "calibration": {**self.calibration.metadata(), "cross_validated_log_loss": self.log_losses},
            "threshold": self.threshold,
            "prediction_sets": {"coverage": TARGET_COVERAGE, **self.set_limits},
            "refusal": [{key: value for key, value in asdict(rule).items() if value is not None} for rule in self.refusal],
        }


UNFITTED = OperatingPoint(Platt(), {}, 0.5, {"malignant": 0.5, "benign": 0.5}, ())
"""For a model file whose answers to `val` are needed to fit its own."""


def fit_operating_point(one_view: Predictions, eight_views: Predictions) -> OperatingPoint:
    """Fit an operating point to the predictions for `val`.

    Args:
        one_view: of an uncalibrated model file.
        eight_views: of the same images, for their spread.

    Raises:
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: too few lesions.
    """
    logit = one_view.scalar("logit")
    order = bootstrap_interval(lambda weights: auc(logit, one_view.malignant, weights), one_view.groups)
    if order.high < 0.5:
        raise ClassesError(
            f"On `val`, malignant images score lower than benign ones (AUC {order}). Are the classes in the order of the "
            "network's outputs, and the right ones malignant? See --classes and --malignant."
        )
    losses = cross_validated_log_losses(logit, one_view.malignant, one_view.groups)
    calibration = select_calibration(logit, one_view.malignant, losses)
    score = calibration.apply(logit)
    return OperatingPoint(
        calibration,
        losses,
        operating_threshold(score, one_view),
        prediction_set_limits(score, one_view.malignant),
        refusal_rules(one_view, eight_views),
    )
