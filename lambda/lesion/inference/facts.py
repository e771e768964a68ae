"""What the API answers about itself: one model per JSON object of the contract, in the contract's order."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lesion.inference.model import Model


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


def describe(model: Model) -> ModelCard:
    """The card of a loaded model.

    Raises:
        ValueError: from pydantic, where a foreign model file says something of itself that is none of this.
    """
    known = asdict(model.card) | {"sha256": model.sha256}
    return ModelCard.model_validate(
        known.pop("about") | {name: known[name] for name in ModelCard.model_fields if name in known}
    )


class Limits(BaseModel):
    """What an upload may be."""

    max_upload_bytes: int
    max_pixels: int
    max_pixels_of: dict[str, int] = Field(description="formats of which less is read")
    formats: list[str]


class Config(BaseModel):
    """What a page needs to present the service."""

    title: str
    description: str
    about: list[str] = Field(description="paragraphs")
    links: dict[str, str]
    limits: Limits
