"""Whether a checkpoint in an output folder belongs to the run that is asked for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from export.checkpoints.recipe import Recipe
from export.errors import CheckpointError

_DEVICE_OPTIONS = frozenset({"prepare"})
"""Options that follow from the device, on which a run may continue."""


def require_unused(folder: Path) -> None:
    """Check that a folder has no checkpoint yet.

    Raises:
        CheckpointError: it has one, which a new run would replace.
    """
    if (folder / "checkpoint.pt").exists():
        raise CheckpointError(
            f"{folder} has the checkpoint of another run, which would be replaced. Continue a training with "
            "`train --resume`, or give another --out."
        )


def require_same_run(source: Path, recorded: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Check that a checkpoint was trained on the same images with the same options.

    Args:
        source: the checkpoint, for the message.
        recorded: its provenance.
        current: the provenance that the run asked for would have.

    Raises:
        CheckpointError: it was not; the message lists the differences.
    """
    differences = list(_differences(recorded, current))
    if differences:
        raise CheckpointError(
            f"{source} is of another run: {'; '.join(differences)}. Give the options and data that it was begun with, or "
            "another --out."
        )


def _differences(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    if recorded.get("data_sha256") != current["data_sha256"]:
        yield (
            f"its training images have the hash {str(recorded.get('data_sha256'))[:12]} ({recorded.get('images')} images), "
            f"these {current['data_sha256'][:12]} ({current['images']})"
        )
    before, now = (Recipe.parse(provenance["recipe"]) for provenance in (recorded, current))
    for option in now.record:
        # Earlier versions did not record every option.
        if option in before.record and option not in _DEVICE_OPTIONS:
            old, new = (_value(recipe, option) for recipe in (before, now))
            if old != new:
                yield f"{option} is {_text(old)} there and {_text(new)} here"


def _value(recipe: Recipe, option: str) -> Any:
    """Return an option as a value that can be compared, whether it was recorded as text or not."""
    if option in ("start", "teachers"):
        return getattr(recipe, option)
    return getattr(recipe.config, option, recipe.record[option])


def _text(value: Any) -> str:
    if isinstance(value, tuple) and value and hasattr(value[0], "epochs"):
        return " ".join(f"{phase.size}:{phase.epochs}:{phase.batch}" for phase in value)
    return str(value)[:80] if value not in ("", ()) else "none"
