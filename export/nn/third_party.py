"""Other people's classifiers as a `Network`: a body from timm or torchvision, and a head that was taken apart."""

from typing import Any

import torch
from torch import nn

from export.errors import ArchitectureError
from export.nn.heads import Head
from export.nn.network import Explanation, Network, Spec, logits_agree, probe_images


class TimmBody(nn.Module):
    """A timm network up to its last feature map."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 3, S, S) -> last feature map (N, F, R, C), the one before the last reduction (N, M, P, Q)."""
        model: Any = self.model
        last, [middle] = model.forward_intermediates(images, indices=[-2])
        return last, middle


class StagedBody(nn.Module):
    """A chain of layers, cut before the last reduction of the picture's size."""

    def __init__(self, parts: list[nn.Module], size: int) -> None:
        super().__init__()
        sides, value = [], torch.zeros(1, 3, size, size)
        with torch.inference_mode():
            for part in parts:
                value = part(value)
                sides.append(value.shape[-1])
        cut = max((index + 1 for index, side in enumerate(sides) if side > sides[-1]), default=len(parts))
        self.early, self.late = nn.Sequential(*parts[:cut]), nn.Sequential(*parts[cut:])

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `TimmBody`."""
        middle = self.early(images)
        return self.late(middle), middle


class ThirdPartyNetwork(Network):
    """A body and a head."""

    def __init__(self, spec: Spec, body: nn.Module, head: Head) -> None:
        """Put a network together.

        Raises:
            ArchitectureError: the body gives no feature map, or not the one that the head is for.
        """
        super().__init__()
        self.spec, self.body, self.head = spec, body, head
        self.eval()
        try:
            with torch.inference_mode():
                last, middle = body(torch.zeros(2, 3, spec.size, spec.size))
        except Exception as error:
            # Whatever layers there are: none of them was made for what the others give.
            raise ArchitectureError(
                f"{spec.arch} does not work at {spec.size} pixels ({error}). Check --arch and --size."
            ) from error
        if last.ndim != 4 or middle.ndim != 4:
            raise ArchitectureError(f"{spec.arch} has no feature map of rows and columns, and no evidence map therefore.")
        try:
            with torch.inference_mode():
                head(last)
        except RuntimeError as error:
            raise ArchitectureError(
                f"{spec.arch} is of a kind that is not read: between its last feature map and its last layer there is more "
                f"than pooling ({error})."
            ) from error
        self.middle_channels = int(middle.shape[1])

    @property
    def constant_bias(self) -> None:
        """It depends on the image: which units of the head are active, which of the classes lead."""
        return None

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        last, middle = self.body(images)
        return last, middle

    def explain(self, last: torch.Tensor) -> Explanation:
        return self.head.explain(last)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logit, class_logits = self.head(self.body(images)[0])
        return logit, class_logits


@torch.inference_mode()
def require_same_logits(parts: ThirdPartyNetwork, whole: nn.Module) -> None:
    """Compare the class logits of what was put together with those of the network it was taken from, on noise.

    Raises:
        ArchitectureError: they differ: the network does more than body, pooling and head.
    """
    images = probe_images(parts.spec)
    if not logits_agree(parts(images)[1], whole(images)):
        raise ArchitectureError(
            f"{parts.spec.arch} is of a kind that is not read: it is not a feature map, global average pooling and linear "
            "layers, and has no exact evidence map."
        )
