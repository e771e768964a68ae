"""Hairs, rulers and ink for a whole batch of images, on whatever device the batch is.

The shares and sizes are those of `export.data.augment.occlude`, which draws on one image with Pillow. All functions accept
and return images (N, 3, S, S), float 0..1.
"""

import torch

from export.data.random_draws import RandomDraws


def occlude(images: torch.Tensor, draws: RandomDraws, share: float = 1 / 3) -> torch.Tensor:
    """Draw hairs, more seldom a ruler or ink, on a share of images, 0 to 1."""
    count = len(images)
    images = torch.where(draws.booleans(0.75 * share, count), draw_hairs(images, draws), images)
    images = torch.where(draws.booleans(0.18 * share, count), draw_ruler(images, draws), images)
    return torch.where(draws.booleans(0.18 * share, count), draw_ink(images, draws), images)


def draw_hairs(images: torch.Tensor, draws: RandomDraws, most: int = 24) -> torch.Tensor:
    """Draw 1 to `most` curved dark hairs, 0.002 to 0.012 of the side thick, on each image."""
    count, _, side, _ = images.shape
    start, bend, end = draws.uniform(-0.2, 1.2, 3, count, most, 1, 2) * side
    # Points closer together than a pixel, so that the curve has no gaps.
    along = torch.linspace(0, 1, 3 * side, device=images.device)[:, None]
    points = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end  # (N, K, P, 2)
    drawn = torch.arange(most, device=images.device) < draws.uniform(1, most + 1, count, 1).floor()
    shades = (draws.uniform(5, 110, count, 1) + draws.uniform(0, 50, count, most)).floor() / 255
    # Thickness in whole pixels, as Pillow draws.
    thickness = (draws.uniform(0.002, 0.012, count, 1, 1) * side).round().clamp(min=1)
    canvas = torch.full((count, side * side), torch.inf, device=images.device)
    for row in range(round(0.012 * side) + 1):
        for column in range(round(0.012 * side) + 1):
            x, y = points[..., 0].floor() + column, points[..., 1].floor() + row
            seen = (x >= 0) & (x < side) & (y >= 0) & (y < side) & drawn[:, :, None] & (max(row, column) < thickness)
            places = torch.where(seen, y * side + x, 0).long().flatten(1)
            values = torch.where(seen, shades[:, :, None], torch.inf).flatten(1)
            canvas.scatter_reduce_(1, places, values, "amin")
    red = canvas.view(count, 1, side, side)
    colour = red * torch.tensor((1, 0.75, 0.5), device=images.device).view(1, 3, 1, 1)
    return torch.where(red.isfinite(), colour, images)


def draw_ruler(images: torch.Tensor, draws: RandomDraws) -> torch.Tensor:
    """Draw a scale with ticks along one side of each image."""
    side = images.shape[-1]
    place = (torch.arange(side, device=images.device) + 0.5) / side
    nearest = ((place - 0.02) / 0.035).round().clamp(min=0)
    length = torch.where(nearest % 10 == 0, 0.07, torch.where(nearest % 5 == 0, 0.05, 0.03))
    on_tick = (place - 0.02 - 0.035 * nearest).abs() < 0.003
    base = 0.96
    ticks = on_tick & (place[:, None] < base) & (place[:, None] > base - length)  # (S, S), along the lower side
    turned = torch.stack([torch.rot90(ticks, turns) for turns in range(4)])
    chosen = turned[draws.uniform(0, 4, len(images)).long()][:, None]
    return torch.where(chosen, 20 / 255, images)


def draw_ink(images: torch.Tensor, draws: RandomDraws) -> torch.Tensor:
    """Draw two strokes of a surgical marker beside the lesion of each image; skin shows through."""
    count, _, side, _ = images.shape
    angle = draws.uniform(0, 2 * torch.pi, count, 2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    half = 0.15 * draws.uniform(0.6, 1.2, count, 2)
    place = (torch.arange(side, device=images.device) + 0.5) / side - 0.5
    right, down = place.expand(count, 2, side, side), place[:, None].expand(count, 2, side, side)
    cos, sin, half = (values[:, :, None, None] for values in (cos, sin, half))
    # A stroke is perpendicular to the line from the centre: `outwards` is measured along that line, `across` beside it.
    outwards, across = right * cos + down * sin - 0.42, right * sin - down * cos
    stroke = ((outwards.abs() < 0.015) & (across.abs() < half)).any(1, keepdim=True)
    colour = torch.tensor((85, 40, 150), device=images.device).view(1, 3, 1, 1) / 255
    return torch.where(stroke, 0.75 * colour + 0.25 * images, images)
