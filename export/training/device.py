"""The device that a network is trained on, and states that every machine can read."""

from collections.abc import Mapping
from typing import Any

import torch

DEVICES = ("auto", "cpu", "cuda")


def select_device(name: str) -> str:
    """Return "cpu" or "cuda" for one of `DEVICES`; "auto" is a GPU where PyTorch finds one.

    Raises:
        ValueError: the name is another one, or there is no GPU for "cuda".
    """
    if name not in DEVICES:
        raise ValueError(f"{name!r} is not auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no GPU here; auto and cpu work without one")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def to_cpu(state: Any) -> Any:
    """Return a state of nested dictionaries and lists with its tensors on the CPU."""
    if isinstance(state, torch.Tensor):
        return state.cpu()
    if isinstance(state, Mapping):
        return {key: to_cpu(value) for key, value in state.items()}
    return [to_cpu(value) for value in state] if isinstance(state, list) else state
