"""White balance as a part of the network: images outside of the training images' illuminants are corrected to their edge.

Full colour constancy removes all colour of the illuminant, and with it information that the network uses
(models/experiments.md). This correction leaves images within the distribution unchanged.
`python -m export whitebalance` adds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

MINKOWSKI_ORDER = 6
"""Order of the Minkowski norm that estimates the illuminant (Shades of Gray, Finlayson & Trezzi 2004)."""


@dataclass(frozen=True)
class IlluminantModel:
    """Normal distribution of training images in the plane of log(red / green) and log(blue / green) of their illuminant.

    Attributes:
        centre: mean.
        precision: entries (red, red), (red, blue) and (blue, blue) of the inverse covariance.
        radius: Mahalanobis distance from the centre beyond which images are corrected.
    """

    centre: tuple[float, float]
    precision: tuple[float, float, float]
    radius: float


def parse_illuminant(record: Mapping[str, Any] | None) -> IlluminantModel | None:
    """Return the model that `dataclasses.asdict` or JSON recorded, None for None.

    Raises:
        KeyError, ValueError: the record has other keys or values.
    """
    if record is None:
        return None
    red, blue = record["centre"]
    red_red, red_blue, blue_blue = record["precision"]
    return IlluminantModel((red, blue), (red_red, red_blue, blue_blue), record["radius"])


def estimate_illuminant(images: torch.Tensor) -> torch.Tensor:
    """Return log(red / green) and log(blue / green) of the illuminant, (N, 2), of images (N, 3, S, S), float 0..1."""
    # The offset keeps the norm above zero: a black image has the illuminant of a grey one.
    squared = (images + 1e-3) ** 2
    norms = (squared * squared * squared).mean((2, 3)).log() / MINKOWSKI_ORDER
    return norms[:, 0:3:2] - norms[:, 1:2]


class WhiteBalance(nn.Module):
    """Move the illuminant of images to within `IlluminantModel.radius`; the channels' geometric mean stays."""

    def __init__(self, illuminant: IlluminantModel) -> None:
        """Create the correction towards one distribution."""
        super().__init__()
        self.radius = illuminant.radius
        self.centre = nn.Buffer(torch.tensor(illuminant.centre), persistent=False)
        red_red, red_blue, blue_blue = illuminant.precision
        self.weights = nn.Buffer(torch.tensor((red_red, 2 * red_blue, blue_blue)), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return corrected images (N, 3, S, S), which may exceed 1, of images (N, 3, S, S), float 0..1."""
        offset = estimate_illuminant(images) - self.centre
        red, blue = offset[:, 0:1], offset[:, 1:2]
        products = torch.cat((red * red, red * blue, blue * blue), 1)
        distance = (products * self.weights).sum(1, keepdim=True).clamp(min=1e-12).sqrt()
        shift = offset * ((self.radius / distance).clamp(max=1.0) - 1)
        gains = torch.cat((shift[:, 0:1], torch.zeros_like(red), shift[:, 1:2]), 1)
        gains = (gains - gains.mean(1, keepdim=True)).exp()
        return images * gains[:, :, None, None]


@torch.inference_mode()
def fit_illuminant_model(squares: torch.Tensor, radius: float) -> IlluminantModel:
    """Fit an illuminant model to images: mean and inverse covariance of their illuminants.

    Args:
        squares: uint8 (N, 3, S, S), at least three images of different colours.
        radius: see `IlluminantModel`.
    """
    estimates = torch.cat([estimate_illuminant(chunk.float() / 255) for chunk in squares.split(64)])
    colours = estimates.double().numpy()
    precision = np.linalg.inv(np.cov(colours, rowvar=False))
    entries = (float(precision[0, 0]), float(precision[0, 1]), float(precision[1, 1]))
    red, blue = colours.mean(0)
    return IlluminantModel((float(red), float(blue)), entries, radius)
