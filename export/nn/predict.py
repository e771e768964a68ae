"""Logits of stored images, computed by PyTorch without the serving graph."""

from collections.abc import Iterator

import torch
from tqdm import tqdm

from export.arrays import Floats
from export.data.transforms import resize
from export.nn.autocast import autocast
from export.nn.lesion_net import LesionNet
from export.nn.network import Network, Normalise, Prediction

BATCH = 64
"""Images that are predicted at once."""


@torch.inference_mode()
def predict_malignant_logits(
    network: Network, squares: torch.Tensor, size: int, normalise: Normalise, clinical: torch.Tensor | None = None
) -> torch.Tensor:
    """Return malignant logits, float32 (N,), of one view each.

    Args:
        network: put into evaluation mode; run under `export.nn.autocast`.
        squares: uint8 (N, 3, H, H).
        size: side in pixels of the network's input.
        normalise: the normalisation of the network.
        clinical: (N,), see `Network.forward`.
    """
    network.eval()
    logits = []
    types = clinical if clinical is None else clinical.to(normalise.mean.device)
    for place, images in enumerate(_inputs(squares, size, normalise)):
        own = None if types is None else types[BATCH * place : BATCH * (place + 1)]
        with autocast(images.device):
            logits.append(network(images, own)[0].float())
    return torch.cat(logits)


@torch.inference_mode()
def predict_pooled(network: Network, squares: torch.Tensor, size: int) -> Floats:
    """Return the input of the network's heads, float32 (N, F): the last feature maps' means over rows and columns.

    Args:
        network: put into evaluation mode; run in float32, as it is served.
        squares: uint8 (N, 3, H, H).
        size: side in pixels of the network's input.
    """
    network.eval()
    pooled = []
    batches = _inputs(squares, size, Normalise(network.spec))
    for images in tqdm(batches, "features", total=-(-len(squares) // BATCH), unit="batch", leave=False):
        pooled.append(network.feature_maps(images)[0].mean((2, 3)))
    return torch.cat(pooled).numpy()


@torch.inference_mode()
def predict_logits(network: LesionNet, squares: torch.Tensor, size: int, normalise: Normalise) -> Prediction:
    """Return the logits of all heads, float32 on the CPU, of one view each.

    Args:
        network: on the device of `normalise`; put into evaluation mode and run under `export.nn.autocast`.
        squares: uint8 (N, 3, H, H), on any device.
        size: side in pixels of the network's input.
        normalise: the normalisation of the network.
    """
    network.eval()
    parts = []
    for images in _inputs(squares, size, normalise):
        with autocast(images.device):
            parts.append(network.predict(images).to_float32())
    return Prediction(*(torch.cat(logits).cpu() for logits in zip(*parts, strict=True) if logits[0] is not None))


def _inputs(squares: torch.Tensor, size: int, normalise: Normalise) -> Iterator[torch.Tensor]:
    """Yield normalised images (n, 3, size, size) of stored squares in batches, on the device of `normalise`."""
    for chunk in squares.split(BATCH):
        images = normalise(resize(chunk.to(normalise.mean.device).float(), size))
        yield images.contiguous(memory_format=torch.channels_last)
