"""Division of a classifier of timm or torchvision into its body and the layers after its pooling."""

from typing import Any, NamedTuple

from timm.layers.classifier import NormMlpClassifierHead
from timm.models.mobilenetv3 import MobileNetV3
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models import SwinTransformer
from torchvision.models import VisionTransformer as TorchvisionTransformer

from export.errors import ArchitectureError
from export.nn.bodies import ChannelsLastBody, ClassTokenBody, SequentialBody, TimmBody


class Parts(NamedTuple):
    """A classifier in two parts.

    Attributes:
        body: returns the last feature map and the middle one, with channels first.
        layers: those between the average pooling of the last feature map and the class logits.
        explains: whether that map has places; a class token has none.
    """

    body: nn.Module
    layers: nn.Sequential
    explains: bool = True


def split_into_parts(arch: str, network: nn.Module, size: int) -> Parts:
    """Return body and layers of a classifier.

    `export.nn.third_party.require_same_logits` tells whether the parts are all of it.

    Args:
        arch: name of the architecture, for the message.
        network: the whole classifier.
        size: side of the input in pixels.

    Raises:
        ArchitectureError: the network has another structure.
    """
    whole: Any = network
    if hasattr(whole, "forward_intermediates"):
        return _of_timm(arch, whole)
    if isinstance(network, SwinTransformer):
        *early, merging, last = network.features
        return Parts(ChannelsLastBody(early, (merging, last, network.norm)), _after_pooling(network.head))
    if isinstance(network, TorchvisionTransformer):
        return Parts(ClassTokenBody(network), _after_pooling(network.heads), explains=False)
    if hasattr(whole, "features") and hasattr(whole, "classifier"):
        head, parts = whole.classifier, list(whole.features.children())
    elif hasattr(whole, "trunk_output"):
        head, parts = whole.fc, [whole.stem, *whole.trunk_output.children()]
    else:
        raise ArchitectureError(f"{arch} is of a kind that is not read: its body and its classifier cannot be told apart.")
    return Parts(SequentialBody(parts, size), _after_pooling(head))


def _of_timm(arch: str, whole: Any) -> Parts:
    classifier = whole.get_classifier()
    if not isinstance(classifier, nn.Module):
        raise ArchitectureError(f"{arch} is of a kind that is not read: it has more than one classifier.")
    if isinstance(whole, VisionTransformer):
        pooled = whole.global_pool == "avg" and whole.attn_pool is None
        by_token = whole.global_pool == "token" and whole.attn_pool is None
        if not (by_token or (pooled and not whole.pool_include_prefix)):
            raise ArchitectureError(f"{arch} is of a kind that is not read: it pools its tokens by {whole.global_pool!r}.")
        body = TimmBody(whole, "tokens" if pooled else "class token")
        return Parts(body, _after_pooling(whole.fc_norm, classifier), explains=pooled)
    head = getattr(whole, "head", None)
    if isinstance(head, NormMlpClassifierHead):
        between = [head.norm, head.pre_logits]
    elif isinstance(whole, MobileNetV3):
        between = [whole.conv_head, whole.norm_head, whole.act2]
    else:
        between = []
    # timm says of its networks whether they compute with channels last.
    layout: Any = "channels last" if getattr(whole, "output_fmt", "NCHW") == "NHWC" else "channels first"
    return Parts(TimmBody(whole, layout), _after_pooling(*between, classifier))


def _after_pooling(*layers: nn.Module) -> nn.Sequential:
    """Return layers for pooled features (N, F), of layers that are made for maps (N, F, 1, 1)."""
    flat = [part for layer in layers for own in _flat(layer) for part in _for_vectors(own)]
    return nn.Sequential(*(layer for layer in flat if not isinstance(layer, nn.Flatten | nn.Identity)))


def _flat(layer: nn.Module) -> list[nn.Module]:
    """Return the layers of sequences within sequences in order."""
    return [own for child in layer for own in _flat(child)] if isinstance(layer, nn.Sequential) else [layer]


def _for_vectors(layer: nn.Module) -> list[nn.Module]:
    """Convert 1 x 1 convolutions and norms of maps to the equivalent layers for vectors."""
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1:
        linear = nn.Linear(layer.in_channels, layer.out_channels, bias=layer.bias is not None)
        weights = layer.state_dict()
        linear.load_state_dict({**weights, "weight": weights["weight"].flatten(1)})
        return [linear]
    if isinstance(layer, nn.LayerNorm):
        norm = nn.LayerNorm(layer.normalized_shape, layer.eps, layer.elementwise_affine)
        norm.load_state_dict(layer.state_dict())
        return [norm]
    if isinstance(layer, nn.BatchNorm2d):
        batch_norm = nn.BatchNorm1d(layer.num_features, layer.eps, affine=layer.affine)
        batch_norm.load_state_dict(layer.state_dict())
        # timm's norm can contain an activation.
        activation = getattr(layer, "act", None)
        return [batch_norm.eval(), *([activation] if isinstance(activation, nn.Module) else [])]
    return [layer]
