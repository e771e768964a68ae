"""Write a checkpoint that `export.checkpoints.reader` reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from export.nn.network import Spec


def write_checkpoint(
    folder: Path, spec: Spec, weights: Mapping[str, torch.Tensor], provenance: Mapping[str, Any], **more: Any
) -> None:
    """Write `checkpoint.pt` beside itself first, so that a kill never leaves half of one.

    Args:
        folder: made where it does not exist.
        spec, weights: the network that `convert` takes.
        provenance: what is known of the training, JSON values.
        more: what only `--resume` needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "checkpoint.pt"
    torch.save({"spec": spec.record(), "weights": weights, "provenance": provenance, **more}, target.with_suffix(".part"))
    target.with_suffix(".part").replace(target)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
