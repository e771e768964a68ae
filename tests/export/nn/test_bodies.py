"""Networks of timm and torchvision: body and head have the network's logits, and its evidence adds up to them."""

from collections.abc import Callable
from functools import partial

import pytest
import timm
import torch
from torch import nn
from torchvision.models import ConvNeXt, MobileNetV3, SwinTransformer, VisionTransformer
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from export.checkpoints.parts import split_into_parts
from export.nn.heads import Head
from export.nn.network import Spec
from export.nn.third_party import ThirdPartyNetwork

CLASSES = ("benign", "malignant")
SIDE = 96


def small(name: str) -> nn.Module:
    """Return a small network of a family, with random weights."""
    swin = partial(timm.create_model, "swin_tiny_patch4_window7_224", num_classes=2, img_size=SIDE)
    vit = partial(
        timm.create_model, "vit_small_patch16_224", num_classes=2, img_size=SIDE, embed_dim=32, depth=2, num_heads=2
    )
    inverted = InvertedResidualConfig(16, 3, 32, 24, True, "HS", 2, 1, 1)
    families: dict[str, Callable[[], nn.Module]] = {
        "torchvision's Swin": lambda: SwinTransformer([4, 4], 16, [1, 1, 2, 1], [1, 2, 2, 4], [3, 3], num_classes=2),
        "torchvision's ConvNeXt": lambda: ConvNeXt([CNBlockConfig(16, 32, 1), CNBlockConfig(32, None, 1)], num_classes=2),
        "torchvision's ViT": lambda: VisionTransformer(SIDE, 16, 2, 2, 32, 64, num_classes=2),
        "torchvision's MobileNetV3": lambda: MobileNetV3([inverted], 48, num_classes=2),
        "timm's Swin": lambda: swin(window_size=3, embed_dim=16, depths=(1, 1, 2, 1), num_heads=(1, 2, 2, 4)),
        "timm's ViT with average pooling": lambda: vit(global_pool="avg"),
        "timm's ViT": vit,
    }
    return families.get(name, lambda: timm.create_model(name, num_classes=2))()


EXACT = [
    *("timm's Swin", "timm's ViT with average pooling", "test_convnext", "test_convnext2", "mobilenetv3_small_050"),
    *("lcnet_035", "torchvision's Swin", "torchvision's ConvNeXt", "torchvision's MobileNetV3"),
]
WITHOUT_PLACES = ["timm's ViT", "torchvision's ViT"]


def network_of(whole: nn.Module) -> ThirdPartyNetwork:
    parts = split_into_parts("whole", whole, SIDE)
    spec = Spec("whole", SIDE, CLASSES, (False, True), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return ThirdPartyNetwork(spec, parts.body, Head(("mean",), parts.layers, spec.malignant), explains=parts.explains)


@pytest.mark.parametrize("name", [*EXACT, *WITHOUT_PLACES])
def test_body_and_head_have_the_logits_of_the_network(name: str) -> None:
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(3)
        whole = small(name).eval()
        network, images = network_of(whole), torch.randn(2, 3, SIDE, SIDE)
        last, [middle] = network.feature_maps(images)
        explained, [logit, class_logits] = network.explain(last), network(images)
        expected = whole(images)
    torch.testing.assert_close(class_logits, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(explained.class_logits, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(explained.cells.mean((1, 2)) + explained.bias, logit, atol=1e-5, rtol=1e-5)
    assert middle.ndim == 4 and middle.shape[1] == network.middle_channels
    assert network.explains == (name in EXACT)
    assert (last.shape[2] > 1) == network.explains, "a class token is one cell"


@pytest.mark.parametrize("name", ["timm's Swin", "timm's ViT with average pooling", "torchvision's Swin"])
def test_cells_lie_where_the_network_saw_them(name: str) -> None:
    """A change of one corner changes that corner of the last map most: rows and columns are not exchanged."""
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(4)
        network, images = network_of(small(name).eval()), torch.randn(1, 3, SIDE, SIDE)
        changed = images.clone()
        changed[:, :, : SIDE // 3, 2 * SIDE // 3 :] += 2
        difference = (network.feature_maps(changed)[0] - network.feature_maps(images)[0]).abs().sum(1)[0]
    rows, columns = difference.shape
    upper_right = difference[: rows // 3, 2 * columns // 3 :].mean()
    lower_left = difference[2 * rows // 3 :, : columns // 3].mean()
    assert upper_right > 1.5 * lower_left
