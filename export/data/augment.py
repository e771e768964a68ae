"""Augmentation of training images.

`occlude` and `degrade` change one stored image: artefacts on the skin, and what other software does to a file, which is
scaling, sharpening and compression. `random_crops`, `sample_crops` and `jitter_colour` change a whole batch.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from lesion.imaging.decode import Pixels
from PIL import Image, ImageFilter

from export.data.corruptions import draw_hairs, draw_ink, draw_ruler

_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)

CROP_SCALE = (0.65, 1.1)
"""Least and greatest side of a crop, relative to the image's side."""


def occlude(pixels: Pixels, rng: np.random.Generator, share: float = 1 / 3) -> Pixels:
    """Draw hairs, more seldom a ruler or ink, on a share of images.

    Args:
        pixels: uint8 (H, W, 3).
        rng: source of every random draw.
        share: of images that are drawn on, 0 to 1.

    Returns:
        uint8 (H, W, 3); `pixels` itself where nothing is drawn.
    """
    if rng.random() < 0.75 * share:
        darkest = int(rng.integers(5, 110))
        pixels = draw_hairs(
            pixels,
            rng,
            hairs=int(rng.integers(1, 25)),
            thickness=rng.uniform(0.002, 0.012),
            shades=(darkest, darkest + 50),
        )
    if rng.random() < 0.18 * share:
        pixels = draw_ruler(pixels, rng)
    if rng.random() < 0.18 * share:
        pixels = draw_ink(pixels, rng)
    return pixels


def degrade(pixels: Pixels, rng: np.random.Generator, share: float = 0.75) -> Pixels:
    """Apply a random chain of scaling, blur or sharpening, noise and JPEG compression to a share of images.

    Compression comes before or after the image is scaled up again: a small copy has coarser blocks than a large one.

    Args:
        pixels: uint8 (H, W, 3).
        rng: source of every random draw.
        share: of images that are degraded, 0 to 1.

    Returns:
        uint8 (H, W, 3); `pixels` itself where nothing is changed.
    """
    if rng.random() >= share:
        return pixels
    image = Image.fromarray(pixels)
    size = image.size
    if rng.random() < 0.5:
        width = max(round(size[0] * rng.uniform(0.35, 1.0)), 32)
        height = width if rng.random() < 0.7 else max(round(width * rng.uniform(0.7, 1.4)), 32)
        image = image.resize((width, height), _draw_filter(rng))
    kind = rng.random()
    if kind < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    elif kind < 0.35:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.5, 2.0), int(rng.integers(30, 180)), 0))
    if rng.random() < 0.1:
        noise = rng.normal(0.0, rng.uniform(2.0, 8.0), (image.height, image.width, 3))
        image = Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
    compressed, small = rng.random() < 0.8, rng.random() < 0.6
    if compressed and small:
        image = _jpeg(image, rng)
    if image.size != size:
        image = image.resize(size, _draw_filter(rng))
    if compressed and not small:
        image = _jpeg(image, rng)
    return np.asarray(image.convert("RGB"))


def _draw_filter(rng: np.random.Generator) -> Image.Resampling:
    return _FILTERS[int(rng.integers(len(_FILTERS)))]


def _jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(30, 96)), subsampling=int(rng.choice((0, 2))))
    return Image.open(buffer)


@dataclass(frozen=True)
class Crops:
    """Random squares of N images, as affine maps (N, 2, 3) for `torch.nn.functional.affine_grid`.

    Attributes:
        stretched: with a random aspect ratio, for the network that is trained.
        plain: of the same place and size, in the image's own aspect ratio, for teachers.
    """

    stretched: torch.Tensor
    plain: torch.Tensor


def random_crops(
    count: int, generator: torch.Generator, squashed: float = 0.2, scale: tuple[float, float] = CROP_SCALE
) -> Crops:
    """Return `count` squares of random rotation, reflection, size, aspect ratio and place, on the generator's device.

    The centre is at most 0.1 of the image's side away from the image's centre. The aspect ratio is 0.85 to 1.18; in a share
    `squashed` it is 5:4 to 3:2, as of a whole frame that was resized to a square.

    Args:
        count: number of squares.
        generator: source of every random draw.
        squashed: share of squares, 0 to 1.
        scale: least and greatest side, relative to the image's side.
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, generator=generator, device=generator.device) * (high - low) + low

    angle, side = uniform(-torch.pi, torch.pi), uniform(*scale)
    aspect = torch.where(uniform(0, 1) < squashed, uniform(0.2, 0.42), uniform(0, 0.16))
    aspect = torch.where(uniform(0, 1) < 0.5, aspect, -aspect)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    across_from, down_from = uniform(-0.1, 0.1), uniform(-0.1, 0.1)
    cos, sin = torch.cos(angle), torch.sin(angle)

    def affine_maps(stretch: torch.Tensor) -> torch.Tensor:
        across, down = side * stretch, side / stretch
        first = torch.stack((cos * across * flip, -sin * down, across_from), 1)
        return torch.stack((first, torch.stack((sin * across * flip, cos * down, down_from), 1)), 1)

    return Crops(affine_maps(torch.exp(aspect / 2)), affine_maps(torch.ones_like(aspect)))


def sample_crops(images: torch.Tensor, maps: torch.Tensor, size: int) -> torch.Tensor:
    """Sample crops in one interpolation; the image is mirrored beyond its border.

    Args:
        images: float (N, C, H, W).
        maps: affine maps (N, 2, 3) of `Crops`.
        size: side of the crops in pixels.

    Returns:
        float (N, C, size, size).
    """
    count, channels = images.shape[:2]
    # Bilinear sampling aliases when it reduces; sampling twice as densely and averaging does not.
    dense = 2 if images.shape[-1] > 1.5 * size else 1
    grid = torch.nn.functional.affine_grid(maps, [count, channels, size * dense, size * dense], align_corners=False)
    warped = torch.nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return torch.nn.functional.avg_pool2d(warped, dense) if dense > 1 else warped


def jitter_colour(images: torch.Tensor, generator: torch.Generator, *, cutout: bool = True) -> torch.Tensor:
    """Change brightness, contrast, saturation, gamma and illuminant at random, then cover a grey square in 30 % of images.

    The illuminant scales each channel by up to 15 %: white balance is the largest difference between cameras.

    Args:
        images: float (N, 3, S, S), 0..1.
        generator: source of every random draw, on the device of the images.
        cutout: whether to cover squares (Cutout, DeVries & Taylor 2017).

    Returns:
        float (N, 3, S, S), 0..1.
    """
    count, _, _, side = images.shape

    def uniform(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.rand(count, channels, 1, 1, generator=generator, device=generator.device) * (high - low) + low

    images = images.clamp(1e-4, 1.0) ** torch.exp(uniform(-0.2, 0.2))
    images = images * uniform(0.8, 1.2) * uniform(0.85, 1.15, channels=3)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * uniform(0.8, 1.2) + mean
    grey = images.mean(1, keepdim=True)
    images = ((images - grey) * uniform(0.75, 1.25) + grey).clamp(0.0, 1.0)
    if not cutout:
        return images
    middle, half = uniform(0, side, channels=2), uniform(0.05, 0.18) * side
    axis = torch.arange(side, device=images.device).view(1, 1, side)
    inside = ((axis - middle[:, :1, 0]).abs() < half[:, 0])[:, :, :, None] & ((axis - middle[:, 1:, 0]).abs() < half[:, 0])[
        :, :, None, :
    ]
    return torch.where(inside & (uniform(0, 1) < 0.3), 0.5, images)
