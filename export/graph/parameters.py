"""Parameters of the serving graph that are fitted to one model's outputs, by image type and number of views.

A row of a parameter belongs to one image type, or to one setting: an image type with one or with eight views. The graph
gathers the row of the type that is given or detected (`export.graph.serving_graph`). A model of one image type has the same
rows for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from lesion.inference.card import IMAGE_TYPES, VIEWS, ImageType

from export.arrays import Floats
from export.graph.calibration import IDENTITY, Calibration


@dataclass(frozen=True)
class OodStatistics:
    """Parameters of the OOD detector: probabilistic PCA (Tipping & Bishop 1999) of the training images' middle features.

    M features, D components. `export.evaluation.ood` fits them.

    Attributes:
        mean, std: float32 (M,), standardise the features.
        components: float32 (M, D), orthonormal columns.
        component_std: float32 (D,), standard deviation of the standardised features along each component.
        noise_variance: mean variance in the directions outside the components.
    """

    mean: Floats
    std: Floats
    components: Floats
    component_std: Floats
    noise_variance: float

    @classmethod
    def placeholder(cls, features: int) -> "OodStatistics":
        """Return unfitted statistics of `features` features with the right shapes."""
        component = np.eye(features, 1, dtype=np.float32)
        ones = np.ones(features, np.float32)
        return cls(np.zeros(features, np.float32), ones, component, np.ones(1, np.float32), 1.0)

    def padded(self, components: int) -> "OodStatistics":
        """Return equivalent statistics with at least `components` components: columns of zeros do not change distances."""
        missing = components - len(self.component_std)
        if missing <= 0:
            return self
        wide = np.pad(self.components, ((0, 0), (0, missing)))
        std = np.pad(self.component_std, (0, missing), constant_values=1)
        return OodStatistics(self.mean, self.std, wide, std, self.noise_variance)


@dataclass(frozen=True)
class ImageTypeDetector:
    """Logistic regression from standardised features, middle and last, to whether an image is clinical.

    T features: the M middle ones, then the embedding. `export.evaluation.image_type` fits it.

    Attributes:
        mean, std: float32 (T,), standardise the features.
        weights: float32 (T,).
        bias: of the logit.
    """

    mean: Floats
    std: Floats
    weights: Floats
    bias: float

    def initializers(self) -> dict[str, Floats]:
        """Return the parameters by their names in the graph."""
        return {
            "type_mean": self.mean,
            "type_std": self.std,
            "type_weights": self.weights,
            "type_bias": np.asarray(self.bias, np.float32),
        }


@dataclass(frozen=True)
class GraphParameters:
    """All fitted parameters of a serving graph.

    Attributes:
        statistics: image type -> OOD statistics; its keys are the image types of the model.
        calibrations: image type -> number of views -> calibration.
        detector: None for a model of one image type.
    """

    statistics: Mapping[ImageType, OodStatistics]
    calibrations: Mapping[ImageType, Mapping[int, Calibration]]
    detector: ImageTypeDetector | None

    @classmethod
    def uncalibrated(
        cls, statistics: Mapping[ImageType, OodStatistics], detector: ImageTypeDetector | None
    ) -> "GraphParameters":
        """Return parameters whose probabilities are the sigmoids of the logits."""
        return cls(statistics, {image_type: dict.fromkeys(VIEWS, IDENTITY) for image_type in statistics}, detector)

    @classmethod
    def placeholder(cls, features: int) -> "GraphParameters":
        """Return unfitted parameters for `features` middle features and one image type."""
        return cls.uncalibrated({"dermoscopic": OodStatistics.placeholder(features)}, None)

    def initializers(self) -> dict[str, npt.NDArray[Any]]:
        """Return the tensors that the graph reads, by name; the first axis is the image type or the setting."""
        # A row that no image of the model's own types selects is a copy.
        types = [image_type if image_type in self.statistics else next(iter(self.statistics)) for image_type in IMAGE_TYPES]
        columns = max(len(one.component_std) for one in self.statistics.values())
        statistics = [self.statistics[image_type].padded(columns) for image_type in types]
        settings = [self.calibrations[image_type][views] for image_type in types for views in VIEWS]
        only_type = np.asarray("clinical" in self.statistics, np.float32)
        return {
            **{name: _stack([getattr(one, name) for one in settings]) for name in ("below", "above", "intercept")},
            "middle_mean": _stack([one.mean for one in statistics]),
            "middle_std": _stack([one.std for one in statistics]),
            "components": _stack([one.components for one in statistics]),
            "component_std": _stack([one.component_std for one in statistics]),
            "outside_variance": _stack([one.noise_variance for one in statistics]),
            **({"only_type": only_type} if self.detector is None else self.detector.initializers()),
        }


def _stack(rows: Sequence[Any]) -> Floats:
    return np.stack([np.asarray(row, np.float32) for row in rows])
