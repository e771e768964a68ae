"""Logits of stored squares, without the serving graph."""

import torch
from torch import nn

from export.data.transforms import resize
from export.nn.network import Normalise


@torch.inference_mode()
def predict_malignant_logits(network: nn.Module, squares: torch.Tensor, size: int, normalise: Normalise) -> torch.Tensor:
    """Logits (N,) of stored squares, one plain view each."""
    network.eval()
    logits = []
    for chunk in squares.split(64):
        images = normalise(resize(chunk.float(), size))
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(network(images.contiguous(memory_format=torch.channels_last))[0].float())
    return torch.cat(logits)
