"""Results table of the project's README: figures of the model card."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lesion.inference.model import Model

from export.arrays import Figures
from export.reporting.formatting import format_interval

BEGIN, END = "<!-- results: written by `python -m export render` -->", "<!-- end of results -->"
_BETWEEN = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)

_ROWS: dict[str, tuple[str, ...]] = {
    "sensitivity at the operating threshold": ("sensitivity",),
    "specificity at the operating threshold": ("specificity",),
    "malignant against benign, AUC": ("auc",),
    "melanoma against nevus, AUC": ("melanoma_nevus", "auc"),
    "expected calibration error": ("calibration_error",),
}
"""Row of the table -> path in the figures of a split."""


def write_results(path: Path, model: Model, size: int, metrics: Figures) -> None:
    """Replace the text between the two markers of a Markdown file; a file without them is not changed.

    Args:
        path: the README.
        model: the loaded model file.
        size: size of that file in bytes.
        metrics: contents of its metrics.json.
    """
    if not path.is_file():
        return
    block = f"{BEGIN}\n{render_results(model, size, metrics)}\n{END}"
    path.write_text(_BETWEEN.sub(lambda _: block, path.read_text()))


def render_results(model: Model, size: int, metrics: Figures) -> str:
    """Return the results as Markdown, for the arguments of `write_results`."""
    return "\n\n".join(_paragraphs(model, size, metrics))


def _paragraphs(model: Model, size: int, metrics: Figures) -> Iterable[str]:
    test = metrics["test"]
    whole = test["all"]
    yield (
        f"Model {model.card.version} ({size / 1e6:.1f} MB) on `test`: {whole['n']} images, {whole['malignant']} malignant, "
        "none used for fitting. Brackets: 95 % intervals, bootstrapped over lesion groups."
    )
    types = {f"{image_type} ({part['n']}), ": part for image_type, part in test.get("types", {}).items()}
    columns: dict[str, Figures] = {}
    for name, part in (types or {"": {**whole, "eight_views": test["eight_views"]}}).items():
        columns |= {f"{name}one view": part, f"{name}eight views": part["eight_views"]}
    yield "\n".join(
        [
            f"| | {' | '.join(columns)} |",
            "|---|" + "---|" * len(columns),
            *(
                f"| {name} | {' | '.join(map(format_interval, cells))} |"
                for name, keys in _ROWS.items()
                if all(cells := [_figure_at(part, keys) or {} for part in columns.values()])
            ),
        ]
    )
    yield (
        f"{_melanomas(columns)}For melanoma against nevus, the 2019 app reported sensitivity 0.820 at specificity 0.926 "
        f"on a random split of images, which is easier{_here(next(iter(columns.values())))}. By data set, diagnosis, people "
        "and perturbation: [model card](models/README.md)."
    )


def _melanomas(columns: Mapping[str, Figures]) -> str:
    """Return the sentence about melanomas; releases before 2.1.2 have no such figure."""
    cells = [part.get("melanoma_sensitivity", {}) for part in columns.values()]
    if not all(cell.get("value") is not None for cell in cells):
        return ""
    return f"Of melanomas, {', '.join(map(format_interval, cells))} are above the threshold, in the order of the columns. "


def _here(part: Figures) -> str:
    pair = part["melanoma_nevus"]["sensitivity_at_specificity_0926"]
    return "" if pair["value"] is None else f"; this model has {format_interval(pair)} in the first column"


def _figure_at(figures: Figures, keys: tuple[str, ...]) -> Figures | None:
    value: object = figures
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None
