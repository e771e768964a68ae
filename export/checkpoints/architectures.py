"""Architectures of timm and torchvision, built from the shapes of their tensors or by name.

The shapes of a DenseNet's or ResNet's tensors determine it, so that `--arch` is not needed for them; timm and torchvision
use the same tensor names. All other architectures are built by name, in timm first.
"""

import re
from collections.abc import Mapping
from typing import Any

import timm
import torch
import torchvision
from timm.models.densenet import DenseNet
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from export.checkpoints.replaced_head import use_replaced_head
from export.errors import ArchitectureError

Tensors = Mapping[str, torch.Tensor]
Layers = Mapping[str, str]

_DENSENETS: dict[tuple[int, ...], str] = {
    (6, 12, 24, 16): "densenet121",
    (6, 12, 32, 32): "densenet169",
    (6, 12, 48, 32): "densenet201",
    (6, 12, 36, 24): "densenet161",
}
_RESNETS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "resnet18",
    (False, (3, 4, 6, 3)): "resnet34",
    (True, (3, 4, 6, 3)): "resnet50",
    (True, (3, 4, 23, 3)): "resnet101",
    (True, (3, 8, 36, 3)): "resnet152",
}
_HELP = (
    "DenseNets and ResNets are recognised by their tensors; for others, name the architecture as timm or torchvision does, "
    "with --arch."
)


def load_exactly(network: nn.Module, tensors: Tensors, name: str, layers: Layers | None = None) -> nn.Module:
    """Load tensors into a network that has exactly these; return it in evaluation mode.

    Args:
        network: receives the tensors. Its classifier is replaced first where the tensors are those of several layers.
        tensors: by name.
        name: of the architecture, for the message.
        layers: class names of the modules by their path, where they are known.

    Raises:
        ArchitectureError: names or shapes differ.
        HeadError: the classifier was replaced by layers of a kind that is not read.
    """
    use_replaced_head(network, tensors, layers or {})
    # Older PyTorch versions do not write these counters, and evaluation does not use them.
    given = {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}
    own = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    differing = sorted(
        {key for key in own.keys() & given.keys() if own[key].shape != given[key].shape} | (own.keys() ^ given.keys())
    )
    if differing:
        raise ArchitectureError(
            f"The tensors are not those of {name}: {len(differing)} differ, among them {', '.join(differing[:3])}. {_HELP}"
        )
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in given.items()}, strict=False)
    return network.eval()


def build_by_shape(tensors: Tensors, classes: int, layers: Layers | None = None) -> tuple[str, nn.Module] | None:
    """Build a DenseNet or ResNet from the shapes of its tensors; return its name and the network, None for anything else.

    Args:
        tensors: as timm and torchvision name them.
        classes: number of outputs of the last layer; 0 without one.
        layers: see `load_exactly`.
    """
    if "features.denseblock1.denselayer1.conv2.weight" in tensors:
        return _densenet(tensors, classes, layers)
    if "layer1.0.conv2.weight" in tensors and "conv1.weight" in tensors:
        return _resnet(tensors, classes, layers)
    return None


def _densenet(tensors: Tensors, classes: int, layers: Layers | None) -> tuple[str, nn.Module]:
    growth = len(tensors["features.denseblock1.denselayer1.conv2.weight"])
    blocks = _counts(tensors, r"features\.denseblock(\d+)\.denselayer(\d+)\.conv2\.weight")
    bottleneck = len(tensors["features.denseblock1.denselayer1.conv1.weight"]) // growth
    network = DenseNet(growth, blocks, num_classes=classes, bn_size=bottleneck)
    name = _DENSENETS.get(blocks, "densenet")
    return name, load_exactly(network, tensors, name, layers)


def _resnet(tensors: Tensors, classes: int, layers: Layers | None) -> tuple[str, nn.Module]:
    counts = _counts(tensors, r"layer(\d+)\.(\d+)\.conv2\.weight")
    deep = "layer1.0.conv3.weight" in tensors
    ends = [len(tensors[f"layer{stage}.0.conv{3 if deep else 2}.weight"]) for stage in range(1, len(counts) + 1)]
    channels = tuple(end // Bottleneck.expansion for end in ends) if deep else tuple(ends)
    width, within = tensors["layer1.0.conv2.weight"].shape[:2]
    groups = width // within
    # timm: width = floor(channels * base_width / 64) * groups.
    base = width * 64 // (channels[0] * groups)
    options: dict[str, Any] = {"block": Bottleneck, "cardinality": groups, "base_width": base}
    network = ResNet(**(options if deep else {"block": BasicBlock}), layers=counts, channels=channels, num_classes=classes)
    name = _RESNETS.get((deep, counts), "resnet") if groups == 1 and base == 64 else "resnet"
    return name, load_exactly(network, tensors, name, layers)


def _counts(tensors: Tensors, pattern: str) -> tuple[int, ...]:
    """Return the number of layers of each stage; the pattern's groups are stage and layer."""
    stages = [match.group(1) for key in tensors if (match := re.fullmatch(pattern, key))]
    return tuple(stages.count(stage) for stage in sorted(set(stages), key=int))


def build_by_name(arch: str, tensors: Tensors, classes: int, layers: Layers | None = None) -> nn.Module:
    """Build a network of timm or, where the tensors are not timm's, of torchvision.

    Args:
        arch: name of the architecture.
        tensors: of the network, by name.
        classes: number of outputs; 0 for a body without a head, which only timm supports.
        layers: see `load_exactly`.

    Raises:
        ArchitectureError: neither library has the name, or the tensors differ.
    """
    if not arch:
        raise ArchitectureError(f"It does not say which architecture it is. {_HELP}")
    networks: list[nn.Module] = []
    if timm.is_model(arch):
        network = timm.create_model(arch, pretrained=False, num_classes=classes)
        if isinstance(network, VisionTransformer) and "fc_norm.weight" in tensors:
            # The name does not say that its creator chose average pooling, with or without a class token.
            token = "cls_token" in tensors
            network = timm.create_model(arch, num_classes=classes, global_pool="avg", class_token=token)
        networks.append(network)
    if classes and arch in torchvision.models.list_models(torchvision.models):
        networks.append(torchvision.models.get_model(arch, weights=None, num_classes=classes))
    if not networks:
        raise ArchitectureError(f"Neither timm nor torchvision has an architecture {arch!r}. {_HELP}")
    for network in networks[:-1]:
        try:
            return load_exactly(network, tensors, arch, layers)
        except ArchitectureError:
            continue  # The other library's network of this name may have these tensors.
    return load_exactly(networks[-1], tensors, arch, layers)


def is_known_architecture(arch: str) -> bool:
    """Return whether timm or torchvision has an architecture of this name."""
    return timm.is_model(arch) or arch in torchvision.models.list_models(torchvision.models)
