"""Parse the metadata of the model file: classes, operating points per image type and number of views, and the model card."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lesion.errors import ModelFileError

FORMAT = "2"
"""Value of the metadata key `lesion_format` in the files that `export.commands.convert` writes."""
FORMATS = ("1", FORMAT)
"""Values of `lesion_format` that this code supports. Format 1 has one operating point, for dermoscopic images."""

ImageType = Literal["dermoscopic", "clinical"]
"""How an image was taken: through a dermatoscope, or as a close-up without one."""
IMAGE_TYPES: tuple[ImageType, ...] = get_args(ImageType)
"""In the order of the graph, which counts them from 1."""
VIEWS = (1, 8)
"""Numbers of views that an operating point exists for: 1, or 8 (see `lesion.inference.model.Model.run`)."""
SIDES = ("malignant", "benign")


@dataclass(frozen=True)
class DiagnosisClass:
    """One diagnosis that the model distinguishes.

    Attributes:
        code: in snake case.
        name: for people, in English.
        malignant: whether it counts as malignant.
    """

    code: str
    name: str
    malignant: bool


@dataclass(frozen=True)
class RefusalRule:
    """Refuse an image with `code` if `measure` is below or above a limit.

    Attributes:
        code: refusal code, in snake case.
        measure: one of `lesion.inference.model.MEASURES`.
        below: refuse below this value, or None.
        above: refuse above this value, or None.
    """

    code: str
    measure: str
    below: float | None = None
    above: float | None = None


@dataclass(frozen=True)
class OperatingPoint:
    """Limits on the outputs of the graph for one image type and one number of views.

    Attributes:
        threshold: calibrated probability from which the decision is "above_threshold".
        coverage: "malignant" and "benign" -> coverage of the prediction sets for images of that side.
        set_limits: "malignant" and "benign" -> probability of that side from which it joins the prediction set.
        refusal: rules in order of precedence.
        calibration: method and parameters from logit to probability, which the graph applies; JSON values.
    """

    threshold: float
    coverage: Mapping[str, float]
    set_limits: Mapping[str, float]
    refusal: tuple[RefusalRule, ...]
    calibration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """The metadata of a model file.

    Attributes:
        format: one of `FORMATS`.
        version: of the model, not of the code.
        architecture: the network's name in timm.
        input_size: side in pixels of the square that the network sees.
        classes: diagnoses, in the order of the output `classes`.
        bias: logit minus the mean of the evidence map; None if the graph has an output `bias`.
        operating_points: image type -> number of views -> operating point; types in the order of `IMAGE_TYPES`.
        has_evidence: whether the output `evidence` shows where the logit comes from (`explains` in `export.nn.network`).
        about: all other metadata, as JSON values: training, metrics, licence, intended use, limits of use.
    """

    format: str
    version: str
    architecture: str
    input_size: int
    classes: tuple[DiagnosisClass, ...]
    bias: float | None
    operating_points: Mapping[ImageType, Mapping[int, OperatingPoint]]
    has_evidence: bool
    about: dict[str, Any]

    def point(self, image_type: ImageType, views: int) -> OperatingPoint:
        """Return the operating point of an image type, with a number of views.

        Args:
            image_type: one of the keys of `operating_points`.
            views: 1 or 8.
        """
        return self.operating_points[image_type][views]

    @property
    def image_types(self) -> tuple[ImageType, ...]:
        """Image types that the model has operating points for."""
        return tuple(self.operating_points)

    @property
    def default_views(self) -> int:
        """Number of views that a client should ask for: the most that the model has operating points of its own for.

        The refusal limits of format 1 were fitted with one view, and refuse too few images with eight.
        """
        return VIEWS[0] if self.format == "1" else VIEWS[-1]

    @property
    def default_point(self) -> OperatingPoint:
        """Operating point of the first image type with one view, the only one of a file of format 1."""
        return self.point(self.image_types[0], VIEWS[0])


def read_card(metadata: dict[str, str], source: str) -> Card:
    """Parse the metadata of a model file.

    Args:
        metadata: `metadata_props` of the ONNX file; each value is JSON.
        source: name of the file for error messages.

    Raises:
        ModelFileError: the file is not of this project, or metadata that serving needs are missing or malformed, or the
            prediction sets of a file of format 2 contradict its thresholds.
    """
    file_format = metadata.get("lesion_format", "")
    if file_format not in FORMATS:
        raise ModelFileError(
            f"{source} is not a model of this project (metadata lesion_format is {metadata.get('lesion_format')!r}, "
            f"not {' or '.join(map(repr, FORMATS))}). Convert a checkpoint with `make export`."
        )
    try:
        values = {key: json.loads(text) for key, text in metadata.items()}
        return Card(
            format=file_format,
            version=str(values.pop("version")),
            architecture=str(values.pop("architecture")),
            input_size=int(values.pop("input_size")),
            classes=tuple(DiagnosisClass(**entry) for entry in values.pop("classes")),
            bias=values.pop("bias", None),
            operating_points=_pop_single_point(values) if file_format == "1" else _pop_points(values),
            has_evidence=bool(values.pop("evidence", True)),
            about=values,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{source} has metadata that cannot be used ({error}). Write it again with `make export`."
        ) from error


def _pop_single_point(values: dict[str, Any]) -> dict[ImageType, dict[int, OperatingPoint]]:
    """Remove the operating point of a file of format 1 from its metadata, and return it for every number of views."""
    sets = values.pop("prediction_sets")
    point = OperatingPoint(
        threshold=float(values.pop("threshold")),
        coverage=dict.fromkeys(SIDES, float(sets["coverage"])),
        set_limits={side: float(sets[side]) for side in SIDES},
        refusal=tuple(RefusalRule(**entry) for entry in values.pop("refusal")),
        calibration=values.get("calibration", {}),
    )
    return {"dermoscopic": dict.fromkeys(VIEWS, point)}


def _pop_points(values: dict[str, Any]) -> dict[ImageType, dict[int, OperatingPoint]]:
    """Remove the operating points of a file of format 2 from its metadata, and return them.

    Raises:
        ValueError: there is none, one is of an unknown image type, or contradicts itself.
    """
    given = values.pop("operating_points")
    if not given or not given.keys() <= set(IMAGE_TYPES):
        raise ValueError(f"operating_points has the image types {sorted(given)}, not some of {', '.join(IMAGE_TYPES)}")
    return {
        image_type: {views: _parse_point(given[image_type][str(views)]) for views in VIEWS}
        for image_type in IMAGE_TYPES
        if image_type in given
    }


def _parse_point(values: Mapping[str, Any]) -> OperatingPoint:
    sets = values["prediction_sets"]
    point = OperatingPoint(
        threshold=float(values["threshold"]),
        coverage={side: float(sets["coverage"][side]) for side in SIDES},
        set_limits={side: float(sets[side]) for side in SIDES},
        refusal=tuple(RefusalRule(**entry) for entry in values["refusal"]),
        calibration=dict(values["calibration"]),
    )
    # Compared as `lesion.inference.decision` compares. Subtraction from 1 is monotone in floating point too, so that what
    # holds at the threshold holds for every probability on either side of it. NaN fails.
    malignant, benign = (point.set_limits[side] for side in SIDES)
    if not (malignant <= point.threshold and benign <= 1 - point.threshold):
        raise ValueError(
            f"the prediction set limits {point.set_limits} contradict the threshold {point.threshold}: an image above it "
            "must have malignant in its set, and one below it benign"
        )
    return point
