"""Logits of stored images, computed by PyTorch without the serving graph."""

from collections.abc import Iterator

import torch
from torch import nn

from export.data.transforms import resize
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise, Prediction


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
    for images in _inputs(squares, size, normalise):
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(network(images)[0].float())
    return torch.cat(logits)


@torch.inference_mode()
def predict_logits(network: LesionNet, squares: torch.Tensor, size: int, normalise: Normalise) -> Prediction:
    """Return the logits of all heads, float32 on the CPU, of one view each.

    Args:
        network: on the device of `normalise`; put into evaluation mode and run under bfloat16 autocast.
        squares: uint8 (N, 3, H, H), on any device.
        size: side in pixels of the network's input.
        normalise: the normalisation of the network.
    """
    network.eval()
    parts = []
    for images in _inputs(squares, size, normalise):
        with torch.autocast(images.device.type, torch.bfloat16):
            parts.append(network.predict(images).to_float32())
    return Prediction(*(torch.cat(logits).cpu() for logits in zip(*parts, strict=True) if logits[0] is not None))


def _inputs(squares: torch.Tensor, size: int, normalise: Normalise) -> Iterator[torch.Tensor]:
    """Yield normalised images (n, 3, size, size) of stored squares in batches, on the device of `normalise`."""
    for chunk in squares.split(64):
        images = normalise(resize(chunk.to(normalise.mean.device).float(), size))
        yield images.contiguous(memory_format=torch.channels_last)
