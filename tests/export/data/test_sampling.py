"""Sampling weights of training images."""

from pathlib import Path

import pytest

from export.data.labels import LabelledImage
from export.data.sampling import sampling_weights


def images(count: int, dataset: str, diagnosis: str, *, malignant: bool) -> list[LabelledImage]:
    return [LabelledImage(str(i), Path(), malignant, diagnosis, dataset, str(i), "train") for i in range(count)]


ROWS = [
    *images(900, "wide", "nevus", malignant=False),
    *images(100, "wide", "melanoma", malignant=True),
    *images(20, "narrow", "nevus", malignant=False),
    *images(180, "narrow", "melanoma", malignant=True),
]


def share(dataset: str, *, balance_datasets: bool) -> float:
    """Return the share of malignant images among those drawn from one data set."""
    weights = sampling_weights(ROWS, balance_datasets=balance_datasets).tolist()
    own = [(row.malignant, weight) for row, weight in zip(ROWS, weights, strict=True) if row.dataset == dataset]
    found: float = sum(weight for malignant, weight in own if malignant) / sum(weight for _, weight in own)
    return found


def test_sampling_weights_of_a_class_fall_with_the_square_root() -> None:
    weights = sampling_weights(ROWS, balance_datasets=False)
    assert weights[900] / weights[0] == pytest.approx((920 / 280) ** 0.5)


def test_sampling_weights_bring_data_sets_closer_together() -> None:
    plain = {name: share(name, balance_datasets=False) for name in ("wide", "narrow")}
    balanced = {name: share(name, balance_datasets=True) for name in ("wide", "narrow")}
    assert plain["wide"] < balanced["wide"] < balanced["narrow"] < plain["narrow"]
    assert balanced["narrow"] - balanced["wide"] < 0.7 * (plain["narrow"] - plain["wide"])


def test_sampling_weights_of_a_one_sided_data_set_stay() -> None:
    alone = images(10, "one-sided", "melanoma", malignant=True)
    both = sampling_weights([*ROWS, *alone], balance_datasets=True)
    assert (both[-10:] == sampling_weights([*ROWS, *alone], balance_datasets=False)[-10:]).all()
