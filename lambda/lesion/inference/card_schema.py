"""JSON object of the model card, `GET /api/model`, which private mode reads too."""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from lesion.inference.model import Model


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
class OperatingLimits:
    """Limits for one image type and one number of views."""

    # As in `RefusalLimit`.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "ignore"}

    threshold: float
    coverage: dict[str, float] = field(metadata={"description": "of the prediction sets, by side"})
    set_limits: dict[str, float] = field(metadata={"description": "probability of a side from which it joins the set"})
    refusal: list[RefusalLimit]
    calibration: dict[str, Any] = field(metadata={"description": "method and parameters from logit to probability"})


@dataclass(frozen=True)
class ModelCard:
    """The model card: version, training data, evaluation, intended use and limits of use.

    `threshold`, `coverage`, `set_limits` and `refusal` are those of the first image type with one view. Further members are
    those of the model file.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "allow"}

    version: str
    sha256: str
    architecture: str
    input_size: int = field(metadata={"description": "side in pixels of the square that the network sees"})
    threshold: float
    coverage: float = field(metadata={"description": "of the prediction sets, of the side with the lower one"})
    set_limits: dict[str, float] = field(metadata={"description": "probability of a side from which it joins the set"})
    refusal: list[RefusalLimit]
    classes: list[ClassEntry]
    operating_points: dict[str, dict[str, OperatingLimits]] = field(
        metadata={"description": "image type -> number of views -> limits"}
    )
    has_evidence: bool = field(default=True, metadata={"description": "whether answers can have an evidence map"})
    training: Any = None
    metrics: Any = None
    licence: Any = None
    intended_use: Any = None
    limits_of_use: Any = None


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
    known |= asdict(model.card.default_point)
    known["coverage"] = min(known["coverage"].values())
    known["operating_points"] = {
        image_type: {str(views): point for views, point in by_views.items()}
        for image_type, by_views in known["operating_points"].items()
    }
    members = known.pop("about") | {name: known[name] for name in ModelCard.__dataclass_fields__ if name in known}
    card = TypeAdapter(ModelCard).validate_python(members)
    # Pydantic keeps the file's further members beside the fields, where `asdict` does not see them.
    return asdict(card) | {name: value for name, value in vars(card).items() if name not in ModelCard.__dataclass_fields__}
