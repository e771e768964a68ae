"""Degradation of a whole batch of images, on whatever device the batch is.

A GPU trains on several thousand images a second, and Pillow degrades a few hundred on one core. `degrade` draws from the
distributions of `export.data.augment.degrade`; sizes and filters are shared by `ALIKE` neighbours of a batch, because a
tensor has one shape. All functions accept and return images (N, 3, S, S), float 0..1.
"""

import torch
from torch import nn

from export.data.jpeg_batch import compress_as_jpeg
from export.data.random_draws import RandomDraws

ALIKE = 8
"""Neighbours of a batch that are scaled to the same size."""

_FILTERS = ("area", "bilinear", "bicubic")


def degrade(images: torch.Tensor, draws: RandomDraws, share: float = 0.75) -> torch.Tensor:
    """Apply a random chain of scaling, blur or sharpening, noise and JPEG compression to a share of images, 0 to 1."""
    degraded = torch.cat([_degrade_alike(part, draws) for part in images.split(ALIKE)])
    return torch.where(draws.booleans(share, len(images)), degraded, images)


def _degrade_alike(images: torch.Tensor, draws: RandomDraws) -> torch.Tensor:
    count, side, size = len(images), images.shape[-1], tuple(images.shape[-2:])
    if draws.number() < 0.5:
        width = max(round(side * draws.number(0.35, 1.0)), 32)
        height = width if draws.number() < 0.7 else max(round(width * draws.number(0.7, 1.4)), 32)
        images = _resize(images, (height, width), draws)
    images = blur_or_sharpen(images, draws)
    noise = torch.randn(images.shape, generator=draws.generator, device=images.device)
    noisy = (images + noise * draws.uniform(2.0, 8.0, count, 1, 1, 1) / 255).clamp(0, 1)
    images = torch.where(draws.booleans(0.1, count), noisy, images)
    compressed, small = draws.booleans(0.8, count), draws.number() < 0.6
    if not small and images.shape[-2:] != size:
        images = _resize(images, size, draws)
    quality, subsampled = draws.uniform(30, 96, count).floor(), draws.uniform(0, 1, count) < 0.5
    images = torch.where(compressed, compress_as_jpeg(images, quality, subsampled), images)
    return images if images.shape[-2:] == size else _resize(images, size, draws)


def _resize(images: torch.Tensor, size: tuple[int, ...], draws: RandomDraws) -> torch.Tensor:
    """Resize with a random filter; the overshoot of bicubic is cut off."""
    mode = _FILTERS[int(draws.number(0, len(_FILTERS)))]
    antialias = {} if mode == "area" else {"antialias": True, "align_corners": False}
    return nn.functional.interpolate(images, size, mode=mode, **antialias).clamp(0, 1)


def blur_or_sharpen(images: torch.Tensor, draws: RandomDraws) -> torch.Tensor:
    """Blur 15 % of images with a Gaussian of 0.3 to 1.5 pixels; sharpen 20 % by an unsharp mask of 0.5 to 2 pixels."""
    count = len(images)
    kind = draws.uniform(0, 1, count)
    sigma = torch.where(kind < 0.15, draws.uniform(0.3, 1.5, count), draws.uniform(0.5, 2.0, count))
    blurred, kind = gaussian_blur(images, sigma), kind[:, None, None, None]
    sharpened = (images + draws.uniform(0.3, 1.8, count, 1, 1, 1) * (images - blurred)).clamp(0, 1)
    return torch.where(kind < 0.15, blurred, torch.where(kind < 0.35, sharpened, images))


def gaussian_blur(images: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur each image (N, C, H, W) with a Gaussian of its own `sigma` (N,), in pixels, at most 2."""
    count, channels, height, width = images.shape
    offsets = torch.arange(-6, 7, device=images.device)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)  # (N * C, 13)
    stacked = images.reshape(1, count * channels, height, width)
    padded = nn.functional.pad(stacked, (6, 6, 6, 6), mode="reflect")
    across = nn.functional.conv2d(padded, kernel[:, None, None, :], groups=count * channels)
    down = nn.functional.conv2d(across, kernel[:, None, :, None], groups=count * channels)
    return down.reshape(images.shape)
