"""Synthetic photos of a spot on structured skin, seen by a camera at a known place."""

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates

SIDE = 256
"""Of a photo in pixels, as the page measures it."""
_FIELD = 1024
"""Side of the skin in pixels; a photo from the middle distance shows a quarter of it."""


@dataclass(frozen=True)
class View:
    """A camera: `angle` in degrees, `scale` in skin per photo, `x` and `y` in sides of the photo."""

    angle: float = 0
    scale: float = 1
    x: float = 0
    y: float = 0


def _skin(seed: int) -> npt.NDArray[np.float64]:
    """Return pores, lines and freckles as brightness, of shape (_FIELD, _FIELD)."""
    random = np.random.default_rng(seed)
    layers = [(1.5, 5.0), (4, 7.0), (12, 5.0)]
    field = np.zeros((_FIELD, _FIELD))
    for sigma, strength in layers:
        noise = gaussian_filter(random.standard_normal((_FIELD, _FIELD)), sigma)
        field += strength * noise / noise.std()
    return field


def photo(skin: int, view: View, radius: float = 0.16, red: float = 110, noise: int = 0) -> str:
    """Return a photo of a spot in the middle of the skin as base64 of RGBA bytes.

    Args:
        skin: seed of its structure; photos of one spot have the same.
        view: of the camera.
        radius: of the spot, in sides of a photo of scale 1.
        red: brightness of the spot's red channel; skin has 200.
        noise: seed of the camera's noise.
    """
    rows, columns = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE - 0.5
    cos, sin = view.scale * np.cos(np.radians(view.angle)), view.scale * np.sin(np.radians(view.angle))
    right, down = cos * columns - sin * rows + view.x, sin * columns + cos * rows + view.y
    # Photos of scale 1 show the middle half of the skin's field in each direction.
    places = [(down / 2 + 0.5) * _FIELD - 0.5, (right / 2 + 0.5) * _FIELD - 0.5]
    structure = map_coordinates(_skin(skin), places, order=1, mode="reflect")
    # An ellipse with a lobe, so that its direction can be seen.
    distance = np.minimum(np.hypot(right / 1.2, down), np.hypot((right - radius) * 1.6, (down - radius / 2) * 1.6)) / radius
    spot = 1 / (1 + np.exp(np.minimum((distance - 1) * 14, 50)))
    grain = np.random.default_rng(noise).normal(0, 1.5, (SIDE, SIDE, 3))
    # Light from one side, in the photo and not on the skin.
    light = 1 + 0.1 * columns
    colours = np.stack([200 + (red - 200) * spot, 155 - 75 * spot, 135 - 70 * spot], axis=-1)
    image = (colours + structure[..., None]) * light[..., None] + grain
    rgba = np.concatenate([np.clip(image, 0, 255), np.full((SIDE, SIDE, 1), 255)], axis=-1).astype(np.uint8)
    return base64.b64encode(rgba.tobytes()).decode()
