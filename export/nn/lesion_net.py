"""The network that is trained here: a timm body, global average pooling, and two or three linear heads.

Malignancy has a linear head of its own: applied to every cell of the last feature map, it is the evidence map (class
activation mapping, Zhou et al. 2016). A network that is trained on both image types has a head for them as well. That head
is part of the training only: a model file detects the type by `export.evaluation.image_type`.
"""

from typing import Any

import timm
import torch
from torch import nn

from export.errors import ArchitectureError
from export.nn.network import Explanation, Network, Prediction, Spec, logits_agree, probe_images

MIDDLE_MAPS = 2
"""Middle feature maps: those of the resolutions before the last one. The OOD score and the detector of the image type read
them; with two of each network, both are right more often than with one of the first network (`models/experiments.md`)."""

TYPE_GRADIENT = 0.1
"""Share of the image-type head's gradient that reaches the body.

With all of it, the body would be trained to encode the source of an image; without any, the head's accuracy stays lower.
"""


class LesionNet(Network):
    """Body, pooling, and linear heads for the malignant logit, the diagnosis logits and, optionally, the image type."""

    def __init__(self, spec: Spec, dropout: float = 0.2) -> None:
        """Create a network with random weights; `dropout` is a share of the pooled features, 0 to 1."""
        super().__init__()
        self.spec = spec
        body: Any = timm.create_model(spec.arch, pretrained=False, num_classes=0, global_pool="")
        self.body: nn.Module = body
        self.middle_channels = sum(int(level["num_chs"]) for level in body.feature_info[-1 - MIDDLE_MAPS : -1])
        features = int(body.num_features)
        self.dropout = nn.Dropout(dropout)
        self.malignant = nn.Linear(features, 1)
        self.diagnosis = nn.Linear(features, len(spec.classes))
        self.clinical = nn.Linear(features, 1) if spec.detects_type else None

    @property
    def constant_bias(self) -> float:
        """Return the bias of the malignant head."""
        return float(self.malignant.bias.detach()[0])

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the last feature map and the `MIDDLE_MAPS` before it; see `Network.feature_maps`."""
        body: Any = self.body
        last, middle = body.forward_intermediates(images, indices=list(range(-1 - MIDDLE_MAPS, -1)))
        return last, tuple(middle)

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence; see `Network.explain`."""
        # The mean over the cells of a linear map equals the linear map of the mean, so that the sum is exact.
        cells = nn.functional.conv2d(last, self.malignant.weight[:, :, None, None])[:, 0]
        pooled = last.mean((2, 3))
        return Explanation(cells, self.malignant.bias.expand(last.shape[0]), self.diagnosis(pooled), pooled)

    @property
    def networks(self) -> list["LesionNet"]:
        """Return the network alone, as an ensemble returns its members."""
        return [self]

    def forward(self, images: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the malignant logit and the class logits; see `Network.forward`."""
        prediction = self.predict(images)
        return prediction.malignant, prediction.classes

    def predict(self, images: torch.Tensor) -> Prediction:
        """Return the logits of all heads for normalised images (N, 3, S, S).

        Only `TYPE_GRADIENT` of the gradient of the image type reaches the body.
        """
        pooled = self.dropout(self.body(images).mean((2, 3)))  # (N, F)
        clinical = None
        if self.clinical is not None:
            detached = pooled.detach()
            clinical = self.clinical(detached + TYPE_GRADIENT * (pooled - detached))[:, 0]
        return Prediction(self.malignant(pooled)[:, 0], self.diagnosis(pooled), clinical)

    def load_shared_weights(self, source: "LesionNet") -> None:
        """Copy the weights of a network with the same body, for the classes and heads that both networks have.

        Raises:
            RuntimeError: the bodies differ.
        """
        own, weights = self.state_dict(), source.state_dict()
        shared = [code for code in self.spec.classes if code in source.spec.classes]
        targets, sources = ([spec.classes.index(code) for code in shared] for spec in (self.spec, source.spec))
        for name in ("diagnosis.weight", "diagnosis.bias"):
            own[name][targets] = weights.pop(name)[sources]
        self.load_state_dict({**own, **{name: value for name, value in weights.items() if name in own}})


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
    return sum(one.shape[1] for one in middle) == network.middle_channels and logits_agree(
        torch.column_stack([malignant, explanation.class_logits]), torch.column_stack([logit, class_logits])
    )
