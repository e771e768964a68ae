"""Reader of state dicts: tensors by name in any container that training loops write, and what it states of the network."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from export.checkpoints.recorded_objects import RecordedObject, to_builtin
from export.errors import CheckpointError

_WEIGHTS = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema"),
    *("state_dict", "model_state_dict", "model", "net", "weights"),
)
"""Keys under which training loops save the weights; moving averages first, because they are meant for inference."""

_HINTS = {
    "arch": ("arch", "architecture", "model_name", "model"),
    "classes": ("classes", "class_names", "labels", "label_names", "vocab", "class_to_idx"),
    "malignant": ("malignant",),
    "size": ("input_size", "img_size", "image_size", "size"),
    "mean": ("mean",),
    "std": ("std",),
}
_BESIDE = ("args", "hyper_parameters", "hparams", "config")

LARGEST = 100_000
"""Largest number of tensors or modules in one network."""


@dataclass(frozen=True)
class StateDict:
    """Tensors by name, and what the file states about the network.

    Attributes:
        tensors: by their names in the file.
        hints: values under the keys of `_HINTS`.
        layers: class names of the modules by their path, where whole modules were pickled.
    """

    tensors: dict[str, torch.Tensor]
    hints: dict[str, Any]
    layers: dict[str, str] = field(default_factory=dict)


def read_safetensors(path: Path) -> StateDict:
    """Read a .safetensors file; its metadata are strings, and lists in them JSON or separated by commas.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise CheckpointError(f"It is not a complete .safetensors file ({error}).") from error
    return StateDict(tensors, read_hints({key: _parse_metadata(text) for key, text in metadata.items()}))


def _parse_metadata(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if "," in text else text


def find_state_dict(root: Any) -> StateDict:
    """Return the state dict in the contents of a file.

    Args:
        root: what `read_torch_file` returned.

    Raises:
        CheckpointError: there is no state dict.
    """
    beside: dict[str, Any] = root if isinstance(root, dict) else {}
    candidates = [root, *(beside[key] for key in _WEIGHTS if key in beside)]
    # The weights can be at the top level; a container of other things has no tensors there.
    for candidate in candidates:
        tensors = _tensors(candidate)
        if tensors:
            layers = module_layers(candidate) if isinstance(candidate, RecordedObject) else {}
            return StateDict(tensors, read_hints(beside), layers)
    raise CheckpointError(f"There is no state dict in it: no dict of tensors at the top or under one of {_WEIGHTS}.")


def _tensors(value: Any) -> dict[str, torch.Tensor]:
    if isinstance(value, RecordedObject):
        return module_tensors(value)
    if not isinstance(value, dict):
        return {}
    tensors = {key: entry for key, entry in value.items() if isinstance(key, str) and isinstance(entry, torch.Tensor)}
    # A dict of settings can contain a tensor.
    return tensors if len(tensors) > len(value) / 2 else {}


def module_tensors(module: RecordedObject) -> dict[str, torch.Tensor]:
    """Return the state dict of a pickled module from its recorded attributes.

    Raises:
        CheckpointError: the modules contain each other, or are too many.
    """
    tensors: dict[str, torch.Tensor] = {}
    for prefix, part in _modules(module):
        hidden = part.fields.get("_non_persistent_buffers_set", ())
        for kind in ("_parameters", "_buffers"):
            for name, value in _as_dict(part.fields.get(kind)).items():
                if isinstance(value, torch.Tensor) and not (isinstance(hidden, set) and name in hidden):
                    tensors[f"{prefix}{name}"] = value
        if len(tensors) > LARGEST:
            raise CheckpointError("It has more tensors than any network.")
    return tensors


def module_layers(module: RecordedObject) -> dict[str, str]:
    """Return the class name of each module in a pickled module, by its path.

    Raises:
        CheckpointError: see `module_tensors`.
    """
    return {prefix.removesuffix("."): part.name for prefix, part in _modules(module)}


def _modules(module: RecordedObject) -> Iterator[tuple[str, RecordedObject]]:
    """Yield the modules of a pickled module and the prefix of the names of their tensors, in order."""
    waiting, visited = [("", module)], 0
    while waiting:
        prefix, part = waiting.pop()
        visited += 1
        if visited > LARGEST:
            raise CheckpointError("It has more modules than any network.")
        yield prefix, part
        children = [(f"{prefix}{name}.", child) for name, child in _as_dict(part.fields.get("_modules")).items()]
        waiting.extend((name, child) for name, child in reversed(children) if isinstance(child, RecordedObject))


def _as_dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def read_hints(beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file states about the network under the usual keys; the top level takes precedence.

    Args:
        beside: everything at the top level of the file, or its metadata.

    Returns:
        values by the keys of `_HINTS`; only those that are present and of the expected type.
    """
    places: list[Mapping[str, Any]] = [beside]
    for key in _BESIDE:
        value = beside.get(key)
        places.append(value.fields if isinstance(value, RecordedObject) else value if isinstance(value, dict) else {})
    hints: dict[str, Any] = {}
    for hint, keys in _HINTS.items():
        for value in (to_builtin(place[key]) for place in places for key in keys if key in place):
            usable = _convert_hint(hint, value)
            if usable is not None and hint not in hints:
                hints[hint] = usable
    return hints


def _convert_hint(hint: str, value: Any) -> Any:
    """Return the value in one form, None where its type does not fit the hint."""
    if hint == "arch":
        return value if isinstance(value, str) else None
    if hint == "size":
        sides = value[-2:] if isinstance(value, list | tuple) else (value,)
        numbers = [int(side) for side in sides if isinstance(side, int) or (isinstance(side, str) and side.isdigit())]
        return (numbers[0], numbers[-1]) if numbers and len(numbers) == len(sides) else None
    if hint in ("mean", "std"):
        fits = isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(part, float | int) for part in value)
        return tuple(float(part) for part in value) if fits else None
    if isinstance(value, dict):
        value = _names_by_index(value)
    if isinstance(value, str) and hint == "malignant":
        value = [value]
    return list(value) if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value) else None


def _names_by_index(classes: Mapping[Any, Any]) -> list[Any] | None:
    """Return names in order of their index, of name -> index (torchvision's ImageFolder) or index -> name."""
    if all(isinstance(index, int) for index in classes.values()):
        return sorted(classes, key=lambda name: int(classes[name]))
    # JSON has only string keys.
    if all(isinstance(index, int) or (isinstance(index, str) and index.isdigit()) for index in classes):
        return [classes[index] for index in sorted(classes, key=int)]
    return None
