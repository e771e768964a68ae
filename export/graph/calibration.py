"""Ways to turn the malignant-against-benign logit into a probability, and which of them fits best.

Each knows its formula as numpy, for fitting and checking, and as nodes of the serving graph, for everyone else.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from export.errors import DataError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FOLDS = 5


@dataclass(frozen=True)
class Calibration(ABC):
    """A monotone curve from logit to probability.

    Attributes:
        method: its name in the model file.
        nodes: the curve from the value `logit` to the value `probability`, in ONNX's text form; the names of the fields are
            initializers there.
    """

    method: ClassVar[str]
    nodes: ClassVar[str]

    @classmethod
    @abstractmethod
    def fit(cls, logit: Array, malignant: Mask) -> Self:
        """Fit to logits (N,) and the truth (N,), both sides present."""

    @abstractmethod
    def apply(self, logit: Array) -> Array:
        """Probabilities (N,) of logits (N,)."""

    def initializers(self) -> dict[str, npt.NDArray[np.float32]]:
        """The numbers that `nodes` reads, by name."""
        return {name: np.asarray(value, np.float32) for name, value in asdict(self).items()}

    def metadata(self) -> dict[str, Any]:
        """As JSON values."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True)
class Platt(Calibration):
    """sigmoid(slope * logit + intercept) (Platt 1999)."""

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
        found = LogisticRegression(C=np.inf).fit(logit[:, np.newaxis], malignant)
        if found.coef_[0, 0] < 0:
            # A falling curve would say the contrary of the evidence: a logit that tells nothing is given the prevalence.
            return cls(0.0, float(np.log(malignant.sum() / (~malignant).sum())))
        return cls(float(found.coef_[0, 0]), float(found.intercept_[0]))

    def apply(self, logit: Array) -> Array:
        return _sigmoid(self.slope * logit + self.intercept)


@dataclass(frozen=True)
class Beta(Calibration):
    """sigmoid(below * ln s - above * ln(1 - s) + intercept) with s = sigmoid(logit) (Kull et al. 2017).

    Platt's curve with a slope of its own on each side: -ln s = softplus(-logit), -ln(1 - s) = softplus(logit).
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
        sides = np.stack((-np.logaddexp(0, -logit), np.logaddexp(0, logit)), 1)
        found = LogisticRegression(C=np.inf).fit(sides, malignant)
        below, above = (float(value) for value in found.coef_[0])
        intercept = float(found.intercept_[0])
        if min(below, above) < 0:
            # A falling side would turn the order of scores around: Kull et al. leave that side out.
            kept = 0 if above < below else 1
            alone = LogisticRegression(C=np.inf).fit(sides[:, kept, np.newaxis], malignant)
            slope = max(float(alone.coef_[0, 0]), 0.0)
            below, above = (slope, 0.0) if kept == 0 else (0.0, slope)
            intercept = float(alone.intercept_[0])
        return cls(below, above, intercept)

    def apply(self, logit: Array) -> Array:
        up, down = np.logaddexp(0, logit), np.logaddexp(0, -logit)
        return _sigmoid(self.above * up - self.below * down + self.intercept)


@dataclass(frozen=True)
class Isotonic(Calibration):
    """Straight lines between the knots of an isotonic regression (Zadrozny & Elkan 2002).

    Piece i rises by `slopes[i]` a logit from `lefts[i]` to `rights[i]`; below the first it is `lowest`.
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
        # Never quite 0 or 1: N images cannot show that (rule of succession).
        edge = 1 / (len(logit) + 2)
        found = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(logit, malignant)
        # float32 in the graph: knots that fall together there would be a division by nothing.
        knots, places = np.unique(found.X_thresholds_.astype(np.float32), return_index=True)
        values = found.y_thresholds_[places].astype(np.float32)
        slopes = np.diff(values) / np.diff(knots)
        lefts, rights, rises = (tuple(part.tolist()) for part in (knots[:-1], knots[1:], slopes))
        return cls(lefts, rights, rises, float(values[0]))

    def apply(self, logit: Array) -> Array:
        lefts, rights, slopes = (np.array(part) for part in (self.lefts, self.rights, self.slopes))
        steps = np.clip(np.asarray(logit)[..., np.newaxis], lefts, rights) - lefts
        return np.asarray(steps @ slopes + self.lowest)


def _sigmoid(value: Array) -> Array:
    # Never overflows: log sigmoid(x) = -softplus(-x).
    return np.asarray(np.exp(-np.logaddexp(0, -value)))


METHODS: tuple[type[Calibration], ...] = (Platt, Beta, Isotonic)


def cross_validated_log_losses(logit: Array, malignant: Mask, groups: npt.NDArray[np.str_]) -> dict[str, float]:
    """Log loss of each method on images whose lesion group it was not fitted on, in `FOLDS` folds.

    Raises:
        DataError: there are so few lesions of one side that a fold has all of them.
    """
    folds = list(GroupKFold(min(FOLDS, len(np.unique(groups)))).split(logit, malignant, groups))
    losses = {}
    for method in METHODS:
        held_out = np.empty(len(logit))
        for fitted, left in folds:
            if len(np.unique(malignant[fitted])) < 2:
                raise DataError("`val` has too few lesions of one side to calibrate on: a handful of each are the least.")
            held_out[left] = method.fit(logit[fitted], malignant[fitted]).apply(logit[left])
        losses[method.method] = float(log_loss(malignant, held_out, labels=[False, True]))
    return losses


def select_calibration(logit: Array, malignant: Mask, losses: dict[str, float]) -> Calibration:
    """The method with the smallest cross-validated log loss, fitted on all images."""
    best = min(METHODS, key=lambda method: losses[method.method])
    return best.fit(logit, malignant)
