"""Calibration methods recover known parameters, and their ONNX nodes compute the same values as numpy."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from export.arrays import Array, Mask
from export.errors import DataError
from export.graph.calibration import (
    METHODS,
    Beta,
    Calibration,
    Isotonic,
    Platt,
    cross_validated_log_losses,
    select_calibration,
)

LOGITS = np.linspace(-12, 12, 97)


def simulated(curve: Calibration, count: int = 4000, seed: int = 1) -> tuple[Array, Mask]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(scale=2, size=count)
    return logit, rng.random(count) < curve.apply(logit)


def in_graph(calibration: Calibration, logits: Array) -> Array:
    """Return the probabilities that ONNX Runtime computes, one logit at a time."""
    text = '<ir_version: 10, opset_import: ["" : 18]> curve (float logit) => (float probability) {' + calibration.nodes + "}"
    model = onnx.parser.parse_model(text)
    parameters = calibration.initializers().items()
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in parameters)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.array([session.run(None, {"logit": np.array(logit, np.float32)})[0] for logit in logits])


@pytest.mark.parametrize("method", METHODS)
def test_calibration_graph_matches_numpy_and_is_monotone(method: type[Calibration]) -> None:
    fitted = method.fit(*simulated(Beta(0.7, 1.6, -0.4)))
    expected = fitted.apply(LOGITS)
    assert in_graph(fitted, LOGITS) == pytest.approx(expected, abs=2e-6)
    assert (np.diff(expected) >= 0).all()
    assert 0 < expected.min() < 0.05 < 0.9 < expected.max() < 1


def test_platt_recovers_slope_and_intercept() -> None:
    fitted = Platt.fit(*simulated(Platt(2, 0.5)))
    assert (fitted.slope, fitted.intercept) == pytest.approx((2, 0.5), abs=0.15)


def test_platt_is_constant_for_reversed_logits() -> None:
    logit, truth = simulated(Platt(-2, 0.5))
    fitted = Platt.fit(logit, truth)
    assert fitted.slope == 0 and fitted.apply(logit) == pytest.approx(truth.mean())


def test_cross_validation_rejects_too_few_lesions() -> None:
    logit, truth = np.linspace(-1, 1, 20), np.arange(20) == 3
    with pytest.raises(DataError, match="too few lesions of one side"):
        cross_validated_log_losses(logit, truth, np.arange(20).astype(str))


def test_beta_recovers_both_slopes_and_contains_platt() -> None:
    fitted = Beta.fit(*simulated(Beta(0.5, 2.0, 0.3), 20000))
    assert (fitted.below, fitted.above, fitted.intercept) == pytest.approx((0.5, 2.0, 0.3), abs=0.2)
    assert Beta(1.5, 1.5, -0.2).apply(LOGITS) == pytest.approx(Platt(1.5, -0.2).apply(LOGITS))


def test_beta_drops_a_negative_slope() -> None:
    logit = np.array([-3.0, -2, -1, 0, 1, 2, 3] * 40)
    # Very low logits are malignant more often than medium ones: an unconstrained fit would have a negative slope there.
    truth = Platt().apply(logit) > np.resize((0.1, 0.3, 0.5, 0.7, 0.9), len(logit))
    truth[logit == -3] = np.resize((True, False), 40)
    fitted = Beta.fit(logit, truth)
    assert (fitted.below, fitted.above > 0) == (0, True)


def test_isotonic_fits_a_step_and_is_selected() -> None:
    logit = np.linspace(-3, 3, 6000)
    truth = np.random.default_rng(1).random(6000) < np.where(logit < 1, 0.2, 0.7)
    fitted = Isotonic.fit(logit, truth)
    assert fitted.apply(np.array([0.0, 2.0])) == pytest.approx([0.2, 0.7], abs=0.08)
    losses = cross_validated_log_losses(logit, truth, np.arange(6000).astype(str))
    assert select_calibration(logit, truth, losses).method == "isotonic" == min(losses, key=losses.__getitem__)


def test_cross_validation_prefers_the_generating_method() -> None:
    logit, truth = simulated(Platt(1.2, -0.3), 600)
    losses = cross_validated_log_losses(logit, truth, np.arange(600).astype(str))
    assert losses["platt"] < losses["isotonic"]


def test_cross_validation_keeps_groups_together() -> None:
    # Ten copies of each image in one group: if a fold split them, isotonic regression would have seen the held-out labels.
    logit, truth = simulated(Platt(0.0, 0.0), 60)
    alone = cross_validated_log_losses(logit, truth, np.arange(60).astype(str))
    copied = cross_validated_log_losses(*(np.repeat(part, 10) for part in (logit, truth, np.arange(60).astype(str))))
    assert copied["isotonic"] > 0.9 * alone["isotonic"] > 0.6
