"""The device that a network is trained on, and states that every machine can read."""

import os
import re
from collections.abc import Mapping
from typing import Any

import torch

_NAMES = re.compile(r"auto|cpu|cuda(:\d+)?")


def select_device(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return "cpu", "cuda" or "cuda:N" for "auto" or one of these; "auto" is a GPU where PyTorch finds one.

    Of several processes that `torchrun` started, each has the GPU of its number.

    Args:
        name: of the device.
        environment: names and values of environment variables.

    Raises:
        ValueError: the name is another one, or there is no such GPU.
    """
    if not _NAMES.fullmatch(name):
        raise ValueError(f"{name!r} is not auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name.startswith("cuda") and not count:
        raise ValueError("PyTorch finds no GPU here; auto and cpu work without one")
    if name == "cpu" or not count:
        return "cpu"
    if name in ("auto", "cuda") and "LOCAL_RANK" in environment:
        name = f"cuda:{environment['LOCAL_RANK']}"
    number = int(name.partition(":")[2] or 0)
    if number >= count:
        raise ValueError(f"there is no {name}: PyTorch finds {count} GPU{'s' if count > 1 else ''}, numbered from 0")
    return "cuda" if name == "auto" else name


def to_cpu(state: Any) -> Any:
    """Return a state of nested dictionaries and lists with its tensors on the CPU."""
    if isinstance(state, torch.Tensor):
        return state.cpu()
    if isinstance(state, Mapping):
        return {key: to_cpu(value) for key, value in state.items()}
    return [to_cpu(value) for value in state] if isinstance(state, list) else state
