"""Sampling weights of training images."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from export.data.labels import LabelledImage
from export.data.sampling import sampling_weights, source_balanced_weights


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


def probability(rows: list[LabelledImage], chosen: Callable[[LabelledImage], bool]) -> float:
    """Return the probability that one draw is one of the chosen images."""
    chosen_rows = torch.tensor([chosen(row) for row in rows])
    return float(source_balanced_weights(rows)[chosen_rows].sum())


SOURCES = [
    *images(3000, "HAM10000", "nevus", malignant=False),
    *images(300, "HAM10000", "benign_keratosis", malignant=False),
    *images(600, "HAM10000", "melanoma", malignant=True),
    *images(500, "MILK10k", "nevus", malignant=False),
    *images(800, "MILK10k", "basal_cell_carcinoma", malignant=True),
    *images(60, "MILK10k", "melanoma", malignant=True),
]


def test_source_balanced_weights_hide_the_label() -> None:
    """Every source has the same malignant share, and a source of n images weighs n ** 0.6."""
    shares, of_malignant = {}, {}
    # mypy infers no type for a lambda with a default, which binds the name of this turn of the loop.
    for name in ("HAM10000", "MILK10k"):
        shares[name] = probability(SOURCES, lambda row, name=name: row.dataset == name)  # type: ignore[misc]
        of_malignant[name] = probability(SOURCES, lambda row, name=name: row.dataset == name and row.malignant)  # type: ignore[misc]
    assert shares["HAM10000"] + shares["MILK10k"] == pytest.approx(1)
    assert shares["HAM10000"] / shares["MILK10k"] == pytest.approx((3900 / 1360) ** 0.6)
    assert all(of_malignant[name] / share == pytest.approx(0.4) for name, share in shares.items())


def test_source_balanced_weights_draw_rare_classes_more() -> None:
    weights = source_balanced_weights(SOURCES)
    assert weights[3000] / weights[0] == pytest.approx(10**0.5)


def test_source_balanced_weights_keep_image_types_apart() -> None:
    """One data set is two sources where it has images of both types."""
    clinical = [replace(row, image_type="clinical") for row in SOURCES]
    weights = source_balanced_weights([*SOURCES, *clinical])
    torch.testing.assert_close(weights, torch.cat([source_balanced_weights(SOURCES) / 2] * 2))


def test_source_balanced_weights_limit_repetition() -> None:
    """A small source and a rare class are drawn at most four times as often, and the malignant share stays."""
    small = [
        *images(25, "small", "nevus", malignant=False),
        *images(1, "small", "dermatofibroma", malignant=False),
        *images(200, "small", "melanoma", malignant=True),
        *images(5, "one-sided", "nevus", malignant=False),
    ]
    rows = [*SOURCES, *small]
    weights = source_balanced_weights(rows) * len(rows)
    assert weights.sum() == pytest.approx(len(rows))
    assert weights.max() <= 4 + 1e-9 and weights[-5:].tolist() == pytest.approx([4] * 5)
    own = probability(rows, lambda row: row.dataset == "small")
    assert probability(rows, lambda row: row.dataset == "small" and row.malignant) / own == pytest.approx(0.4)
    unlimited = source_balanced_weights(rows, most=1e9) * len(rows)
    assert unlimited.max() > 10
