"""The answer to a photograph: one class per JSON object of the contract, in the contract's order.

Plain data classes, so that a first photograph is answered before pydantic is loaded; FastAPI describes them all the same,
with what `metadata` says of each field.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Literal

from lesion.inference.decision import Side


class Views(IntEnum):
    """How many turned and mirrored copies of the photograph are judged and averaged."""

    ONE = 1
    EIGHT = 8


@dataclass(frozen=True)
class ClassProbability:
    """One class and its share of the probability."""

    code: str
    malignant: bool
    probability: float = field(metadata={"description": "0 to 1; all classes sum to 1"})


@dataclass(frozen=True)
class Prediction:
    """The answer for a photograph that can be judged."""

    decision: Literal["above_threshold", "below_threshold"]
    malignant_probability: float = field(metadata={"description": "calibrated, 0 to 1"})
    threshold: float = field(metadata={"description": "operating threshold on malignant_probability"})
    prediction_set: list[Side] = field(metadata={"description": "conformal set: the sides that cannot be excluded"})
    logit: float = field(metadata={"description": "malignant against benign, before calibration"})
    classes: list[ClassProbability] = field(metadata={"description": "most probable first"})


@dataclass(frozen=True)
class Refusal:
    """Why the photograph is not judged, and what to do."""

    code: str = field(
        metadata={"description": "too_small, too_dark, too_blurry, not_a_lesion, unstable, or another of the model's"}
    )
    message: str


@dataclass(frozen=True)
class EvidenceMap:
    """What in the photograph's centred square speaks for malignancy (positive) or against it (negative)."""

    rows: int
    columns: int
    bias: float = field(metadata={"description": "mean of all values + bias = logit"})
    values: list[list[float]] = field(metadata={"description": "rows from the top, columns from the left"})


@dataclass(frozen=True)
class ImageFacts:
    """The photograph as it was sent, after it was turned upright."""

    width: int = field(metadata={"description": "pixels"})
    height: int = field(metadata={"description": "pixels"})
    format: str


@dataclass(frozen=True)
class ModelVersion:
    """Which model answered."""

    version: str
    sha256: str = field(metadata={"description": "of the model file"})


@dataclass(frozen=True)
class Timing:
    """Milliseconds inside the function."""

    decode: float
    infer: float
    total: float


@dataclass(frozen=True)
class Classification:
    """The answer to a photograph: a prediction, or a refusal."""

    status: Literal["ok", "refused"]
    refusal: Refusal | None
    prediction: Prediction | None
    evidence: EvidenceMap | None
    image: ImageFacts
    model: ModelVersion
    timing_ms: Timing
    disclaimer: str


def encode(answer: Classification) -> bytes:
    """The answer as it is sent.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(asdict(answer), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
