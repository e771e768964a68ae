"""The network that is trained here: a timm body, global average pooling, and two linear heads.

Malignancy has a linear head of its own: applied to every cell of the last feature map, it is the evidence map (class
activation mapping, Zhou et al. 2016).
"""

from typing import Any

import timm
import torch
from torch import nn

from export.errors import ArchitectureError
from export.nn.network import Explanation, Network, Spec, logits_agree, probe_images


class LesionNet(Network):
    """Body, pooling, and linear heads for the malignant logit and the diagnosis logits."""

    def __init__(self, spec: Spec, dropout: float = 0.2) -> None:
        """Create a network with random weights; `dropout` is a share of the pooled features, 0 to 1."""
        super().__init__()
        self.spec = spec
        body: Any = timm.create_model(spec.arch, pretrained=False, num_classes=0, global_pool="")
        self.body: nn.Module = body
        self.middle_channels = int(body.feature_info[-2]["num_chs"])
        features = int(body.num_features)
        self.dropout = nn.Dropout(dropout)
        self.malignant = nn.Linear(features, 1)
        self.diagnosis = nn.Linear(features, len(spec.classes))

    @property
    def constant_bias(self) -> float:
        """Return the bias of the malignant head."""
        return float(self.malignant.bias.detach()[0])

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last and the middle feature map; see `Network.feature_maps`."""
        body: Any = self.body
        last, [middle] = body.forward_intermediates(images, indices=[-2])
        return last, middle

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence; see `Network.explain`."""
        # The mean over the cells of a linear map equals the linear map of the mean, so that the sum is exact.
        cells = nn.functional.conv2d(last, self.malignant.weight[:, :, None, None])[:, 0]
        pooled = last.mean((2, 3))
        return Explanation(cells, self.malignant.bias.expand(len(last)), self.diagnosis(pooled), pooled)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the malignant logit and the class logits; see `Network.forward`."""
        pooled = self.dropout(self.body(images).mean((2, 3)))  # (N, F)
        return self.malignant(pooled)[:, 0], self.diagnosis(pooled)


def create_lesion_net(spec: Spec) -> LesionNet:
    """Return a network with random weights whose evidence map was checked to sum to its malignant logit.

    Raises:
        ArchitectureError: timm's network of this name has another structure.
    """
    try:
        network = LesionNet(spec)
        cause = "" if _evidence_is_exact(network) else "its evidence would not add up to its answer"
    except Exception as error:
        # A network of another structure can fail in any way.
        cause = f"{type(error).__name__}: {error}"
    if cause:
        raise ArchitectureError(
            f"{spec.arch} cannot be trained at {spec.size} pixels ({cause}). A network that ends with global average "
            "pooling and one linear layer can: choose a ResNet, DenseNet, EfficientNet or RegNet, for example, with --arch."
        )
    return network


@torch.inference_mode()
def _evidence_is_exact(network: LesionNet) -> bool:
    """Return whether `explain`, which is exported, and `forward`, which is trained, have the same logits on noise.

    Some timm networks have more than pooling after the last feature map: a norm (ConvNeXt), a layer (MobileNetV3).
    """
    network.eval()
    images = probe_images(network.spec)
    last, middle = network.feature_maps(images)
    explanation = network.explain(last)
    malignant = explanation.cells.mean((1, 2)) + explanation.bias
    logit, class_logits = network(images)
    network.train()
    return middle.shape[1] == network.middle_channels and logits_agree(
        torch.column_stack([malignant, explanation.class_logits]), torch.column_stack([logit, class_logits])
    )
