"""Fit and distance of the OOD statistics, for any number of images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.data.labels import LabelledImage
from export.evaluation.leave_dataset_out import refusals_per_dataset
from export.evaluation.ood import extract_features_by_type, fit_ood_statistics, ood_distances, sample_per_dataset


def test_ood_distances_average_one_in_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(20, 60))
    features = rng.normal(size=(4000, 20)) @ mixing + rng.normal(size=(4000, 60))
    monkeypatch.setattr("export.evaluation.ood.COMPONENTS", 32)
    statistics = fit_ood_statistics(features[:2000])
    assert statistics.components.shape == (60, 32)
    assert (ood_distances(statistics, features[2000:]) ** 2).mean() == pytest.approx(1, abs=0.05)


def test_sample_per_dataset_limits_each_data_set(rows: list[LabelledImage]) -> None:
    sets = [replace(row, dataset="small" if index % 6 == 0 else "large") for index, row in enumerate(rows)]
    sampled = sample_per_dataset(sets, each=8)
    assert {name: sum(row.dataset == name for row in sampled) for name in ("small", "large")} == {"small": 6, "large": 8}
    assert len({(row.dataset, row.path) for row in sampled}) == 14
    # The sample of a data set does not depend on the other data sets.
    large = [row for row in sampled if row.dataset == "large"]
    assert sample_per_dataset([row for row in sets if row.dataset == "large"], each=8) == large


@pytest.mark.parametrize("images", [4, 12, 40])
def test_ood_distances_separate_outliers_with_few_images(images: int) -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate((rng.normal(size=(images, 60)), rng.normal(size=(5, 60)) + 8))
    distances = ood_distances(fit_ood_statistics(features[:images]), features)
    assert np.isfinite(distances).all()
    assert distances[images:].min() > distances[:images].max()


def test_features_of_the_fit_include_images_that_are_drawn_on(
    converted_types: Path, typed_rows: list[LabelledImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.evaluation.ood.DRAWN_ON_EVERY", 3)
    train = [row for row in typed_rows if row.split == "train"]
    for image_type, typed in extract_features_by_type(onnx.load(converted_types), train).items():
        plain = sample_per_dataset([row for row in train if row.image_type == image_type])
        assert typed.rows == plain + plain[::3]
        assert len(typed.middle) == len(typed.features) == len(typed.rows)
        drawn = typed.middle[len(plain) :]
        changed = np.abs(drawn - typed.middle[: len(plain) : 3]).max(1)
        # `occlude` leaves some images as they are.
        assert (changed > 1e-3).mean() > 0.5


def test_refusals_per_dataset_excludes_the_own_data_set(
    converted: Path, rows: list[LabelledImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.evaluation.leave_dataset_out.MIN_IMAGES", 4)
    monkeypatch.setattr("export.evaluation.ood.DRAWN_ON_EVERY", 1)
    cameras = [replace(row, dataset="rare" if index % 4 == 0 else "common") for index, row in enumerate(rows)]
    fitted: list[int] = []

    def counting(features: np.ndarray) -> object:
        fitted.append(len(features))
        return fit_ood_statistics(features)

    monkeypatch.setattr("export.evaluation.leave_dataset_out.fit_ood_statistics", counting)
    figures = refusals_per_dataset(onnx.load(converted), cameras)
    # Without the common one, too few images are left to fit on.
    assert list(figures) == ["rare"]
    own = [row for row in cameras if row.dataset == "rare"]
    assert figures["rare"]["all"]["n"] == len(own)
    assert figures["rare"]["unseen"]["n"] == sum(row.split != "train" for row in own)
    assert all(0 <= part["refused"]["value"] <= 1 for part in figures["rare"].values())
    # Every image of the others, and the same with hairs.
    assert fitted == [2 * sum(row.dataset == "common" and row.split == "train" for row in cameras)]


def test_refusals_per_dataset_are_fitted_by_type(
    converted_types: Path, typed_rows: list[LabelledImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics of a data set with both types are fitted to the images of each type without it."""
    monkeypatch.setattr("export.evaluation.leave_dataset_out.MIN_IMAGES", 4)
    monkeypatch.setattr("export.evaluation.ood.DRAWN_ON_EVERY", 1)
    lesions = sorted({row.group for row in typed_rows})
    rare = set(lesions[::4])
    cameras = [replace(row, dataset="rare" if row.group in rare else "common") for row in typed_rows]
    fitted: list[int] = []

    def counting(features: np.ndarray) -> object:
        fitted.append(len(features))
        return fit_ood_statistics(features)

    monkeypatch.setattr("export.evaluation.leave_dataset_out.fit_ood_statistics", counting)
    figures = refusals_per_dataset(onnx.load(converted_types), cameras)
    assert list(figures) == ["rare"]
    assert figures["rare"]["all"]["n"] == sum(row.dataset == "rare" for row in cameras)
    kept = [row for row in cameras if (row.dataset, row.split) == ("common", "train")]
    assert fitted == [len(kept)] * 2
    # A type that one data set has alone cannot be fitted without it.
    alone = [replace(row, dataset=row.image_type) for row in typed_rows]
    assert refusals_per_dataset(onnx.load(converted_types), alone) == {}
