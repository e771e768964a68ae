"""JSON objects of the API's answers: one data class per object, fields in the order of the contract.

Plain data classes, so that a first image is answered before pydantic is loaded. FastAPI describes them in OpenAPI all the
same, with the description in each field's `metadata`.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Literal

from lesion.inference.combine import Agreement
from lesion.inference.decision import Side
from lesion.inference.model import Model


class Views(IntEnum):
    """Number of views of the image whose outputs are averaged: 1, or 8 (flips and quarter turns)."""

    ONE = 1
    EIGHT = 8


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
    threshold: float = field(metadata={"description": "operating threshold on malignant_probability"})
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
    """The image as uploaded, upright."""

    width: int = field(metadata={"description": "pixels"})
    height: int = field(metadata={"description": "pixels"})
    format: str


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
    """Milliseconds inside the function; the sums over several images."""

    decode: float
    infer: float
    total: float


@dataclass(frozen=True)
class Classification:
    """The answer for one lesion: a prediction or a refusal.

    For several images, `prediction` is the combined one of those that were not refused, and the lesion is refused only if
    all are, with the refusal of the first.
    """

    status: Literal["ok", "refused"]
    refusal: Refusal | None
    prediction: Prediction | None
    evidence: EvidenceMap | None = field(metadata={"description": "null for several images: each has its own in images"})
    image: ImageInfo | None = field(metadata={"description": "null for several images: each has its own in images"})
    images: list[ImageAnswer] | None = field(
        metadata={"description": "the answer for each image in the order of the form; null for one image"}
    )
    agreement: Agreement | None = field(
        metadata={
            "description": "whether all images that were not refused are on the same side of their own thresholds; null if "
            "there are fewer than two of them"
        }
    )
    model: ModelVersion
    timing_ms: Timing
    disclaimer: str


@dataclass(frozen=True)
class ClassEntry:
    """One class that the model distinguishes."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "ignore"}

    code: str
    name: str
    malignant: bool


@dataclass(frozen=True)
class RefusalLimit:
    """The model refuses with `code` if `measure` is below or above a limit."""

    # Otherwise it would inherit that of `ModelCard`.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "ignore"}

    code: str
    measure: str
    below: float | None
    above: float | None


@dataclass(frozen=True)
class ModelCard:
    """The model card: version, training data, evaluation, intended use and limits of use.

    Further members are those of the model file.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "allow"}

    version: str
    sha256: str
    architecture: str
    input_size: int = field(metadata={"description": "side in pixels of the square that the network sees"})
    threshold: float
    coverage: float = field(metadata={"description": "of the prediction sets, per side"})
    set_limits: dict[str, float] = field(metadata={"description": "probability of a side from which it joins the set"})
    refusal: list[RefusalLimit]
    classes: list[ClassEntry]
    training: Any = None
    metrics: Any = None
    licence: Any = None
    intended_use: Any = None
    limits_of_use: Any = None


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


def describe_model(model: Model) -> dict[str, Any]:
    """Return a loaded model's card as the JSON object that `ModelCard` describes.

    Args:
        model: the loaded model.

    Raises:
        ValueError: metadata of a foreign model file do not have the types of `ModelCard` (pydantic.ValidationError).
    """
    # Loaded here: the fast path does without pydantic.
    from pydantic import TypeAdapter

    known = asdict(model.card) | {"sha256": model.sha256}
    members = known.pop("about") | {name: known[name] for name in ModelCard.__dataclass_fields__ if name in known}
    card = TypeAdapter(ModelCard).validate_python(members)
    # Pydantic keeps the file's further members beside the fields, where `asdict` does not see them.
    return asdict(card) | {name: value for name, value in vars(card).items() if name not in ModelCard.__dataclass_fields__}


def to_json(answer: Classification) -> bytes:
    """Serialise an answer as compact JSON in UTF-8.

    Args:
        answer: the answer for one lesion.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(asdict(answer), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
