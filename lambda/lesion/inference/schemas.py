"""JSON objects of the API's answers: one data class per object, fields in the order of the contract.

Plain data classes, so that a first image is answered before pydantic is loaded. FastAPI describes them in OpenAPI all the
same, with the description in each field's `metadata`.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Literal

from lesion.inference.card import ImageType
from lesion.inference.combine import Agreement
from lesion.inference.decision import Side


class Views(IntEnum):
    """Number of views of the image whose outputs are averaged: 1, or 8 (see `Model.run`)."""

    ONE = 1
    EIGHT = 8


ImageTypeChoice = Literal["auto", "dermoscopic", "clinical"]
"""Value of the parameter `image_type`; "auto" lets the model detect the type."""

TypeSource = Literal["detected", "given", "assumed"]
"""Where the image type is from: the model, the caller, or the model's only type."""


@dataclass(frozen=True)
class ClassProbability:
    """One class and its probability."""

    code: str
    malignant: bool
    probability: float = field(metadata={"description": "0 to 1; all classes sum to 1"})


@dataclass(frozen=True)
class Prediction:
    """The prediction for an image that was not refused."""

    decision: Literal["above_threshold", "below_threshold"]
    malignant_probability: float = field(metadata={"description": "calibrated, 0 to 1"})
    threshold: float = field(
        metadata={"description": "operating threshold on malignant_probability, of the image type and number of views"}
    )
    prediction_set: list[Side] = field(metadata={"description": "conformal set: the sides that cannot be excluded"})
    logit: float = field(metadata={"description": "malignant against benign, before calibration"})
    classes: list[ClassProbability] = field(metadata={"description": "most probable first"})


@dataclass(frozen=True)
class Refusal:
    """The reason why the image is not classified, and what to do."""

    code: str = field(
        metadata={"description": "too_small, too_dark, too_blurry, not_a_lesion, unstable, or a code of another model"}
    )
    message: str


@dataclass(frozen=True)
class EvidenceMap:
    """Evidence for (positive) and against (negative) malignancy in each cell of the image's centre square."""

    rows: int
    columns: int
    bias: float = field(metadata={"description": "mean of all values + bias = logit"})
    values: list[list[float]] = field(metadata={"description": "rows from the top, columns from the left"})


@dataclass(frozen=True)
class ImageInfo:
    """The image as uploaded, upright, and its type."""

    width: int = field(metadata={"description": "pixels"})
    height: int = field(metadata={"description": "pixels"})
    format: str
    type: ImageType = field(metadata={"description": "type whose calibration, threshold and limits were applied"})
    type_source: TypeSource = field(
        metadata={"description": "detected by the model, given in the request, or assumed: the only type of the model"}
    )
    type_probability: float | None = field(
        metadata={"description": "probability of this type by the model; null if the model has one type only"}
    )


@dataclass(frozen=True)
class ImageAnswer:
    """The answer for one of several images of a lesion, as if it had been sent alone."""

    status: Literal["ok", "refused"]
    refusal: Refusal | None
    prediction: Prediction | None
    evidence: EvidenceMap | None
    image: ImageInfo


@dataclass(frozen=True)
class ModelVersion:
    """The model that answered."""

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
    """The answer for one image: a prediction or a refusal."""

    status: Literal["ok", "refused"]
    refusal: Refusal | None
    prediction: Prediction | None
    evidence: EvidenceMap | None
    image: ImageInfo
    images: None = field(metadata={"description": "see LesionClassification"})
    agreement: None = field(metadata={"description": "see LesionClassification"})
    model: ModelVersion
    timing_ms: Timing
    disclaimer: str


@dataclass(frozen=True)
class LesionClassification:
    """The answer for several images of one lesion, with the members of `Classification`.

    The prediction is the combined one of the images that were not refused. The lesion is refused only if all images are.
    """

    status: Literal["ok", "refused"]
    refusal: Refusal | None = field(metadata={"description": "that of the first image"})
    prediction: Prediction | None
    evidence: None = field(metadata={"description": "each image has its own"})
    image: None = field(metadata={"description": "each image has its own"})
    images: list[ImageAnswer] = field(metadata={"description": "in the order of the form"})
    agreement: Agreement | None = field(
        metadata={
            "description": "whether the images that were not refused are all on the same side of their own thresholds; null "
            "if there are fewer than two of them"
        }
    )
    model: ModelVersion
    timing_ms: Timing = field(metadata={"description": "sums over the images"})
    disclaimer: str


@dataclass(frozen=True)
class Limits:
    """Limits of an upload."""

    max_upload_bytes: int = field(metadata={"description": "of all images of a request together"})
    max_images: int = field(metadata={"description": "images of one lesion in one request"})
    max_pixels: int
    max_pixels_of: dict[str, int] = field(metadata={"description": "formats with a lower limit"})
    formats: list[str]


@dataclass(frozen=True)
class Config:
    """What a page needs to present the service."""

    title: str
    description: str
    about: list[str] = field(metadata={"description": "paragraphs"})
    links: dict[str, str]
    limits: Limits
    default_views: int = field(metadata={"description": "views to ask for unless a person chooses: 1 or 8"})


def to_json(answer: Classification | LesionClassification) -> bytes:
    """Serialise an answer as compact JSON in UTF-8.

    Args:
        answer: the answer for one image or one lesion.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(asdict(answer), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
