"""Fit of the parameters of the graph that follow from features of `train`: OOD statistics and image type detector."""

from collections.abc import Sequence

import numpy as np
import onnx

from export.data.labels import LabelledImage
from export.evaluation.image_type import fit_image_type_detector
from export.evaluation.ood import extract_features_by_type, fit_ood_statistics
from export.graph.parameters import GraphParameters


def fit_graph_parameters(model: onnx.ModelProto, train: Sequence[LabelledImage]) -> GraphParameters:
    """Return fitted OOD statistics for each image type, and the detector, with uncalibrated probabilities.

    Args:
        model: model file in the precision in which it will be served; its own parameters are not used.
        train: rows of `train`.

    Raises:
        DataError: an image cannot be read.
    """
    typed = extract_features_by_type(model, train)
    features = np.concatenate([one.features for one in typed.values()])
    detector = fit_image_type_detector(features, [row for one in typed.values() for row in one.rows])
    return GraphParameters.uncalibrated({name: fit_ood_statistics(one.middle) for name, one in typed.items()}, detector)
