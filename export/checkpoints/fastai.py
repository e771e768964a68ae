"""Reader of pickled fastai learners, without fastai: v1's `export.pkl` or `model.pkl` of 2019, and v2's `export.pkl`.

In v1 `Learner.export` writes a dict (model, data, cls, ...), in v2 the Learner itself with its empty `dls`. The model is
Sequential(body, head) in both. The body is torchvision's network cut before its pooling, so that a DenseNet ends with its
last batch norm, without the ReLU that torchvision's `forward` adds; or timm's in a `TimmBody` (v2). The head is pooling,
[max, mean] by default, then batch norms, dropouts, linear layers and ReLUs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from export.checkpoints.architectures import build_by_name, build_by_shape
from export.checkpoints.recorded_objects import RecordedObject, global_name, iterate_objects, to_builtin
from export.checkpoints.statedict import module_tensors, read_hints
from export.errors import ArchitectureError, CheckpointError, ClassesError, HeadError
from export.nn.bodies import TimmBody
from export.nn.heads import Pool

_POOLS: dict[str, tuple[Pool, ...]] = {
    "AdaptiveConcatPool2d": ("max", "mean"),
    "AdaptiveAvgPool2d": ("mean",),
    "AdaptiveMaxPool2d": ("max",),
}
_STAGES = {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}
"""Index in the body -> name in torchvision's ResNet; 2 and 3 are a ReLU and a pooling."""

_BATCH_SIZES = ("AffineCoordTfm", "RandomResizedCropGPU")
_ITEM_SIZES = ("Resize", "RandomResizedCrop", "CropPad")
"""v2's transforms that set the size of items; transforms of whole batches are applied after them."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class FastaiLearner:
    """Contents of a learner's file.

    Attributes:
        kind: "fastai v1" or "fastai v2".
        model: the record of Sequential(body, head).
        classes: names in the order of the outputs; empty where the file has none.
        size: side of the training images in pixels; None where the file does not contain it.
        mean, std: of the channels, for values of 0..1.
    """

    kind: str
    model: RecordedObject
    classes: list[str]
    size: int | None
    mean: Triple
    std: Triple


def find_learner(root: Any) -> FastaiLearner | None:
    """Return the learner in the contents of a file, None where it contains something else.

    Args:
        root: what `read_torch_file` returned.

    Raises:
        CheckpointError: the learner is for another task, or for images that are not square.
    """
    fields = root.fields if isinstance(root, RecordedObject) else root if isinstance(root, dict) else {}
    model = fields.get("model")
    data = next((fields[key] for key in ("dls", "data") if key in fields), None)
    if not isinstance(model, RecordedObject) or data is None:
        return None
    parts = list(iterate_objects(data))
    classes, (mean, std) = _classes(parts), _statistics(data, parts)
    return FastaiLearner(f"fastai v{2 if 'dls' in fields else 1}", model, classes, _size(data, parts), mean, std)


def _classes(parts: list[RecordedObject]) -> list[str]:
    if any(part.name.startswith("MultiCategor") for part in parts):
        raise ClassesError("Its classes do not exclude each other (MultiCategory); one diagnosis per image is expected.")
    for part in parts:
        names = to_builtin(part.fields.get({"CategoryProcessor": "classes", "Categorize": "vocab"}.get(part.name, "")))
        if isinstance(names, list | tuple) and names:
            return [str(name) for name in names]
    return []


def _statistics(data: Any, parts: list[RecordedObject]) -> tuple[Triple, Triple]:
    """Return mean and standard deviation; a learner without them was trained on values of 0..1, hence 0 and 1."""
    places = [data.get("normalize")] if isinstance(data, dict) else []
    for part in parts:
        if part.name == "Normalize":
            places.append(part.fields)
        elif part.name == "partial" and part.args and global_name(part.args[0]).endswith("._normalize_batch"):
            places.append(part.state[2] if isinstance(part.state, tuple) and len(part.state) > 2 else None)
    for place in places:
        given = [place.get(name) for name in ("mean", "std")] if isinstance(place, dict) else []
        values = [value for value in given if isinstance(value, torch.Tensor) and value.numel() == 3]
        if len(values) == 2:
            mean, std = ([float(number) for number in value.flatten()] for value in values)
            return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])
    return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def _size(data: Any, parts: list[RecordedObject]) -> int | None:
    sizes = [part.fields.get("size") for kinds in (_BATCH_SIZES, _ITEM_SIZES) for part in parts if part.name in kinds]
    for place in (data, *(part.fields for part in parts)):
        settings = place.get("tfmargs") if isinstance(place, dict) else None
        sizes.append(settings.get("size") if isinstance(settings, dict) else None)
    for value in sizes:
        # fastcore's fastuple is recorded with a tuple as its argument.
        sides = value.args[0] if isinstance(value, RecordedObject) and value.name == "fastuple" and value.args else value
        sides = sides if isinstance(sides, list | tuple) else (sides, sides)
        if len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides):
            if sides[0] != sides[1]:
                raise CheckpointError(f"It was trained on images of {sides[0]} x {sides[1]} pixels; squares are expected.")
            return int(sides[0])
    return None


def build_body_and_head(model: RecordedObject, arch: str) -> tuple[str, nn.Module, tuple[Pool, ...], nn.Sequential]:
    """Build the network of a learner.

    Args:
        model: the record of Sequential(body, head).
        arch: timm's name, for a `TimmBody` without it; empty otherwise.

    Returns:
        the architecture's name, the body, the kinds of pooling, and the layers of the head.

    Raises:
        ArchitectureError: the body is not a DenseNet, ResNet or timm network.
        HeadError: the head has other layers.
    """
    children = _children(model)
    if model.name != "Sequential" or len(children) != 2:
        raise ArchitectureError(f"The learner's model is a {model.name}, not Sequential(body, head) of vision_learner.")
    name, network = _build_body(children[0], arch)
    layers = list(_flat_layers(children[1]))
    pools: tuple[Pool, ...] = next((_POOLS[layer.name] for layer in layers if layer.name in _POOLS), ())
    if not pools:
        raise HeadError("The head does not begin with a pooling that is known.")
    built = (_build_layer(layer) for layer in layers if layer.name not in (*_POOLS, "Flatten", "Lambda"))
    return name, TimmBody(network), pools, nn.Sequential(*built).eval()


def _build_body(body: RecordedObject, arch: str) -> tuple[str, nn.Module]:
    children = _children(body)
    if body.name == "TimmBody" and children:
        configuration = to_builtin(children[0].fields.get("pretrained_cfg"))
        known = read_hints(configuration.fields if isinstance(configuration, RecordedObject) else configuration or {}).get(
            "arch", ""
        )
        tensors = {name.removeprefix("model."): value for name, value in module_tensors(body).items()}
        return arch or known, build_by_name(arch or known, tensors, 0)
    if len(children) == 1 and any(name.startswith("denseblock") for name in children[0].fields.get("_modules", {})):
        tensors = {f"features.{name}": value for name, value in module_tensors(children[0]).items()}
        built = build_by_shape(tensors, 0)
        if built:
            last: Any = built[1].get_submodule("features.norm5")
            last.act = nn.Identity()
            return built
    if len(children) == 8 and all(_consists_of_blocks(child) for child in children[4:]):
        tensors = {}
        for name, value in module_tensors(body).items():
            place, _, rest = name.partition(".")
            tensors[f"{_STAGES.get(int(place), place)}.{rest}"] = value
        built = build_by_shape(tensors, 0)
        if built:
            return built
    raise ArchitectureError("The learner's body is not a DenseNet, a ResNet or a network of timm.")


def _consists_of_blocks(stage: RecordedObject) -> bool:
    return all(block.name in ("BasicBlock", "Bottleneck") for block in _children(stage)) and bool(_children(stage))


def _children(module: RecordedObject) -> list[RecordedObject]:
    modules = module.fields.get("_modules")
    return [child for child in modules.values() if isinstance(child, RecordedObject)] if isinstance(modules, dict) else []


def _flat_layers(module: RecordedObject, depth: int = 0) -> Iterator[RecordedObject]:
    for child in _children(module):
        if child.name in ("Sequential", "LinBnDrop") and depth < 3:
            yield from _flat_layers(child, depth + 1)
        else:
            yield child


def _build_layer(recorded: RecordedObject) -> nn.Module:
    """Build one layer of the head with its weights."""
    tensors = {name: value.float() for name, value in module_tensors(recorded).items() if name != "num_batches_tracked"}
    if not recorded.module.startswith("torch.nn.modules."):
        raise HeadError(f"The head has a {recorded.module}.{recorded.name}, which is not a layer of PyTorch.")
    layer: nn.Module
    if recorded.name == "Linear":
        layer = nn.Linear(tensors["weight"].shape[1], tensors["weight"].shape[0], bias="bias" in tensors)
    elif recorded.name == "BatchNorm1d":
        layer = nn.BatchNorm1d(len(tensors["running_mean"]), eps=float(recorded.fields["eps"]), affine="weight" in tensors)
    elif recorded.name in ("ReLU", "Dropout", "Identity"):
        return nn.ReLU() if recorded.name == "ReLU" else nn.Identity()
    else:
        raise HeadError(f"The head has a {recorded.name}; its evidence is not worked out here.")
    layer.load_state_dict(tensors, strict=False)
    return layer
