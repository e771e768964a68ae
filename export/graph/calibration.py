"""Calibration of the malignant-versus-benign logit: Platt scaling and beta calibration.

The formula exists twice: in numpy for fitting, and as nodes of `export.graph.serving_graph`. scikit-learn fits the
parameters; its own calibrators are not used because they cannot be written into an ONNX graph. Isotonic regression is not
available, because its number of pieces would differ between image types; it was never selected (models/experiments.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from export.arrays import Array, Figures, Labels, Mask
from export.errors import DataError

FOLDS = 5
"""Of the cross-validation that selects the method."""


@dataclass(frozen=True)
class Calibration:
    """Beta calibration: sigmoid(below * ln s - above * ln(1 - s) + intercept), s = sigmoid(logit) (Kull et al. 2017).

    -ln s = softplus(-logit) and -ln(1 - s) = softplus(logit), so that it is Platt scaling (Platt 1999) with a separate slope
    for negative and positive logits. With equal slopes it is Platt scaling. Non-decreasing, because no slope is negative.

    Attributes:
        method: key of `METHODS` by which it was fitted.
        below: slope for negative logits.
        above: slope for positive logits.
        intercept: log-odds at the logit 0, for equal slopes.
    """

    method: str
    below: float
    above: float
    intercept: float

    def apply(self, logit: Array) -> Array:
        """Return probabilities (N,) for logits (N,)."""
        up, down = np.logaddexp(0, logit), np.logaddexp(0, -logit)
        calibrated = self.above * up - self.below * down + self.intercept
        # This form of the sigmoid does not overflow: log sigmoid(x) = -softplus(-x).
        return np.asarray(np.exp(-np.logaddexp(0, -calibrated)))

    def metadata(self) -> Figures:
        """Return method and parameters as JSON values."""
        return {"method": self.method, "below": self.below, "above": self.above, "intercept": self.intercept}


def platt(slope: float, intercept: float) -> Calibration:
    """Return Platt scaling: sigmoid(slope * logit + intercept)."""
    return Calibration("platt", slope, slope, intercept)


def parse_calibration(values: Mapping[str, Any]) -> Calibration:
    """Return the calibration that the metadata of a model file describe.

    Args:
        values: JSON values; files of format 1 have `slope` for Platt scaling.
    """
    if "slope" in values:
        return platt(float(values["slope"]), float(values["intercept"]))
    return Calibration(str(values["method"]), *(float(values[name]) for name in ("below", "above", "intercept")))


IDENTITY = platt(1.0, 0.0)
"""The sigmoid of the logit."""


def fit_platt(logit: Array, malignant: Mask) -> Calibration:
    """Fit Platt scaling to logits (N,) and labels (N,) of both classes."""
    regression = LogisticRegression(C=np.inf).fit(logit[:, np.newaxis], malignant)
    if regression.coef_[0, 0] < 0:
        # A decreasing function would contradict the evidence map, so the probability is the constant prevalence.
        return platt(0.0, float(np.log(malignant.sum() / (~malignant).sum())))
    return platt(float(regression.coef_[0, 0]), float(regression.intercept_[0]))


def fit_beta(logit: Array, malignant: Mask) -> Calibration:
    """Fit beta calibration to logits (N,) and labels (N,) of both classes."""
    sides = np.stack((-np.logaddexp(0, -logit), np.logaddexp(0, logit)), 1)
    regression = LogisticRegression(C=np.inf).fit(sides, malignant)
    below, above = (float(value) for value in regression.coef_[0])
    intercept = float(regression.intercept_[0])
    if min(below, above) < 0:
        # A negative slope would reverse the order of scores; Kull et al. refit without that side.
        kept = 0 if above < below else 1
        refit = LogisticRegression(C=np.inf).fit(sides[:, kept, np.newaxis], malignant)
        slope = max(float(refit.coef_[0, 0]), 0.0)
        below, above = (slope, 0.0) if kept == 0 else (0.0, slope)
        intercept = float(refit.intercept_[0])
    return Calibration("beta", below, above, intercept)


METHODS: Mapping[str, Callable[[Array, Mask], Calibration]] = {"platt": fit_platt, "beta": fit_beta}
"""Name in the metadata of the model file -> fit."""


def cross_validated_log_losses(logit: Array, malignant: Mask, groups: Labels) -> dict[str, float]:
    """Return the cross-validated log loss of every method; folds do not split lesion groups.

    Args:
        logit: (N,).
        malignant: labels (N,).
        groups: lesion group of every image (N,).

    Returns:
        Method -> log loss in nats.

    Raises:
        DataError: the training part of a fold has labels of one class only.
    """
    folds = list(GroupKFold(min(FOLDS, len(np.unique(groups)))).split(logit, malignant, groups))
    losses = {}
    for method, fit in METHODS.items():
        probability = np.empty(len(logit))
        for fitted, held_out in folds:
            if len(np.unique(malignant[fitted])) < 2:
                raise DataError("`val` has too few lesions of one side to calibrate on: a handful of each are the least.")
            probability[held_out] = fit(logit[fitted], malignant[fitted]).apply(logit[held_out])
        losses[method] = float(log_loss(malignant, probability, labels=[False, True]))
    return losses


def select_calibration(logit: Array, malignant: Mask, losses: Mapping[str, float]) -> Calibration:
    """Return the method with the smallest log loss, fitted to all images.

    Args:
        logit: (N,).
        malignant: labels (N,).
        losses: method -> cross-validated log loss.
    """
    best = min(METHODS, key=lambda method: losses[method])
    return METHODS[best](logit, malignant)
