"""The statistics of the training images: probabilistic PCA, whatever the number of images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.commands.leave_dataset_out import left_out
from export.data.labels import LabelledImage
from export.evaluation.ood import fit_ood_statistics, ood_distances, sample_per_dataset


def test_images_of_the_training_distribution_lie_at_a_distance_of_about_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(20, 60))
    features = rng.normal(size=(4000, 20)) @ mixing + rng.normal(size=(4000, 60))
    monkeypatch.setattr("export.evaluation.ood.COMPONENTS", 32)
    found = fit_ood_statistics(features[:2000])
    assert found.components.shape == (60, 32)
    assert (ood_distances(found, features[2000:]) ** 2).mean() == pytest.approx(1, abs=0.05)


def test_no_data_set_is_all_that_is_familiar(rows: list[LabelledImage]) -> None:
    sets = [replace(row, dataset="small" if index % 6 == 0 else "large") for index, row in enumerate(rows)]
    found = sample_per_dataset(sets, each=8)
    assert {name: sum(row.dataset == name for row in found) for name in ("small", "large")} == {"small": 6, "large": 8}
    assert len({(row.dataset, row.path) for row in found}) == 14
    # Leaving one out changes nothing in what is drawn of the others.
    large = [row for row in found if row.dataset == "large"]
    assert sample_per_dataset([row for row in sets if row.dataset == "large"], each=8) == large


@pytest.mark.parametrize("images", [4, 12, 40])
def test_few_images_give_finite_numbers_and_the_strange_is_farther(images: int) -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate((rng.normal(size=(images, 60)), rng.normal(size=(5, 60)) + 8))
    found = ood_distances(fit_ood_statistics(features[:images]), features)
    assert np.isfinite(found).all()
    assert found[images:].min() > found[:images].max()


def test_a_camera_is_left_out_of_the_fit_that_judges_it(
    converted: Path, rows: list[LabelledImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.commands.leave_dataset_out.FEWEST", 4)
    cameras = [replace(row, dataset="rare" if index % 4 == 0 else "common") for index, row in enumerate(rows)]
    fitted: list[int] = []

    def counting(features: np.ndarray) -> object:
        fitted.append(len(features))
        return fit_ood_statistics(features)

    monkeypatch.setattr("export.commands.leave_dataset_out.fit_ood_statistics", counting)
    found = left_out(onnx.load(converted), cameras)
    # Without the common one too little is left to fit on.
    assert list(found) == ["rare"]
    own = [row for row in cameras if row.dataset == "rare"]
    assert found["rare"]["all"]["n"] == len(own)
    assert found["rare"]["unseen"]["n"] == sum(row.split != "train" for row in own)
    assert all(0 <= part["refused"]["value"] <= 1 for part in found["rare"].values())
    assert fitted == [sum(row.dataset == "common" and row.split == "train" for row in cameras)]
