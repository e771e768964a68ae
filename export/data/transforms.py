"""Pixels of labelled images: decoded as the service does, cropped to the centre square, resized with antialiasing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from lesion.imaging.decode import Pixels
from tqdm import tqdm

from export.data.labels import LabelledImage
from export.data.pixels import read_pixels

STORED_SIDE = 256
"""Side in pixels at which training keeps images in memory; augmentation crops the network's input from it."""


def crop_square(pixels: Pixels) -> Pixels:
    """Return the largest centred square of pixels (H, W, 3); an odd remainder removes the last row or column."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Resize float (N, 3, H, W) to (N, 3, size, size), bilinear with antialiasing, as ONNX `Resize` with antialias=1."""
    return torch.nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def load_square(path: Path, side: int) -> torch.Tensor:
    """Decode one file to its centre square, uint8 (3, side, side).

    Raises:
        DataError: the file cannot be read.
    """
    pixels = np.ascontiguousarray(crop_square(read_pixels(path, at_least=2 * side)).transpose(2, 0, 1))
    square = torch.from_numpy(pixels)
    if square.shape[-1] == side:
        return square
    return resize(square[None].float(), side)[0].round().clamp(0, 255).byte()


def load_squares(rows: Sequence[LabelledImage], side: int) -> torch.Tensor:
    """Decode all images to their centre squares, uint8 (N, 3, side, side): 200 KB for each image at 256 pixels.

    Raises:
        DataError: a file cannot be read.
    """
    images = torch.empty(len(rows), 3, side, side, dtype=torch.uint8)
    with ThreadPoolExecutor() as pool:
        squares = pool.map(lambda row: load_square(row.path, side), rows)
        for index, square in enumerate(tqdm(squares, "decoding", total=len(rows), unit="image", leave=False)):
            images[index] = square
    return images
