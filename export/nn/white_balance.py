"""The light of the training images, towards which pictures in another light are brought: a part of the network.

Cameras differ in white balance more than in anything else. Full colour constancy takes all colour of the light away, and
what the network knows by it (models/experiments.md). Here only what lies outside of most training images is brought to
where they end: pictures like these stay as they are. `export.commands.white_balance` fits it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

NORM = 6
"""Order of the Minkowski norm that estimates the light (Shades of Gray, Finlayson & Trezzi 2004)."""


@dataclass(frozen=True)
class Light:
    """Where training images lie in the plane of log(red / green) and log(blue / green) of their light.

    Attributes:
        centre: their mean.
        precision: of their normal distribution, entries (red, red), (red, blue) and (blue, blue).
        radius: distance from the centre, in standard deviations (Mahalanobis), beyond which pictures are corrected.
    """

    centre: tuple[float, float]
    precision: tuple[float, float, float]
    radius: float


def colour_of_light(images: torch.Tensor) -> torch.Tensor:
    """(N, 3, S, S) float 0..1 -> log(red / green) and log(blue / green) of each picture's light, (N, 2)."""
    # Never zero: a black picture has the light of a grey one.
    squared = (images + 1e-3) ** 2
    norms = (squared * squared * squared).mean((2, 3)).log() / NORM
    return norms[:, 0:3:2] - norms[:, 1:2]


class WhiteBalance(nn.Module):
    """Brings the light of pictures to within `Light.radius`; their brightness, the channels' geometric mean, stays."""

    def __init__(self, light: Light) -> None:
        super().__init__()
        self.radius = light.radius
        self.centre = nn.Buffer(torch.tensor(light.centre), persistent=False)
        red, both, blue = light.precision
        self.weights = nn.Buffer(torch.tensor((red, 2 * both, blue)), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) float 0..1 -> the same shape, which may exceed 1."""
        away = colour_of_light(images) - self.centre
        red, blue = away[:, 0:1], away[:, 1:2]
        products = torch.cat((red * red, red * blue, blue * blue), 1)
        distance = (products * self.weights).sum(1, keepdim=True).clamp(min=1e-12).sqrt()
        shift = away * ((self.radius / distance).clamp(max=1.0) - 1)
        gains = torch.cat((shift[:, 0:1], torch.zeros_like(red), shift[:, 1:2]), 1)
        gains = (gains - gains.mean(1, keepdim=True)).exp()
        return images * gains[:, :, None, None]


def light_of(values: Mapping[str, Any] | None) -> Light | None:
    """What `dataclasses.asdict` and JSON made of a `Light`, as one again; None of none.

    Raises:
        KeyError, ValueError: it is not one.
    """
    if values is None:
        return None
    red, blue = values["centre"]
    red_red, red_blue, blue_blue = values["precision"]
    return Light((red, blue), (red_red, red_blue, blue_blue), values["radius"])
