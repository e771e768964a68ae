"""How far from the training images: statistics of a middle layer's features.

The last layer has forgotten what is not a lesion, a middle one has not. Fitted to augmented images, the statistics would let
more strange pictures through, and no fewer cameras be refused (models/experiments.md).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from export.data import Labelled, load_square
from export.graph import Core, Familiarity

Features = npt.NDArray[np.float64]

COMPONENTS = 128
EACH = 2000
"""Images of one data set at most: else the largest one's cameras would be all that is familiar (models/experiments.md)."""


def fit(core: Core, rows: Sequence[Labelled]) -> Familiarity:
    """Fit to training images."""
    return principal(features_of(core, drawn(rows)))


def drawn(rows: Sequence[Labelled], each: int = EACH, seed: int = 1) -> list[Labelled]:
    """The images that the statistics are fitted to: `each` of every data set at most, with a fixed seed.

    What is drawn of one data set does not depend on which others there are.
    """
    found = []
    for name in sorted({row.dataset for row in rows}):
        own = [row for row in rows if row.dataset == name]
        found += [own[index] for index in np.random.default_rng(seed).permutation(len(own))[:each]]
    return found


@torch.inference_mode()
def features_of(core: Core, rows: Sequence[Labelled]) -> Features:
    """Middle features (N, M) of images as they are served."""
    found = []
    for start in tqdm(range(0, len(rows), 32), "features", unit="batch", leave=False):
        squares = [load_square(row.path, core.network.spec.size) for row in rows[start : start + 32]]
        found.append(core.middle_features(torch.stack(squares).float()).numpy())
    return np.concatenate(found).astype(np.float64)


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
