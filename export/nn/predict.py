"""Malignant logits of stored images, computed by PyTorch without the serving graph."""

import torch
from torch import nn

from export.data.transforms import resize
from export.nn.network import Normalise


@torch.inference_mode()
def predict_malignant_logits(network: nn.Module, squares: torch.Tensor, size: int, normalise: Normalise) -> torch.Tensor:
    """Return malignant logits, float32 (N,), of one view each.

    Args:
        network: put into evaluation mode; run under bfloat16 autocast.
        squares: uint8 (N, 3, H, H).
        size: side in pixels of the network's input.
        normalise: the normalisation of the network.
    """
    network.eval()
    logits = []
    for chunk in squares.split(64):
        images = normalise(resize(chunk.float(), size))
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(network(images.contiguous(memory_format=torch.channels_last))[0].float())
    return torch.cat(logits)
