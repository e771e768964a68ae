"""How far from the training images: statistics of a middle layer's features.

The last layer has forgotten what is not a lesion, a middle one has not. Fitted to augmented images, the statistics would let
more strange pictures through, and no fewer cameras be refused (models/experiments.md).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import onnx
from lesion.inference.model import create_session
from onnx import numpy_helper
from tqdm import tqdm

from export.data.labels import LabelledImage
from export.data.transforms import read_pixels
from export.graph.assemble import OodStatistics

Features = npt.NDArray[np.float64]

FEATURES_TENSOR = "mean_middle"
"""The features' name in the graph (`export.graph.serving_graph`), which does not give them out."""

COMPONENTS = 192
MAX_IMAGES_PER_DATASET = 2000
"""Images of one data set at most: else the largest one's cameras would be all that is familiar (models/experiments.md)."""


def sample_per_dataset(rows: Sequence[LabelledImage], each: int = MAX_IMAGES_PER_DATASET, seed: int = 1) -> list[LabelledImage]:
    """The images that the statistics are fitted to: `each` of every data set at most, with a fixed seed.

    What is drawn of one data set does not depend on which others there are.
    """
    found = []
    for name in sorted({row.dataset for row in rows}):
        own = [row for row in rows if row.dataset == name]
        found += [own[index] for index in np.random.default_rng(seed).permutation(len(own))[:each]]
    return found


def extract_features(model: onnx.ModelProto, rows: Sequence[LabelledImage]) -> Features:
    """Middle features (N, M) of images as a model file serves them, in its own numbers."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.output.append(onnx.helper.make_tensor_value_info(FEATURES_TENSOR, onnx.TensorProto.FLOAT, [None]))
    graph = create_session(whole.SerializeToString())
    [side] = (tensor for tensor in model.graph.initializer if tensor.name == "network_size")
    at_least = 2 * int(numpy_helper.to_array(side)[0])

    def one(row: LabelledImage) -> Features:
        [found] = graph.run([FEATURES_TENSOR], {"image": read_pixels(row.path, at_least=at_least)[np.newaxis]})
        return np.asarray(found, np.float64)

    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(tqdm(pool.map(one, rows), "features", total=len(rows), unit="image", leave=False)))


def fit_ood_statistics(features: Features) -> OodStatistics:
    """Probabilistic PCA (Tipping & Bishop 1999) of features (N, M), standardised, with `COMPONENTS` components at most."""
    mean, std = features.mean(0), features.std(0) + 1e-6
    covariance = np.cov((features - mean) / std, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)  # ascending
    # N images span N - 1 dimensions at most: beyond these there is no variance to divide by.
    kept = min(COMPONENTS, len(features) // 2, len(values) - 1)
    return OodStatistics(
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        components=np.ascontiguousarray(vectors[:, -kept:]).astype(np.float32),
        component_std=np.sqrt(values[-kept:]).astype(np.float32),
        outside_variance=float(values[:-kept].mean()),
    )


def ood_distances(familiarity: OodStatistics, features: Features) -> Features:
    """What the graph computes of features (N, M): root mean square of the Mahalanobis distance, (N,)."""
    standard = (features - familiarity.mean) / familiarity.std
    inside = standard @ familiarity.components
    outside = (standard**2).sum(1) - (inside**2).sum(1)
    total = ((inside / familiarity.component_std) ** 2).sum(1) + outside / familiarity.outside_variance
    return np.asarray(np.sqrt(total / features.shape[1]))
