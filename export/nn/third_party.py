"""Third-party classifiers as a `Network`: a body of timm or torchvision, and a head with an exact evidence map."""

import torch
from torch import nn

from export.errors import ArchitectureError
from export.nn.heads import Head
from export.nn.network import Explanation, Network, Spec, logits_agree, probe_images


class ThirdPartyNetwork(Network):
    """A body and a head of other libraries."""

    def __init__(self, spec: Spec, body: nn.Module, head: Head, *, explains: bool = True) -> None:
        """Join a body and a head.

        Args:
            spec: of the classifier.
            body: returns the last feature map and the middle one.
            head: pooling and layers.
            explains: see `Network`.

        Raises:
            ArchitectureError: the body does not run at `spec.size`, returns no feature map of rows and columns, or one
                that does not fit the head.
        """
        super().__init__()
        self.spec, self.body, self.head, self.explains = spec, body, head, explains
        self.eval()
        try:
            with torch.inference_mode():
                last, middle = body(torch.zeros(2, 3, spec.size, spec.size))
        except Exception as error:
            # Arbitrary layers fail in arbitrary ways.
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
        """Return None: the bias depends on the active units of the head and on the leading classes."""
        return None

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the last and the middle feature map; see `Network.feature_maps`."""
        last, middle = self.body(images)
        return last, (middle,)

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence; see `Network.explain`."""
        return self.head.explain(last)

    def forward(self, images: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the malignant logit and the class logits; see `Network.forward`."""
        logit, class_logits = self.head(self.body(images)[0])
        return logit, class_logits


@torch.inference_mode()
def require_same_logits(parts: ThirdPartyNetwork, whole: nn.Module) -> None:
    """Check on noise that body and head have the class logits of the network that they were taken from.

    Raises:
        ArchitectureError: they differ: the network has more than body, pooling and head.
    """
    images = probe_images(parts.spec)
    if not logits_agree(parts(images)[1], whole(images)):
        raise ArchitectureError(
            f"{parts.spec.arch} is of a kind that is not read: it is not a feature map, global average pooling and linear "
            "layers, and has no exact evidence map."
        )
