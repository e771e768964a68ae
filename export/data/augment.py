"""What training does to an image before the network sees it.

`occlude` and `degrade` work on one stored image: what lies on the skin, and what happens to a photograph on its way to
us, which is other software's scaling, sharpening and compression. `random_crops`, `sample_crops` and `jitter_colour` work on a whole
batch: place, size, aspect, colour.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from lesion.imaging.decode import Pixels
from PIL import Image, ImageFilter

from export.data.corruptions import hair, ink, ruler

_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def occlude(pixels: Pixels, rng: np.random.Generator, share: float = 1 / 3) -> Pixels:
    """Draw on about that share of images, uint8 H x W x 3: mostly hairs, seldom a ruler or ink."""
    if rng.random() < 0.75 * share:
        darkest = int(rng.integers(5, 110))
        pixels = hair(
            pixels,
            rng,
            hairs=int(rng.integers(1, 25)),
            thickness=rng.uniform(0.002, 0.012),
            shades=(darkest, darkest + 50),
        )
    if rng.random() < 0.18 * share:
        pixels = ruler(pixels, rng)
    if rng.random() < 0.18 * share:
        pixels = ink(pixels, rng)
    return pixels


def degrade(pixels: Pixels, rng: np.random.Generator, share: float = 0.75) -> Pixels:
    """Pass that share of images, uint8 H x W x 3, through a random chain of scaling, blur or sharpening, noise and JPEG.

    Compression comes before or after the picture is scaled up again: a small copy has coarser blocks than a large one.
    """
    if rng.random() >= share:
        return pixels
    image = Image.fromarray(pixels)
    size = image.size
    if rng.random() < 0.5:
        width = max(round(size[0] * rng.uniform(0.35, 1.0)), 32)
        height = width if rng.random() < 0.7 else max(round(width * rng.uniform(0.7, 1.4)), 32)
        image = image.resize((width, height), _any_filter(rng))
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
        image = image.resize(size, _any_filter(rng))
    if compressed and not small:
        image = _jpeg(image, rng)
    return np.asarray(image.convert("RGB"))


def _any_filter(rng: np.random.Generator) -> Image.Resampling:
    return _FILTERS[int(rng.integers(len(_FILTERS)))]


def _jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(30, 96)), subsampling=int(rng.choice((0, 2))))
    return Image.open(buffer)


@dataclass(frozen=True)
class Crops:
    """Where N squares are cut out of pictures: affine maps (N, 2, 3) as `torch.nn.functional.affine_grid` takes them.

    Attributes:
        stretched: as the learner sees them.
        plain: of the same place and size, in the picture's own aspect.
    """

    stretched: torch.Tensor
    plain: torch.Tensor


def random_crops(count: int, generator: torch.Generator, squashed: float = 0.2) -> Crops:
    """Random rotation, flip, size, aspect and place of squares.

    Their side is 0.65 to 1.1 of the picture's, their centre up to 0.1 of it away. The aspect is 0.85 to 1.18, in a share
    `squashed` 5:4 to 3:2, as when a whole frame is squashed to a square.
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    angle, scale = uniform(-torch.pi, torch.pi), uniform(0.65, 1.1)
    aspect = torch.where(uniform(0, 1) < squashed, uniform(0.2, 0.42), uniform(0, 0.16))
    aspect = torch.where(uniform(0, 1) < 0.5, aspect, -aspect)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    across_from, down_from = uniform(-0.1, 0.1), uniform(-0.1, 0.1)
    cos, sin = torch.cos(angle), torch.sin(angle)

    def rows(stretch: torch.Tensor) -> torch.Tensor:
        across, down = scale * stretch, scale / stretch
        first = torch.stack((cos * across * flip, -sin * down, across_from), 1)
        return torch.stack((first, torch.stack((sin * across * flip, cos * down, down_from), 1)), 1)

    return Crops(rows(torch.exp(aspect / 2)), rows(torch.ones(count)))


def sample_crops(images: torch.Tensor, rows: torch.Tensor, size: int) -> torch.Tensor:
    """Squares of (N, C, H, W) float -> (N, C, size, size), in one resampling; beyond the border the image is mirrored."""
    count, channels = images.shape[:2]
    # Bilinear sampling aliases when it shrinks; sampling twice as densely and averaging does not.
    dense = 2 if images.shape[-1] > 1.5 * size else 1
    grid = torch.nn.functional.affine_grid(rows, [count, channels, size * dense, size * dense], align_corners=False)
    warped = torch.nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return torch.nn.functional.avg_pool2d(warped, dense) if dense > 1 else warped


def jitter_colour(images: torch.Tensor, generator: torch.Generator, *, cutout: bool = True) -> torch.Tensor:
    """Random brightness, contrast, saturation, gamma and illuminant on (N, 3, S, S) in 0..1, then a grey cutout in 30 %.

    The illuminant scales each channel by up to 15 %: cameras differ in white balance more than in anything else.
    """
    count, _, _, side = images.shape

    def uniform(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.rand(count, channels, 1, 1, generator=generator) * (high - low) + low

    images = images.clamp(1e-4, 1.0) ** torch.exp(uniform(-0.2, 0.2))
    images = images * uniform(0.8, 1.2) * uniform(0.85, 1.15, channels=3)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * uniform(0.8, 1.2) + mean
    grey = images.mean(1, keepdim=True)
    images = ((images - grey) * uniform(0.75, 1.25) + grey).clamp(0.0, 1.0)
    if not cutout:
        return images
    middle, half = uniform(0, side, channels=2), uniform(0.05, 0.18) * side
    axis = torch.arange(side).view(1, 1, side)
    inside = ((axis - middle[:, :1, 0]).abs() < half[:, 0])[:, :, :, None] & ((axis - middle[:, 1:, 0]).abs() < half[:, 0])[
        :, :, None, :
    ]
    return torch.where(inside & (uniform(0, 1) < 0.3), 0.5, images)
