"""Parse the metadata of the model file: classes, thresholds, refusal rules and the model card."""

import json
from dataclasses import dataclass
from typing import Any

from lesion.errors import ModelFileError

FORMAT = "1"
"""Value of the metadata key `lesion_format` in the files that this code supports."""


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
        measure: name of a scalar of `lesion.inference.model.Outputs`: sharpness, brightness, size, distance or spread.
        below: refuse below this value, or None.
        above: refuse above this value, or None.
    """

    code: str
    measure: str
    below: float | None = None
    above: float | None = None


@dataclass(frozen=True)
class Card:
    """The metadata of a model file.

    Attributes:
        version: of the model, not of the code.
        architecture: the network's name in timm.
        input_size: side in pixels of the square that the network sees.
        classes: diagnoses, in the order of the output `classes`.
        bias: logit minus the mean of the evidence map; None if the graph has an output `bias`.
        threshold: calibrated probability from which the decision is "above_threshold".
        coverage: of the prediction sets, per class.
        set_limits: "malignant" and "benign" -> probability of that side from which it joins the prediction set.
        refusal: rules in order of precedence.
        about: all other metadata, as JSON values: training, metrics, licence, intended use, limits of use.
    """

    version: str
    architecture: str
    input_size: int
    classes: tuple[DiagnosisClass, ...]
    bias: float | None
    threshold: float
    coverage: float
    set_limits: dict[str, float]
    refusal: tuple[RefusalRule, ...]
    about: dict[str, Any]


def read_card(metadata: dict[str, str], source: str) -> Card:
    """Parse the metadata of a model file.

    Args:
        metadata: `metadata_props` of the ONNX file; each value is JSON.
        source: name of the file for error messages.

    Raises:
        ModelFileError: the file is not of this project, or metadata that serving needs are missing or malformed.
    """
    if metadata.get("lesion_format") != FORMAT:
        raise ModelFileError(
            f"{source} is not a model of this project (metadata lesion_format is {metadata.get('lesion_format')!r}, "
            f"not {FORMAT!r}). Convert a checkpoint with `make export`."
        )
    try:
        values = {key: json.loads(text) for key, text in metadata.items()}
        sets = values.pop("prediction_sets")
        return Card(
            version=str(values.pop("version")),
            architecture=str(values.pop("architecture")),
            input_size=int(values.pop("input_size")),
            classes=tuple(DiagnosisClass(**entry) for entry in values.pop("classes")),
            bias=values.pop("bias", None),
            threshold=float(values.pop("threshold")),
            coverage=float(sets["coverage"]),
            set_limits={side: float(sets[side]) for side in ("malignant", "benign")},
            refusal=tuple(RefusalRule(**entry) for entry in values.pop("refusal")),
            about=values,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{source} has metadata that cannot be used ({error}). Write it again with `make export`."
        ) from error
