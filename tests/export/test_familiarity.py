"""The statistics of the training images: probabilistic PCA, whatever the number of images."""

import numpy as np
import pytest

from export.familiarity import COMPONENTS, principal


def distance(features: np.ndarray, images: int) -> np.ndarray:
    """The graph's formula, for features (N, M)."""
    found = principal(features[:images])
    standard = (features - found.mean) / found.std
    inside = standard @ found.components
    squared = ((inside / found.component_std) ** 2).sum(1)
    squared += ((standard**2).sum(1) - (inside**2).sum(1)) / found.outside_variance
    return np.asarray(np.sqrt(squared / features.shape[1]))


def test_images_of_the_training_distribution_lie_at_a_distance_of_about_one() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(20, 60))
    features = rng.normal(size=(4000, 20)) @ mixing + rng.normal(size=(4000, 60))
    assert principal(features).components.shape == (60, COMPONENTS)
    assert (distance(features, 2000)[2000:] ** 2).mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("images", [4, 12, 40])
def test_few_images_give_finite_numbers_and_the_strange_is_farther(images: int) -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate((rng.normal(size=(images, 60)), rng.normal(size=(5, 60)) + 8))
    found = distance(features, images)
    assert np.isfinite(found).all()
    assert found[images:].min() > found[:images].max()
