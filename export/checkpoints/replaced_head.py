"""Classifiers that were replaced by a sequence of layers, rebuilt from the names and shapes of their tensors.

People replace `model.fc` by `Sequential(Dropout, Linear)` or `Sequential(Linear, ReLU, Dropout, Linear)`. In a state dict
the layers with tensors keep their index in the sequence, and the others are gaps. A gap between two linear layers is taken
for a ReLU, and the network is marked so that the reader can say it; where whole modules were pickled, the classes are known.
"""

import re
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from export.errors import HeadError

_MARK = "activations_are_assumed"

_NEUTRAL = {"Dropout", "Identity", "Flatten", "AlphaDropout", "Softmax", "LogSoftmax", "Sigmoid"}
"""Layers without effect on the logits in evaluation mode. The last three can only end a classifier."""


def use_replaced_head(network: nn.Module, tensors: Mapping[str, torch.Tensor], layers: Mapping[str, str]) -> None:
    """Replace a network's classifier by the sequence that the tensors describe, where they describe one.

    Args:
        network: of timm or torchvision, changed in place.
        tensors: of the checkpoint, by name.
        layers: class names of the modules by their path; empty where only tensors are known.

    Raises:
        HeadError: the sequence has layers of a kind that is not read.
    """
    for path in _classifier_paths(network):
        known, given = ({name for name in names if name.startswith(f"{path}.")} for names in (network.state_dict(), tensors))
        if known == given:
            return
        if indices := _indices(path, tensors):
            sequence, assumed = _sequence(path, indices, tensors, layers)
            parent, _, own = path.rpartition(".")
            setattr(network.get_submodule(parent), own, sequence)
            if assumed:
                setattr(network, _MARK, True)
            return


def assumptions(network: nn.Module) -> list[str]:
    """Return in sentences what the tensors of a network did not say."""
    assumed = getattr(network, _MARK, False)
    sentence = "The checkpoint does not say which activation stands between the linear layers of its head; ReLU is assumed."
    return [sentence] if assumed else []


def _classifier_paths(network: nn.Module) -> Iterator[str]:
    """Yield the paths of the sequences around the last linear layer or 1 x 1 convolution, then its own."""
    last = [
        name
        for name, part in network.named_modules()
        if isinstance(part, nn.Linear) or (isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1))
    ]
    paths = last[-1:]
    while paths and isinstance(network.get_submodule(parent := paths[-1].rpartition(".")[0]), nn.Sequential) and parent:
        paths.append(parent)
    yield from reversed(paths)


def _indices(path: str, tensors: Mapping[str, torch.Tensor]) -> list[int]:
    """Return the indices of the layers with tensors in a sequence at a path; empty where there is none."""
    names = [name.removeprefix(f"{path}.") for name in tensors if name.startswith(f"{path}.")]
    matches = [re.fullmatch(r"(\d+)\.\w+", name) for name in names]
    if not matches or not all(matches):
        return []
    return sorted({int(match.group(1)) for match in matches if match})


def _sequence(
    path: str, indices: list[int], tensors: Mapping[str, torch.Tensor], layers: Mapping[str, str]
) -> tuple[nn.Sequential, bool]:
    """Return the sequence, without its tensors, and whether an activation was assumed."""
    built: list[nn.Module] = []
    assumed = activated = False
    for index in range(indices[-1] + 1):
        name = f"{path}.{index}"
        if index in indices:
            built.append(_layer(name, tensors, layers))
            activated = activated and not isinstance(built[-1], nn.Linear)
        elif name in layers:
            built.append(_layer_without_tensors(layers[name], name))
        elif any(isinstance(layer, nn.Linear) for layer in built) and not activated:
            built.append(nn.ReLU())
            assumed = activated = True
        else:
            built.append(nn.Identity())
    return nn.Sequential(*built), assumed


def _layer(name: str, tensors: Mapping[str, torch.Tensor], layers: Mapping[str, str]) -> nn.Module:
    weight, mean = tensors.get(f"{name}.weight"), tensors.get(f"{name}.running_mean")
    kind = layers.get(name, "")
    if weight is not None and weight.ndim == 2 and kind in ("", "Linear", "NonDynamicallyQuantizableLinear"):
        return nn.Linear(weight.shape[1], weight.shape[0], bias=f"{name}.bias" in tensors)
    if mean is not None and mean.ndim == 1 and kind in ("", "BatchNorm1d"):
        return nn.BatchNorm1d(len(mean), affine=weight is not None)
    raise HeadError(
        f"Its head has a layer {name} of a kind that is not read{f' ({kind})' if kind else ''}: linear layers, batch norms, "
        "ReLU and dropout are."
    )


def _layer_without_tensors(kind: str, name: str) -> nn.Module:
    if kind == "ReLU":
        return nn.ReLU()
    if kind in _NEUTRAL:
        return nn.Identity()
    raise HeadError(f"Its head has a {kind} ({name}): its evidence is not worked out here.")
