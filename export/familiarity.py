"""How far from the training images: statistics of a middle layer's features.

The last layer has forgotten what is not a lesion, a middle one has not. The statistics are fitted on augmented training
images, so that another camera's colours or framing alone do not count as strange.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from export.augment import degrade, recolour, warp
from export.data import Labelled, load_square
from export.graph import Core, Familiarity

Features = npt.NDArray[np.float64]

COMPONENTS = 16
IMAGES = 2000


def fit(core: Core, rows: Sequence[Labelled]) -> Familiarity:
    """Fit to augmented training images."""
    return principal(training_features(core, rows)[1])


@torch.inference_mode()
def training_features(
    core: Core, rows: Sequence[Labelled], *, images: int = IMAGES, seed: int = 1
) -> tuple[list[Labelled], Features]:
    """Draw `images` training images with a fixed seed; them, and the middle features (N, M) of each, augmented."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    size = core.network.spec.size
    drawn = [rows[index] for index in rng.permutation(len(rows))[:images]]
    features = []
    for start in tqdm(range(0, len(drawn), 32), "familiarity", unit="batch", leave=False):
        squares = torch.stack([_degraded(row, rng) for row in drawn[start : start + 32]])
        batch = recolour(warp(squares.float() / 255, size, generator), generator, cutout=False) * 255
        features.append(core(batch)[3].numpy())
    return drawn, np.concatenate(features).astype(np.float64)


def _degraded(row: Labelled, rng: np.random.Generator) -> torch.Tensor:
    pixels = degrade(load_square(row.path, 256).permute(1, 2, 0).numpy(), rng)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def principal(features: Features) -> Familiarity:
    """Probabilistic PCA (Tipping & Bishop 1999) of features (N, M), standardised, with `COMPONENTS` components at most."""
    mean, std = features.mean(0), features.std(0) + 1e-6
    covariance = np.cov((features - mean) / std, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)  # ascending
    # N images span N - 1 dimensions at most: beyond these there is no variance to divide by.
    kept = min(COMPONENTS, len(features) // 2, len(values) - 1)
    return Familiarity(
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        components=np.ascontiguousarray(vectors[:, -kept:]).astype(np.float32),
        component_std=np.sqrt(values[-kept:]).astype(np.float32),
        outside_variance=float(values[:-kept].mean()),
    )


def distances(familiarity: Familiarity, features: Features) -> Features:
    """What the graph computes of features (N, M): root mean square of the Mahalanobis distance, (N,)."""
    standard = (features - familiarity.mean) / familiarity.std
    inside = standard @ familiarity.components
    outside = (standard**2).sum(1) - (inside**2).sum(1)
    total = ((inside / familiarity.component_std) ** 2).sum(1) + outside / familiarity.outside_variance
    return np.asarray(np.sqrt(total / features.shape[1]))
