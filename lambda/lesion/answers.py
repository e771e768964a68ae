"""What the API answers: one model per JSON object of the contract, in the contract's order."""

from enum import IntEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lesion.decision import Side


class Views(IntEnum):
    """How many turned and mirrored copies of the photograph are judged and averaged."""

    ONE = 1
    EIGHT = 8


class ClassProbability(BaseModel):
    """One class and its share of the probability."""

    code: str
    malignant: bool
    probability: float = Field(description="0 to 1; all classes sum to 1")


class Prediction(BaseModel):
    """The answer for a photograph that can be judged."""

    decision: Literal["above_threshold", "below_threshold"]
    malignant_probability: float = Field(description="calibrated, 0 to 1")
    threshold: float = Field(description="operating threshold on malignant_probability")
    prediction_set: list[Side] = Field(description="conformal set: the sides that cannot be excluded")
    logit: float = Field(description="malignant against benign, before calibration")
    classes: list[ClassProbability] = Field(description="most probable first")


class Refusal(BaseModel):
    """Why the photograph is not judged, and what to do."""

    code: str = Field(description="too_small, too_dark, too_blurry, not_a_lesion, unstable, or another of the model's")
    message: str


class EvidenceMap(BaseModel):
    """What in the photograph's centred square speaks for malignancy (positive) or against it (negative)."""

    rows: int
    columns: int
    bias: float = Field(description="mean of all values + bias = logit")
    values: list[list[float]] = Field(description="rows from the top, columns from the left")


class ImageFacts(BaseModel):
    """The photograph as it was sent, after it was turned upright."""

    width: int = Field(description="pixels")
    height: int = Field(description="pixels")
    format: str


class ModelVersion(BaseModel):
    """Which model answered."""

    version: str
    sha256: str = Field(description="of the model file")


class Timing(BaseModel):
    """Milliseconds inside the function."""

    decode: float
    infer: float
    total: float


class Classification(BaseModel):
    """The answer to a photograph: a prediction, or a refusal."""

    status: Literal["ok", "refused"]
    refusal: Refusal | None
    prediction: Prediction | None
    evidence: EvidenceMap | None
    image: ImageFacts
    model: ModelVersion
    timing_ms: Timing
    disclaimer: str


class ClassEntry(BaseModel):
    """A class that the model tells apart."""

    code: str
    name: str
    malignant: bool


class RefusalLimit(BaseModel):
    """The model refuses with `code` where `measure` is below or above a limit."""

    code: str
    measure: str
    below: float | None
    above: float | None


class ModelCard(BaseModel):
    """The model file's own account: what it is, what it was trained on, how well it does, what it is not for.

    Further members are as the model file has them.
    """

    model_config = ConfigDict(extra="allow")

    version: str
    sha256: str
    architecture: str
    input_size: int = Field(description="side in pixels of the square that the network sees")
    threshold: float
    coverage: float = Field(description="of the prediction sets, per side")
    set_limits: dict[str, float] = Field(description="probability of a side from which it joins the prediction set")
    refusal: list[RefusalLimit]
    classes: list[ClassEntry]
    training: Any = None
    metrics: Any = None
    licence: Any = None
    intended_use: Any = None
    limits_of_use: Any = None


class SampleEntry(BaseModel):
    """A photograph of the gallery; `diagnosis` and `malignant` are what its archive records."""

    id: str
    title: str
    diagnosis: str
    malignant: bool
    image: str
    thumbnail: str
    source: str
    licence: str


class Limits(BaseModel):
    """What an upload may be."""

    max_upload_bytes: int
    max_pixels: int
    formats: list[str]


class Config(BaseModel):
    """What a page needs to present the service."""

    title: str
    description: str
    about: list[str] = Field(description="paragraphs")
    links: dict[str, str]
    limits: Limits
