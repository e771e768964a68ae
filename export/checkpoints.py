"""Readers of checkpoints: a file from training -> a network ready for `export.graph`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from export.network import LesionNet, Spec


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read; the message says what is expected instead."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode, and what is known of its training (JSON values)."""

    network: LesionNet
    provenance: dict[str, Any]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `export.train` wrote; tensors and plain values only, no code is run.

    Raises:
        CheckpointError: the file is missing or is not such a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        fields: dict[str, Any] = state["spec"]
        network = LesionNet(Spec(**fields))
        network.load_state_dict(state["weights"])
        provenance = dict(state["provenance"])
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist. `make train` writes one.") from error
    except Exception as error:
        # torch raises UnpicklingError, RuntimeError, KeyError, TypeError, … depending on what the file really is.
        raise CheckpointError(f"{path} is not a checkpoint of `python -m export.train` ({type(error).__name__}).") from error
    return Checkpoint(network.eval(), provenance)
