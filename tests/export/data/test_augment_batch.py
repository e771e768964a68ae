"""Artefacts on the skin and degradation of a whole batch of images at once."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from export.data.augment_batch import ALIKE, degrade, gaussian_blur
from export.data.corruptions import CORRUPTIONS
from export.data.jpeg_batch import compress_as_jpeg
from export.data.occlude_batch import draw_hairs, draw_ink, draw_ruler, occlude
from export.data.random_draws import RandomDraws
from export.data.transforms import load_square
from tests.support.paths import SAMPLES


def draws(seed: int = 1) -> RandomDraws:
    generator = torch.Generator().manual_seed(seed)
    return RandomDraws(generator, generator)


@pytest.fixture(scope="module")
def square() -> torch.Tensor:
    """Return one image, uint8 (3, 256, 256)."""
    return load_square(SAMPLES / "ISIC_0000026.jpg", 256)


@pytest.fixture(scope="module")
def images(square: torch.Tensor) -> torch.Tensor:
    """Return a batch of one image, float (24, 3, 256, 256), 0..1."""
    return (square[None].float() / 255).repeat(24, 1, 1, 1)


@pytest.mark.parametrize(("quality", "subsampled"), [("90", True), ("75", True), ("50", True), ("30", True), ("75", False)])
def test_compress_as_jpeg_agrees_with_pillow(square: torch.Tensor, quality: str, subsampled: bool) -> None:
    """The mean difference is about half a grey level and a small part of what the compression changes."""
    strength = quality if subsampled else f"{quality}, 4:4:4"
    pixels = square.permute(1, 2, 0).numpy()
    expected = CORRUPTIONS["JPEG quality"][strength](pixels, np.random.default_rng(1)).astype(np.float32)
    [found] = compress_as_jpeg(square[None].float() / 255, torch.tensor([float(quality)]), torch.tensor([subsampled]))
    difference = np.abs(found.permute(1, 2, 0).numpy() * 255 - expected).mean()
    assert difference < 0.6 and difference < 0.4 * np.abs(expected - pixels).mean()


def test_compress_as_jpeg_accepts_any_size() -> None:
    images = torch.rand(3, 3, 50, 37)
    found = compress_as_jpeg(images, torch.tensor([30.0, 60.0, 95.0]), torch.tensor([True, False, True]))
    assert found.shape == images.shape


def test_gaussian_blur_has_a_sigma_for_each_image() -> None:
    """The variance of a blurred point is sigma squared, and no light is lost."""
    point = torch.zeros(2, 1, 31, 31)
    point[:, :, 15, 15] = 1
    blurred = gaussian_blur(point, torch.tensor([0.8, 2.0]))[:, 0]
    place = torch.arange(31.0) - 15
    variance = (blurred.sum(1) * place**2).sum(1)
    torch.testing.assert_close(blurred.sum((1, 2)), torch.ones(2))
    torch.testing.assert_close(variance, torch.tensor([0.64, 4.0]), rtol=0.03, atol=0)


def test_degrade_changes_its_share(images: torch.Tensor) -> None:
    assert torch.equal(degrade(images, draws(), 0.0), images)
    found = degrade(images, draws(), 0.5)
    assert found.shape == images.shape and found.min() >= 0 and found.max() <= 1
    assert 4 <= (found != images).flatten(1).any(1).sum() <= 20
    assert (found - images).abs().mean() < 0.1


def test_occlude_draws_on_its_share(images: torch.Tensor) -> None:
    assert torch.equal(occlude(images, draws(), 0.0), images)
    assert 2 <= (occlude(images, draws(), 1 / 3) != images).flatten(1).any(1).sum() <= 16


@pytest.mark.parametrize(
    ("draw", "least", "most"), [(draw_hairs, 0.001, 0.35), (draw_ruler, 0.005, 0.02), (draw_ink, 0.005, 0.03)]
)
def test_drawings_cover_a_small_part(
    images: torch.Tensor, draw: Callable[[torch.Tensor, RandomDraws], torch.Tensor], least: float, most: float
) -> None:
    covered = (draw(images, draws()) != images).any(1).float().mean((1, 2))
    assert (covered > 0).all() and least < covered.mean() < most
    assert len({round(float(share), 6) for share in covered}) > 1 or draw is draw_ruler


def test_one_seed_draws_the_same_images(images: torch.Tensor) -> None:
    one, other, another = (degrade(occlude(images, draws(seed)), draws(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, other) and not torch.equal(one, another)
    assert len(images) > ALIKE
