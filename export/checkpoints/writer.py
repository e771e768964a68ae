"""Writer of checkpoints that `export.checkpoints.reader` reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from export.nn.network import Spec


def write_checkpoint(
    folder: Path, spec: Spec, weights: Mapping[str, torch.Tensor], provenance: Mapping[str, Any], **more: Any
) -> None:
    """Write `checkpoint.pt`, atomically: first to another name in the same folder, so that no incomplete file remains.

    Args:
        folder: created where it does not exist.
        spec: of the network that `convert` exports.
        weights: its state dict.
        provenance: record of the training, JSON values.
        more: state that only `--resume` needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "checkpoint.pt"
    torch.save({"spec": spec.record(), "weights": weights, "provenance": provenance, **more}, target.with_suffix(".part"))
    target.with_suffix(".part").replace(target)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
