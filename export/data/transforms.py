"""Pixels of labelled images as the network is given them: decoded as the service does, centre square, antialiased resize."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from lesion.errors import RequestError
from lesion.imaging.decode import Pixels, decode
from tqdm import tqdm

from export.data.labels import LabelledImage
from export.errors import DataError

STORED_SIDE = 256
"""Side in pixels at which training keeps images in memory; augmentation cuts the network's input out of that."""


def read_pixels(path: Path, *, at_least: int) -> Pixels:
    """Decode one file as the service does, uint8 (H, W, 3); see `lesion.imaging.decode.decode`.

    Raises:
        DataError: it cannot be read; the message names it.
    """
    try:
        return decode(path.read_bytes(), at_least=at_least).pixels
    except (RequestError, OSError) as error:
        raise DataError(f"{path} cannot be read. {error}") from error


def crop_square(pixels: Pixels) -> Pixels:
    """Cut the largest centred square out of H x W x 3 pixels; odd remainders lose the last row or column."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Antialiased bilinear resize, (N, 3, H, W) float -> (N, 3, size, size): what ONNX `Resize` with antialias=1 does."""
    return torch.nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def load_square(path: Path, side: int) -> torch.Tensor:
    """Decode one file to a uint8 (3, side, side) tensor: centre square, antialiased resize."""
    pixels = np.ascontiguousarray(crop_square(read_pixels(path, at_least=2 * side)).transpose(2, 0, 1))
    square = torch.from_numpy(pixels)
    if square.shape[-1] == side:
        return square
    return resize(square[None].float(), side)[0].round().clamp(0, 255).byte()


def load_squares(rows: Sequence[LabelledImage], side: int) -> torch.Tensor:
    """Decode all images into one uint8 tensor (N, 3, side, side), kept in memory: 200 KB an image at 256 pixels."""
    images = torch.empty(len(rows), 3, side, side, dtype=torch.uint8)
    with ThreadPoolExecutor() as pool:
        squares = pool.map(lambda row: load_square(row.path, side), rows)
        for index, square in enumerate(tqdm(squares, "decoding", total=len(rows), unit="image", leave=False)):
            images[index] = square
    return images
