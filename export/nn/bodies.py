"""Bodies of third-party classifiers: the layers up to the last feature map, and the map before its last reduction.

All return maps with channels first, whatever order the network computes in.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn

Layout = Literal["channels first", "channels last", "tokens", "class token"]
"""What a network computes last: a map (N, F, R, C) or (N, R, C, F), or tokens (N, T, F), of which all others than the prefix
tokens are the cells of a map in rows; or only the class token counts."""


class TimmBody(nn.Module):
    """The layers of a timm network up to its last feature map."""

    def __init__(self, model: nn.Module, layout: Layout = "channels first") -> None:
        """Use a network of timm that has `forward_intermediates`.

        Args:
            model: the network.
            layout: of what it computes last.
        """
        super().__init__()
        self.model, self.layout = model, layout

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last feature map (N, F, R, C) and the one before the last reduction (N, M, P, Q) of (N, 3, S, S).

        Of tokens, the class token is a map of one cell.
        """
        model: Any = self.model
        last, [middle] = model.forward_intermediates(images, indices=[-2])
        if self.layout == "channels last":
            last = last.permute(0, 3, 1, 2)
        elif self.layout == "tokens":
            last = last[:, model.num_prefix_tokens :].transpose(1, 2).unflatten(2, middle.shape[2:])
        elif self.layout == "class token":
            last = last[:, 0, :, None, None]
        return last, middle


class SequentialBody(nn.Module):
    """A sequence of layers, divided before the last reduction of the feature map's size."""

    def __init__(self, parts: list[nn.Module], size: int) -> None:
        """Divide the layers by running them on an image of `size` pixels."""
        super().__init__()
        sides, value = [], torch.zeros(1, 3, size, size)
        with torch.inference_mode():
            for part in parts:
                value = part(value)
                sides.append(value.shape[-1])
        cut = max((index + 1 for index, side in enumerate(sides) if side > sides[-1]), default=len(parts))
        self.early, self.late = nn.Sequential(*parts[:cut]), nn.Sequential(*parts[cut:])

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last and the middle feature map, as `TimmBody` does."""
        middle = self.early(images)
        return self.late(middle), middle


class ChannelsLastBody(nn.Module):
    """Layers that compute with channels last, as torchvision's Swin transformers do."""

    def __init__(self, early: Sequence[nn.Module], late: Sequence[nn.Module]) -> None:
        """Join the layers before and after the middle feature map."""
        super().__init__()
        self.early, self.late = nn.Sequential(*early), nn.Sequential(*late)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last and the middle feature map, as `TimmBody` does."""
        middle = self.early(images)
        return self.late(middle).permute(0, 3, 1, 2), middle.permute(0, 3, 1, 2)


class ClassTokenBody(nn.Module):
    """The layers of torchvision's vision transformers, which classify by their class token."""

    def __init__(self, model: nn.Module) -> None:
        """Use a `torchvision.models.VisionTransformer`."""
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the class token as a map of one cell, and the map before the last block; see `TimmBody`."""
        model: Any = self.model
        side = images.shape[-1] // model.patch_size
        tokens = model._process_input(images)
        tokens = torch.cat([model.class_token.expand(tokens.shape[0], -1, -1), tokens], 1)
        tokens = model.encoder.dropout(tokens + model.encoder.pos_embedding)
        *before, last = model.encoder.layers
        for block in before:
            tokens = block(tokens)
        middle = tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        tokens = model.encoder.ln(last(tokens))
        return tokens[:, 0, :, None, None], middle
