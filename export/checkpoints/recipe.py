"""The options of a training run, and the recipe of them that checkpoints and model files record as JSON.

Up to model 1.7.0 a recipe recorded its options as text ("True", "None", "0.0003"), and later `balance_datasets` instead of
`balance`; `Recipe.parse` accepts all forms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from export.data.augment import CROP_SCALE
from export.errors import CheckpointError
from export.nn.white_balance import IlluminantModel, parse_illuminant

Balance = Literal["sources", "datasets", "classes"]
"""How often training draws images; see `export.data.sampling`."""

Preparation = Literal["workers", "device"]
"""Where training draws on images and degrades them: in the data loader's processes, or on the device in batches."""


@dataclass(frozen=True)
class Phase:
    """A number of epochs at one input size.

    Attributes:
        size: side of the network's input in pixels.
        epochs: passes over the training images.
        batch: images per step.
    """

    size: int
    epochs: int
    batch: int


@dataclass(frozen=True)
class TrainConfig:
    """The options of `python -m export train` that shape a run. A new option needs a field with a default here.

    Attributes:
        arch: name of a timm architecture.
        phases: in their order.
        rate: learning rate at its highest.
        balance: "sources" as `export.data.sampling.source_balanced_weights`; "datasets" and "classes" as
            `sampling_weights` with and without `balance_datasets`.
        colour_constancy: order of the Minkowski norm of `export.nn.network.Normalise`; None leaves colours unchanged.
        mixup: both parameters of the Beta distribution that mixes pairs of images; 0 mixes none.
        degraded, drawn_on, squashed: shares of images, 0 to 1; see `export.data.augment`.
        scale: least and greatest side of a crop, relative to the image's side.
        teachers_share: share of the loss that compares with the teachers, 0 to 1; the rest compares with the labels.
        seed: of every random draw.
        size: side in pixels of the network's input when serving. The network's spec records it, the recipe does not.
        start: checkpoint or model file to start from; None starts from ImageNet weights. Recorded by its SHA-256.
        teachers: checkpoints or model files. Recorded by their SHA-256.
        freeze_body: whether only the last linear layers are trained.
        prepare: "workers" as `export.data.augment`, or "device" as `export.data.augment_batch`, which has the same
            distributions but other random numbers.
        workers: processes that prepare images. Not recorded, because they do not change the result.
        device: "cpu" or "cuda". Not recorded, because the results agree up to rounding.
        patience: epochs without a higher score after which the run ends; None runs all. Not recorded, like the next one.
        tensorboard: whether to write events for TensorBoard.
    """

    arch: str = "tf_efficientnet_lite2"
    phases: tuple[Phase, ...] = (Phase(128, 8, 48), Phase(160, 8, 48), Phase(224, 4, 32))
    rate: float = 1e-3
    balance: Balance = "datasets"
    colour_constancy: float | None = None
    mixup: float = 0.0
    degraded: float = 0.75
    drawn_on: float = 0.33
    squashed: float = 0.2
    scale: tuple[float, float] = CROP_SCALE
    teachers_share: float = 0.6
    seed: int = 1
    size: int = 224
    start: Path | None = None
    teachers: tuple[Path, ...] = ()
    freeze_body: bool = False
    prepare: Preparation = "workers"
    workers: int = 1
    device: str = "cpu"
    patience: int | None = None
    tensorboard: bool = False


@dataclass(frozen=True)
class Recipe:
    """What a checkpoint records of the training of one network.

    Attributes:
        config: the options; those that were not recorded have their defaults.
        record: the JSON object, unknown keys included.
        start: SHA-256 of the file that the training started from; empty for ImageNet weights.
        teachers: SHA-256 of the teachers' files.
        interpolation: share of the trained weights in an average with those of `start`; None without an average.
        averaged_with: recipes of the other networks in that average.
        light: see `export.nn.white_balance`; None without white balance.
    """

    config: TrainConfig
    record: Mapping[str, Any]
    start: str
    teachers: tuple[str, ...]
    interpolation: float | None
    averaged_with: tuple["Recipe", ...]
    light: IlluminantModel | None

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Recipe":
        """Return a recipe from its JSON object.

        Args:
            record: options as JSON values, or as text. Unknown keys are kept in `record` only.

        Raises:
            CheckpointError: a value is not of the type of its option.
        """
        try:
            options = {name: read(record[name]) for name, read in _READERS.items() if name in record}
            if "balance" not in record and "balance_datasets" in record:
                options["balance"] = "datasets" if _boolean(record["balance_datasets"]) else "classes"
            return cls(
                config=TrainConfig(**options),
                record=dict(record),
                start=record.get("start") or "",
                teachers=tuple(record.get("teachers") or ()),
                interpolation=record.get("blended"),
                averaged_with=tuple(cls.parse(other) for other in record.get("blended_with") or ()),
                light=parse_illuminant(record.get("light")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"The recipe of the training cannot be read ({type(error).__name__}: {error}).") from error

    def is_recorded(self, option: str) -> bool:
        """Return whether the run recorded an option; otherwise `config` only has its default."""
        return option in self.record


def record_of(config: TrainConfig, start: str, teachers: Sequence[str]) -> dict[str, Any]:
    """Return the recipe of a run as JSON values.

    Args:
        config: its options.
        start: SHA-256 of the file, because a path is meaningless on another machine; empty for ImageNet weights.
        teachers: SHA-256 of the files.
    """
    options = {name: getattr(config, name) for name in _READERS} | {"scale": list(config.scale)}
    phases = [{field.name: getattr(phase, field.name) for field in fields(phase)} for phase in config.phases]
    return {**options, "start": start, "teachers": list(teachers), "phases": phases}


def _boolean(value: Any) -> bool:
    if value not in (True, False, "True", "False"):
        raise ValueError(f"{value!r} is neither true nor false")
    return value in (True, "True")


def _one_of(choices: Sequence[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return str(value)

    return read


def _scale(value: Any) -> tuple[float, ...]:
    low, high = value.strip("[()]").split(",") if isinstance(value, str) else value
    return float(low), float(high)


def _optional_float(value: Any) -> float | None:
    return None if value in (None, "None") else float(value)


def _phases(values: Sequence[Mapping[str, Any]]) -> tuple[Phase, ...]:
    return tuple(Phase(*(int(value[field.name]) for field in fields(Phase))) for value in values)


_READERS: dict[str, Callable[[Any], Any]] = {
    "arch": str,
    "seed": int,
    "rate": float,
    "balance": _one_of(get_args(Balance)),
    "colour_constancy": _optional_float,
    "mixup": float,
    "teachers_share": float,
    "degraded": float,
    "drawn_on": float,
    "squashed": float,
    "scale": _scale,
    "freeze_body": _boolean,
    "prepare": _one_of(get_args(Preparation)),
    "phases": _phases,
}
"""Options that a recipe records, with the conversion of their JSON value or text."""
