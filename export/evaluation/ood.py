"""Out-of-distribution (OOD) detection: fit of the statistics of middle layers' features, and distance.

The last layer has lost what distinguishes other objects from lesions; middle layers have not. Statistics fitted on degraded
images would accept more OOD images and refuse no fewer images of other cameras. Hairs, rulers and ink on a few of the images
accept no more of them, and without these most lesions under hairs would be refused (models/experiments.md).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import onnx
from lesion.imaging.decode import Pixels
from lesion.inference.card import IMAGE_TYPES, ImageType
from lesion.inference.model import create_session
from onnx import numpy_helper
from sklearn.decomposition import PCA
from tqdm import tqdm

from export.arrays import Array
from export.data.augment import occlude
from export.data.corruptions import Corruption
from export.data.labels import LabelledImage
from export.data.pixels import read_pixels
from export.graph.parameters import OodStatistics

FEATURES_TENSOR = "mean_middle"
"""Name of the middle features, averaged over views, in the graph (`export.graph.serving_graph`); not a graph output."""

TYPE_FEATURES_TENSOR = "type_features"
"""Name of the middle features followed by the embedding, which the detector of the image type reads."""

COMPONENTS = 192
"""Largest number of principal components, selected on `val` and `not-lesions` with the features of one level of one network
(models/experiments.md)."""

MAX_IMAGES_PER_DATASET = 2000
"""Without this limit the largest data set dominates the statistics (models/experiments.md)."""


DRAWN_ON_EVERY = 20
"""Of so many images of the fit, one is added a second time with hairs, a ruler or ink (models/experiments.md)."""


def sample_per_dataset(
    rows: Sequence[LabelledImage], each: int = MAX_IMAGES_PER_DATASET, seed: int = 1
) -> list[LabelledImage]:
    """Return the images that the statistics are fitted on: at most `each` per data set, with a fixed seed.

    The sample of a data set does not depend on the other data sets.
    """
    sample: list[LabelledImage] = []
    for name in sorted({row.dataset for row in rows}):
        own = [row for row in rows if row.dataset == name]
        sample += [own[index] for index in np.random.default_rng(seed).permutation(len(own))[:each]]
    return sample


def extract_features(
    model: onnx.ModelProto,
    rows: Sequence[LabelledImage],
    tensor: str = FEATURES_TENSOR,
    change: Corruption = lambda pixels, _: pixels,
) -> Array:
    """Return features of images, computed by a model file in its own precision.

    Args:
        model: model file.
        rows: N images.
        tensor: name of the features in the graph.
        change: of the images' pixels; its draws depend on the place of an image in `rows`.

    Returns:
        float64 (N, M): mean and standard deviation of each channel of the middle layers; (N, T) of `TYPE_FEATURES_TENSOR`.

    Raises:
        DataError: an image cannot be read.
    """
    with_features = onnx.ModelProto()
    with_features.CopyFrom(model)
    features = onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, [None])
    with_features.graph.output.append(features)
    session = create_session(with_features.SerializeToString())
    [side] = (tensor for tensor in model.graph.initializer if tensor.name == "network_size")
    at_least = 2 * int(numpy_helper.to_array(side)[0])

    def features_of(place: int, row: LabelledImage) -> Array:
        pixels = change(read_pixels(row.path, at_least=at_least), np.random.default_rng(place))
        [values] = session.run([tensor], {"image": pixels[np.newaxis]})
        return np.asarray(values, np.float64)

    with ThreadPoolExecutor(2) as pool:
        every = pool.map(features_of, range(len(rows)), rows)
        return np.stack(list(tqdm(every, "features", total=len(rows), unit="image", leave=False)))


@dataclass(frozen=True)
class TypedFeatures:
    """Features of images of one image type.

    Attributes:
        rows: N rows; those of images that were drawn on appear twice.
        middle: float64 (N, M), the middle features.
        features: float64 (N, T), the middle features and the embedding.
    """

    rows: list[LabelledImage]
    middle: Array
    features: Array


def extract_features_by_type(model: onnx.ModelProto, rows: Sequence[LabelledImage]) -> dict[ImageType, TypedFeatures]:
    """Return the features of `sample_per_dataset` of each image type, in the order of `IMAGE_TYPES`.

    Every `DRAWN_ON_EVERY`-th image follows again with hairs, a ruler or ink.

    Args:
        model: model file.
        rows: of `train`.

    Raises:
        DataError: an image cannot be read.
    """
    samples = {
        image_type: sample_per_dataset([row for row in rows if row.image_type == image_type]) for image_type in IMAGE_TYPES
    }
    return {
        name: _joined(typed_features(model, sample), typed_features(model, sample[::DRAWN_ON_EVERY], _draw_on))
        for name, sample in samples.items()
        if sample
    }


def typed_features(
    model: onnx.ModelProto, rows: list[LabelledImage], change: Corruption = lambda pixels, _: pixels
) -> TypedFeatures:
    """Return the features of images of one type.

    Args:
        model: model file.
        rows: N images.
        change: see `extract_features`.

    Raises:
        DataError: an image cannot be read.
    """
    [middle] = (tensor for tensor in model.graph.initializer if tensor.name == "middle_mean")
    features = extract_features(model, rows, TYPE_FEATURES_TENSOR, change)
    return TypedFeatures(rows, features[:, : middle.dims[-1]], features)


def _draw_on(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return occlude(pixels, rng, share=1)


def _joined(one: TypedFeatures, other: TypedFeatures) -> TypedFeatures:
    return TypedFeatures(
        [*one.rows, *other.rows],
        np.concatenate((one.middle, other.middle)),
        np.concatenate((one.features, other.features)),
    )


def fit_ood_statistics(features: Array) -> OodStatistics:
    """Fit probabilistic PCA (Tipping & Bishop 1999) on standardised features.

    Args:
        features: float64 (N, M).

    Returns:
        Statistics with at most `COMPONENTS` components.
    """
    mean, std = features.mean(0), features.std(0) + 1e-6
    # N images span at most N - 1 dimensions: beyond these there is no variance to divide by.
    components = min(COMPONENTS, len(features) // 2, features.shape[1] - 1)
    pca = PCA(components, svd_solver="covariance_eigh").fit((features - mean) / std)
    return OodStatistics(
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        components=np.ascontiguousarray(pca.components_.T).astype(np.float32),
        component_std=np.sqrt(pca.explained_variance_).astype(np.float32),
        noise_variance=float(pca.noise_variance_),
    )


def ood_distances(statistics: OodStatistics, features: Array) -> Array:
    """Return the OOD score of each image as the graph computes it.

    Args:
        statistics: fitted statistics.
        features: float64 (N, M), or of several views of each image (N, V, M).

    Returns:
        float64 (N,): the Mahalanobis distance inside the components and, with one variance, outside them, as a root mean
        square over the M features and the views. The mean of the features of several views would be closer to the training
        images than the features of any of them, so that a limit fitted with one view would refuse less.
    """
    standardised = (features - statistics.mean) / statistics.std
    inside = standardised @ statistics.components
    outside = (standardised**2).sum(-1) - (inside**2).sum(-1)
    total = ((inside / statistics.component_std) ** 2).sum(-1) + outside / statistics.noise_variance
    mean_square = total / features.shape[-1]
    return np.asarray(np.sqrt(mean_square if features.ndim == 2 else mean_square.mean(1)))
