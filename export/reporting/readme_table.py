"""The figures in the project's README: a short account of what the model card says at length."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lesion.inference.model import Model

from export.reporting.model_card import format_interval

Figures = dict[str, Any]

BEGIN, END = "<!-- figures: `make export` writes from here -->", "<!-- to here -->"
_BETWEEN = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)

_ROWS: dict[str, tuple[str, ...]] = {
    "malignant against benign, AUC": ("auc",),
    "sensitivity at the threshold": ("sensitivity",),
    "specificity at the threshold": ("specificity",),
    "specificity at 95 % sensitivity": ("specificity_at_95_sensitivity",),
    "melanoma against nevus, AUC": ("melanoma_nevus", "auc"),
    "the same, told that it is one of the two": ("melanoma_nevus", "as_one_of_both", "auc"),
    "melanoma against nevus, sensitivity at specificity 0.926": ("melanoma_nevus", "sensitivity_at_specificity_0926"),
    "that, told that it is one of the two": ("melanoma_nevus", "as_one_of_both", "sensitivity_at_specificity_0926"),
    "balanced accuracy over the diagnoses": ("balanced_accuracy",),
    "expected calibration error": ("calibration_error",),
}


def write_results(path: Path, model: Model, size: int, metrics: Figures) -> None:
    """Put the figures between the two marks of the Markdown file at `path`; a file without them is left alone.

    Args:
        path: the README.
        model: the model.
        size: of its file, in bytes.
        metrics: its metrics.json.
    """
    if not path.is_file():
        return
    text = path.read_text()
    written = f"{BEGIN}\n{render_results(model, size, metrics)}\n{END}"
    path.write_text(_BETWEEN.sub(lambda _: written, text))


def render_results(model: Model, size: int, metrics: Figures) -> str:
    """The figures as Markdown."""
    return "\n\n".join(_paragraphs(model, size, metrics))


def _paragraphs(model: Model, size: int, metrics: Figures) -> Iterable[str]:
    test = metrics["test"]
    whole = test["all"]
    yield (
        f"Model {model.card.version} ({model.card.architecture}, {size / 1e6:.1f} MB) on the {whole['n']} images of `test`, "
        f"of which {whole['malignant']} are malignant and which no number was fitted on (how often it was looked at: "
        "[experiments](models/experiments.md)). In brackets 95 % intervals, from draws of lesion groups."
    )
    yield "\n".join(
        [
            "| | one view | eight views |",
            "|---|---|---|",
            *(
                f"| {name} | {format_interval(one)} | {format_interval(eight)} |"
                for name, keys in _ROWS.items()
                if (one := _at(whole, keys)) and (eight := _at(test["eight_views"], keys))
            ),
        ]
    )
    sets = [(name, part["auc"]["value"]) for name, part in test["datasets"].items()]
    told = ", ".join(f"{auc:.3f} on {name}" for name, auc in sets if auc is not None)
    yield (
        (f"Data sets differ (AUC, one view): {told}. " if told else "")
        + "The 2019 app reported sensitivity 0.820 at specificity 0.926 for "
        "melanoma against nevus, on a random split of images, which is easier."
    )
    if "strangers" in metrics:
        refused = "; ".join(
            f"{entry['refused']:.0%} of {entry['n']} in `{name}`" for name, entry in metrics["strangers"].items()
        )
        yield f"Refused among pictures that are no dermoscopy of a lesion: {refused}."
    if "stress" in metrics:
        yield _stability(metrics["stress"])


def _stability(found: Figures) -> str:
    jpeg = ", ".join(f"quality {quality} {_flips(found['JPEG quality'][quality])}" for quality in ("75", "50"))
    copies = ", ".join(f"{_flips(part)} ({kind})" for kind, part in found.get("other copy", {}).items())
    others = f"; other copies of the same photographs flip {copies}" if copies else ""
    return f"The same photograph, stored otherwise: decisions that flip at JPEG {jpeg}{others}."


def _flips(part: Figures) -> str:
    return f"{part['flips']['value']:.1%}"


def _at(figures: Figures, keys: tuple[str, ...]) -> Figures | None:
    found: Any = figures
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
