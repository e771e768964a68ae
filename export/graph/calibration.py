"""Calibration of the malignant-versus-benign logit: Platt scaling, beta calibration, isotonic regression.

Every method has its formula twice: in numpy for fitting, and as nodes of the serving graph. scikit-learn fits the
parameters; its own calibrators are not used because they cannot be written into an ONNX graph.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from export.arrays import Array, Figures, Floats, Labels, Mask
from export.errors import DataError

FOLDS = 5
"""Of the cross-validation that selects the method."""


@dataclass(frozen=True)
class Calibration(ABC):
    """A non-decreasing function from logit to probability; its fields are its parameters.

    Attributes:
        method: name in the metadata of the model file.
        nodes: ONNX text from the value `logit` to the value `probability`; the parameters are initializers with the names of
            the fields.
    """

    method: ClassVar[str]
    nodes: ClassVar[str]

    @classmethod
    @abstractmethod
    def fit(cls, logit: Array, malignant: Mask) -> Self:
        """Fit to logits (N,) and labels (N,) of both classes."""

    @abstractmethod
    def apply(self, logit: Array) -> Array:
        """Return probabilities (N,) for logits (N,)."""

    def initializers(self) -> dict[str, Floats]:
        """Return the parameters that `nodes` reads, by name."""
        return {name: np.asarray(value, np.float32) for name, value in asdict(self).items()}

    def metadata(self) -> Figures:
        """Return method and parameters as JSON values."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True)
class Platt(Calibration):
    """Platt scaling: sigmoid(slope * logit + intercept) (Platt 1999)."""

    slope: float = 1.0
    intercept: float = 0.0

    method = "platt"
    nodes = """
    scaled = Mul (logit, slope)
    calibrated = Add (scaled, intercept)
    probability = Sigmoid (calibrated)
    """

    @classmethod
    def fit(cls, logit: Array, malignant: Mask) -> Self:
        """See `Calibration.fit`."""
        regression = LogisticRegression(C=np.inf).fit(logit[:, np.newaxis], malignant)
        if regression.coef_[0, 0] < 0:
            # A decreasing function would contradict the evidence map, so the probability is the constant prevalence.
            return cls(0.0, float(np.log(malignant.sum() / (~malignant).sum())))
        return cls(float(regression.coef_[0, 0]), float(regression.intercept_[0]))

    def apply(self, logit: Array) -> Array:
        """See `Calibration.apply`."""
        return _sigmoid(self.slope * logit + self.intercept)


@dataclass(frozen=True)
class Beta(Calibration):
    """Beta calibration: sigmoid(below * ln s - above * ln(1 - s) + intercept), s = sigmoid(logit) (Kull et al. 2017).

    Platt scaling with a separate slope for negative and positive logits: -ln s = softplus(-logit), -ln(1 - s) =
    softplus(logit).
    """

    below: float
    above: float
    intercept: float

    method = "beta"
    nodes = """
    softplus_up = Softplus (logit)
    negative_logit = Neg (logit)
    softplus_down = Softplus (negative_logit)
    rise = Mul (softplus_up, above)
    fall = Mul (softplus_down, below)
    bent = Sub (rise, fall)
    calibrated = Add (bent, intercept)
    probability = Sigmoid (calibrated)
    """

    @classmethod
    def fit(cls, logit: Array, malignant: Mask) -> Self:
        """See `Calibration.fit`."""
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
        return cls(below, above, intercept)

    def apply(self, logit: Array) -> Array:
        """See `Calibration.apply`."""
        up, down = np.logaddexp(0, logit), np.logaddexp(0, -logit)
        return _sigmoid(self.above * up - self.below * down + self.intercept)


@dataclass(frozen=True)
class Isotonic(Calibration):
    """Isotonic regression (Zadrozny & Elkan 2002), linearly interpolated between its knots.

    Piece i has slope `slopes[i]` from logit `lefts[i]` to `rights[i]`; below the first piece the probability is `lowest`.
    """

    lefts: tuple[float, ...]
    rights: tuple[float, ...]
    slopes: tuple[float, ...]
    lowest: float

    method = "isotonic"
    nodes = """
    after_left = Max (logit, lefts)
    within = Min (after_left, rights)
    steps = Sub (within, lefts)
    rises = Mul (steps, slopes)
    risen = ReduceSum <keepdims = 0> (rises)
    probability = Add (risen, lowest)
    """

    @classmethod
    def fit(cls, logit: Array, malignant: Mask) -> Self:
        """See `Calibration.fit`."""
        # Never 0 or 1, which N images cannot support (rule of succession).
        edge = 1 / (len(logit) + 2)
        regression = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(logit, malignant)
        # The graph computes in float32: knots that coincide there would divide by zero.
        knots, indices = np.unique(regression.X_thresholds_.astype(np.float32), return_index=True)
        values = regression.y_thresholds_[indices].astype(np.float32)
        slopes = np.diff(values) / np.diff(knots)
        lefts, rights, rises = (tuple(part.tolist()) for part in (knots[:-1], knots[1:], slopes))
        return cls(lefts, rights, rises, float(values[0]))

    def apply(self, logit: Array) -> Array:
        """See `Calibration.apply`."""
        lefts, rights, slopes = (np.array(part) for part in (self.lefts, self.rights, self.slopes))
        steps = np.clip(np.asarray(logit)[..., np.newaxis], lefts, rights) - lefts
        return np.asarray(steps @ slopes + self.lowest)


def _sigmoid(value: Array) -> Array:
    # This form does not overflow: log sigmoid(x) = -softplus(-x).
    return np.asarray(np.exp(-np.logaddexp(0, -value)))


METHODS: tuple[type[Calibration], ...] = (Platt, Beta, Isotonic)


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
    for method in METHODS:
        probability = np.empty(len(logit))
        for fitted, held_out in folds:
            if len(np.unique(malignant[fitted])) < 2:
                raise DataError("`val` has too few lesions of one side to calibrate on: a handful of each are the least.")
            probability[held_out] = method.fit(logit[fitted], malignant[fitted]).apply(logit[held_out])
        losses[method.method] = float(log_loss(malignant, probability, labels=[False, True]))
    return losses


def select_calibration(logit: Array, malignant: Mask, losses: dict[str, float]) -> Calibration:
    """Return the method with the smallest log loss, fitted to all images.

    Args:
        logit: (N,).
        malignant: labels (N,).
        losses: method -> cross-validated log loss.
    """
    best = min(METHODS, key=lambda method: losses[method.method])
    return best.fit(logit, malignant)
