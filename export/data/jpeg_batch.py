"""The loss of JPEG compression for a whole batch of images, on whatever device the batch is."""

import torch
from torch import nn

Table = tuple[tuple[int, ...], ...]

_LUMINANCE: Table = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE: Table = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *[(99,) * 8] * 4,
)
"""Quantisation tables of JPEG (ITU-T T.81, tables K.1 and K.2)."""

_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""RGB -> luminance and two colour differences around 0 (JFIF 1.02)."""


def compress_as_jpeg(images: torch.Tensor, quality: torch.Tensor, subsampled: torch.Tensor) -> torch.Tensor:
    """Return images as baseline JPEG stores them; entropy coding, which loses nothing, is left out.

    Args:
        images: float (N, 3, H, W), 0..1.
        quality: (N,), 1 to 100, as libjpeg scales its tables.
        subsampled: bool (N,), whether the colour differences have half the resolution (4:2:0).

    Returns:
        float (N, 3, H, W), 0..1.
    """
    height, width = images.shape[-2:]
    padded = nn.functional.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
    matrix = torch.tensor(_TO_YCBCR, device=images.device)
    planes = torch.einsum("ij,njhw->nihw", matrix, padded * 255).round()
    luminance = _quantise(planes[:, :1] - 128, quality, _LUMINANCE) + 128
    colour = planes[:, 1:]
    half = _quantise(nn.functional.avg_pool2d(colour, 2), quality, _CHROMINANCE)
    half = nn.functional.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
    colour = torch.where(subsampled[:, None, None, None], half, _quantise(colour, quality, _CHROMINANCE))
    decoded = torch.einsum("ij,njhw->nihw", torch.linalg.inv(matrix), torch.cat((luminance, colour), 1))
    return (decoded.round().clamp(0, 255) / 255)[:, :, :height, :width]


def _quantise(planes: torch.Tensor, quality: torch.Tensor, table: Table) -> torch.Tensor:
    """Round the discrete cosine transform of 8 x 8 blocks of planes (N, C, H, W) to the steps of a table."""
    count, channels, height, width = planes.shape
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None]
    steps = ((torch.tensor(table, device=planes.device) * scale + 50) / 100).floor().clamp(1, 255)
    steps = steps[:, None, None, None]  # (N, 1, 1, 1, 8, 8)
    place = torch.arange(8, device=planes.device)
    cosine = torch.cos((2 * place[None] + 1) * place[:, None] * torch.pi / 16) / 2
    cosine[0] /= 2**0.5
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    rounded = (cosine @ blocks @ cosine.T / steps).round() * steps
    return (cosine.T @ rounded @ cosine).transpose(3, 4).reshape(planes.shape).round()
