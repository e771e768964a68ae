"""Calibration methods recover known parameters, stay monotone, and are selected by cross-validated log loss."""

import numpy as np
import pytest

from export.arrays import Array, Mask
from export.errors import DataError
from export.graph.calibration import (
    IDENTITY,
    METHODS,
    Calibration,
    cross_validated_log_losses,
    fit_beta,
    fit_platt,
    parse_calibration,
    platt,
    select_calibration,
)

LOGITS = np.linspace(-12, 12, 97)


def beta(below: float, above: float, intercept: float) -> Calibration:
    return Calibration("beta", below, above, intercept)


def simulated(curve: Calibration, count: int = 4000, seed: int = 1) -> tuple[Array, Mask]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(scale=2, size=count)
    return logit, rng.random(count) < curve.apply(logit)


@pytest.mark.parametrize("method", METHODS)
def test_calibration_is_monotone(method: str) -> None:
    """The graph's own values are in test_serving_graph.py."""
    fitted = METHODS[method](*simulated(beta(0.7, 1.6, -0.4)))
    values = fitted.apply(LOGITS)
    assert fitted.method == method
    assert (np.diff(values) >= 0).all()
    assert 0 < values.min() < 0.05 < 0.9 < values.max() < 1


@pytest.mark.parametrize("method", METHODS)
def test_calibration_survives_its_metadata(method: str) -> None:
    fitted = METHODS[method](*simulated(beta(0.7, 1.6, -0.4)))
    assert parse_calibration(fitted.metadata()) == fitted


def test_parse_calibration_reads_platt_scaling_of_format_1() -> None:
    assert parse_calibration({"method": "platt", "slope": 1.5, "intercept": -0.25}) == platt(1.5, -0.25)


def test_platt_recovers_slope_and_intercept() -> None:
    fitted = fit_platt(*simulated(platt(2, 0.5)))
    assert (fitted.below, fitted.above, fitted.intercept) == pytest.approx((2, 2, 0.5), abs=0.15)


def test_platt_is_constant_for_reversed_logits() -> None:
    logit, truth = simulated(platt(-2, 0.5))
    fitted = fit_platt(logit, truth)
    assert fitted.below == fitted.above == 0 and fitted.apply(logit) == pytest.approx(truth.mean())


def test_cross_validation_rejects_too_few_lesions() -> None:
    logit, truth = np.linspace(-1, 1, 20), np.arange(20) == 3
    with pytest.raises(DataError, match="too few lesions of one side"):
        cross_validated_log_losses(logit, truth, np.arange(20).astype(str))


def test_beta_recovers_both_slopes_and_contains_platt() -> None:
    fitted = fit_beta(*simulated(beta(0.5, 2.0, 0.3), 20000))
    assert (fitted.below, fitted.above, fitted.intercept) == pytest.approx((0.5, 2.0, 0.3), abs=0.2)
    assert platt(1.5, -0.2).apply(LOGITS) == pytest.approx(1 / (1 + np.exp(-(1.5 * LOGITS - 0.2))))


def test_beta_drops_a_negative_slope() -> None:
    logit = np.array([-3.0, -2, -1, 0, 1, 2, 3] * 40)
    # Very low logits are malignant more often than medium ones: an unconstrained fit would have a negative slope there.
    truth = IDENTITY.apply(logit) > np.resize((0.1, 0.3, 0.5, 0.7, 0.9), len(logit))
    truth[logit == -3] = np.resize((True, False), 40)
    fitted = fit_beta(logit, truth)
    assert (fitted.below, fitted.above > 0) == (0, True)


def test_select_calibration_prefers_two_slopes() -> None:
    logit, truth = simulated(beta(0.3, 2.5, 0.0), 6000)
    losses = cross_validated_log_losses(logit, truth, np.arange(6000).astype(str))
    assert select_calibration(logit, truth, losses).method == "beta" == min(losses, key=losses.__getitem__)
    assert select_calibration(logit, truth, {"platt": 0.1, "beta": 0.2}).method == "platt"


def test_cross_validation_keeps_groups_together() -> None:
    # Copies of each image in one group: if a fold split them, a fit would have seen the held-out labels, and the loss of
    # each method would be that of its own training images.
    logit, truth = simulated(platt(0.0, 0.0), 20, seed=3)
    alone = cross_validated_log_losses(logit, truth, np.arange(20).astype(str))
    copied = cross_validated_log_losses(*(np.repeat(part, 10) for part in (logit, truth, np.arange(20).astype(str))))
    leaking = cross_validated_log_losses(np.repeat(logit, 10), np.repeat(truth, 10), np.arange(200).astype(str))
    for method in METHODS:
        assert leaking[method] < 0.95 * copied[method]
        assert copied[method] > 0.9 * alone[method]
