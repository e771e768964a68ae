"""`combine` returns the mean of the images' log-odds, with thresholds, sets and classes that fit it."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesion.inference.combine import ImageResult, agreement_of, combine, pool, pool_classes

MALIGNANT = (True, False, True, False)
bounded = settings(max_examples=300, deadline=None, derandomize=True, database=None)

PROBABILITY = st.one_of(
    st.floats(0, 1, width=32).map(lambda value: float(str(value))),
    st.sampled_from([0.0, 1.0, 1e-30, 1e-9, 0.1, 0.4, 0.5, 0.6, 0.9, 1 - 2**-24]),
)


@st.composite
def results(draw: st.DrawFn, consistent: bool = True) -> ImageResult:
    """Return a result whose classes sum to its probability; limits of a model file never contradict its threshold."""
    probability, threshold = draw(PROBABILITY), draw(st.floats(0.01, 0.99))
    shares = [draw(st.floats(0, 1)) for _ in range(2)]
    malignant = draw(st.floats(0, threshold if consistent else 1))
    benign = draw(st.one_of(st.floats(0, 1 - threshold if consistent else 1), st.just(1 - threshold)))
    rest = 1 - probability
    classes = (probability * shares[0], rest * shares[1], probability * (1 - shares[0]), rest * (1 - shares[1]))
    return ImageResult(probability, draw(st.floats(-20, 20)), classes, threshold, {"malignant": malignant, "benign": benign})


SEVERAL = st.lists(results(), min_size=1, max_size=5)


def result(probability: float, threshold: float = 0.3, malignant: float = 0.2, benign: float = 0.6) -> ImageResult:
    classes = (probability, (1 - probability) / 2, 0.0, (1 - probability) / 2)
    return ImageResult(probability, 0.0, classes, threshold, {"malignant": malignant, "benign": benign})


def log_odds(value: float) -> float:
    return math.log(value / (1 - value))


def single_set(one: ImageResult) -> tuple[str, ...]:
    sides = {"benign": 1 - one.probability, "malignant": one.probability}
    return tuple(side for side, value in sides.items() if value >= one.set_limits[side]) or tuple(sides)


def test_combine_is_the_mean_of_the_log_odds() -> None:
    combined = combine([result(0.2), result(0.7), result(0.9)], MALIGNANT)
    # The cube root of the product of the odds: 1/4 x 7/3 x 9.
    odds = (0.25 * 7 / 3 * 9) ** (1 / 3)
    assert combined.probability == pytest.approx(odds / (1 + odds), abs=1e-7)
    assert combined.threshold == 0.3
    assert (combined.above, combined.prediction_set, combined.agreement) == (True, ("malignant",), "disagree")


def test_combine_compares_each_image_with_its_own_threshold() -> None:
    """One image is 1 above its threshold in log-odds, the other 1.5 below; the mean of the margins decides."""
    thresholds = (0.2, 0.6)
    above = result(1 / (1 + math.exp(-(log_odds(0.2) + 1))), thresholds[0])
    below = result(1 / (1 + math.exp(-(log_odds(0.6) - 1.5))), thresholds[1], benign=0.3)
    combined = combine([above, below], MALIGNANT)
    assert not combined.above
    assert combined.threshold == pytest.approx(1 / (1 + math.exp(-(log_odds(0.2) + log_odds(0.6)) / 2)), abs=1e-7)
    assert log_odds(combined.probability) - log_odds(combined.threshold) == pytest.approx(-0.25, abs=1e-5)


@bounded
@given(st.one_of(results(), results(consistent=False)), st.integers(1, 5))
def test_combine_of_one_image_repeated_is_its_own_result(one: ImageResult, times: int) -> None:
    combined = combine([one] * times, MALIGNANT)
    assert (combined.probability, combined.logit, combined.threshold) == (one.probability, one.logit, one.threshold)
    assert combined.above == one.above
    assert combined.prediction_set == single_set(one)
    assert combined.classes == pytest.approx(one.classes, rel=1e-6, abs=1e-37)
    assert combined.agreement == (None if times == 1 else "agree")


@bounded
@given(SEVERAL, st.randoms(use_true_random=False))
def test_combine_does_not_depend_on_the_order(several: list[ImageResult], random: object) -> None:
    shuffled = list(several)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own generator
    assert combine(shuffled, MALIGNANT) == combine(several, MALIGNANT)


@bounded
@given(SEVERAL)
def test_combine_stays_between_the_images(several: list[ImageResult]) -> None:
    combined = combine(several, MALIGNANT)
    for name in ("probability", "threshold", "logit"):
        values = [getattr(one, name) for one in several]
        slack = 1e-5 if name == "logit" else 0
        assert min(values) - slack <= getattr(combined, name) <= max(values) + slack
    assert combined.above == (combined.probability >= combined.threshold)


@bounded
@given(SEVERAL)
def test_combined_classes_sum_to_the_combined_probability(several: list[ImageResult]) -> None:
    combined = combine(several, MALIGNANT)
    sides = {side: sum(p for p, kind in zip(combined.classes, MALIGNANT, strict=True) if kind == side) for side in (0, 1)}
    assert sides[1] == pytest.approx(combined.probability, abs=1e-6)
    assert sides[0] == pytest.approx(1 - combined.probability, abs=1e-6)
    assert all(0 <= probability <= 1 for probability in combined.classes)


@bounded
@given(SEVERAL)
def test_combined_set_never_contradicts_the_decision(several: list[ImageResult]) -> None:
    """As for a single image, where the model file's limits do not contradict its threshold."""
    combined = combine(several, MALIGNANT)
    assert ("malignant" if combined.above else "benign") in combined.prediction_set


def test_combined_set_holds_benign_just_below_the_threshold() -> None:
    """The pooled limit of benign, rounded, is above 1 - threshold here; the next smaller float32 must still be benign."""
    probability = 0.09723086
    images = [result(probability, 0.038, malignant=0.02, benign=0.962), result(probability, 0.227, 0.1, 0.773)]
    combined = combine(images, MALIGNANT)
    assert pool([0.962, 0.773]) > 1 - probability and probability < combined.threshold < probability + 2e-8
    assert not combined.above and "benign" in combined.prediction_set


def test_combine_counts_the_threshold_as_above() -> None:
    assert combine([result(0.3), result(0.3)], MALIGNANT).above
    assert not combine([result(0.3), result(0.29999998)], MALIGNANT).above


@bounded
@given(st.lists(results(consistent=False), min_size=2, max_size=5))
def test_combine_agrees_with_agreeing_images(several: list[ImageResult]) -> None:
    """The combined decision is that of the images where all of them are on one side with a margin above rounding."""
    combined = combine(several, MALIGNANT)
    sides = {one.above for one in several}
    assert combined.agreement == ("agree" if len(sides) == 1 else "disagree")
    clear = all(abs(one.probability - one.threshold) > 1e-5 for one in several)
    if combined.agreement == "agree" and clear:
        assert combined.above == sides.pop()


@bounded
@given(st.lists(PROBABILITY, min_size=1, max_size=5), st.integers(0, 4), PROBABILITY)
def test_pool_never_falls_when_one_image_rises(values: list[float], index: int, other: float) -> None:
    changed = list(values)
    changed[index % len(values)] = max(other, values[index % len(values)])
    assert pool(changed) >= pool(values)


@bounded
@given(st.lists(PROBABILITY, min_size=1, max_size=5))
def test_pool_treats_both_sides_alike(values: list[float]) -> None:
    assert pool([1 - value for value in values]) == pytest.approx(1 - pool(values), abs=2e-6)


@pytest.mark.parametrize(("values", "expected"), [([0.0, 1.0], 0.5), ([0.0, 0.0], 0.0), ([1.0, 1.0], 1.0)])
def test_pool_has_finite_log_odds_at_the_ends(values: list[float], expected: float) -> None:
    assert pool(values) == pytest.approx(expected, abs=1e-7)


def test_pool_classes_is_the_geometric_mean_within_a_side() -> None:
    first, second = (0.4, 0.4, 0.1, 0.1), (0.1, 0.1, 0.4, 0.4)
    assert pool_classes([first, second], MALIGNANT, 0.5) == (0.25, 0.25, 0.25, 0.25)
    # 0.2 and 0.1 of 0.3 in the mean, scaled to 0.6.
    pooled = pool_classes([(0.2, 0.7, 0.1, 0.0), (0.2, 0.7, 0.1, 1e-12)], MALIGNANT, 0.6)
    assert pooled[:3:2] == pytest.approx((0.4, 0.2), abs=1e-6)
    assert pooled[1] == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(
    ("above", "expected"),
    [([], None), ([True], None), ([True, True], "agree"), ([False] * 3, "agree"), ([True, False], "disagree")],
)
def test_agreement_needs_two_images(above: Sequence[bool], expected: str | None) -> None:
    assert agreement_of(above) == expected
