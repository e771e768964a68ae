"""Plots of the model card: ROC, reliability, confusion, robustness."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from lesion.inference.card import IMAGE_TYPES, Card
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, roc_curve

from export.arrays import Figures
from export.evaluation.metrics import reliability_points
from export.evaluation.predictions import Predictions
from export.evaluation.split_report import MIN_IMAGES

_BLUE, _ORANGE, _GREY = "#1f5fa8", "#c8641e", "#8a8f98"
_COLOURS = (_BLUE, "#7b3fa0")
"""Of all images, or of the dermoscopic and of the clinical ones."""


def write_plots(folder: Path, predictions: Predictions, card: Card) -> None:
    """Write roc.png, reliability.png and, where the model has classes of the recorded diagnoses, confusion.png.

    Args:
        folder: output folder.
        predictions: one-view predictions for `test`.
        card: of the model file.
    """
    for name, figure in draw_plots(predictions, card, "test"):
        _save(figure, folder / f"{name}.png")


def draw_plots(predictions: Predictions, card: Card, which: str) -> Iterator[tuple[str, Figure]]:
    """Yield "roc", "reliability" and "confusion", each with its plot, where the images allow it.

    Args:
        predictions: one-view predictions.
        card: of the model file.
        which: name of the images, for the titles.
    """
    malignant = predictions.malignant
    plots = [("roc", _roc, (5.5, 5))] if malignant.any() and not malignant.all() else []
    plots += [("reliability", _reliability, (5.5, 5))]
    if {entry.code for entry in card.classes} & set(predictions.diagnosis):
        plots.append(("confusion", _confusion, (7, 6)))
    for name, draw, size in plots:
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        draw(axes, predictions, card, which)
        yield name, figure


def embedded_png(figure: Figure) -> str:
    """Return a plot as a `data:` URL, and close it."""
    data = io.BytesIO()
    figure.savefig(data, dpi=110, metadata={"Software": None}, format="png")
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def plot_robustness(folder: Path, metrics: Figures) -> None:
    """Write stress.png: change of the AUC and share of flipped decisions by perturbation.

    Args:
        folder: output folder.
        metrics: part "stress" of metrics.json: kind of perturbation -> strength -> figures.
    """
    lines = [(kind, strength, part) for kind, strengths in metrics.items() for strength, part in strengths.items()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 0.24 * len(lines) + 1), sharey=True, layout="constrained")
    for axes, key, scale, title in (
        (left, "auc_change", 1, "change of AUC"),
        (right, "flips", 100, "decisions that flip, %"),
    ):
        for place, (_, _, part) in enumerate(lines):
            value, low, high = (scale * part[key][end] for end in ("value", "low", "high"))
            axes.plot([low, high], [place, place], color=_GREY, linewidth=1)
            axes.plot(value, place, "o", color=_ORANGE if part["newly_refused"] > 0.05 else _BLUE, markersize=4)
        axes.axvline(0, color=_GREY, linewidth=0.8)
        axes.grid(axis="x", alpha=0.3)
        axes.set(title=title)
    left.set_yticks(range(len(lines)), [f"{kind} {strength}" for kind, strength, _ in lines], fontsize=8)
    left.invert_yaxis()
    figure.suptitle(
        "Test, one view unless it says eight; lines: 95 % intervals; orange: more than 5 % are refused as well", fontsize=9
    )
    _save(figure, folder / "stress.png")


def _save(figure: Figure, path: Path) -> None:
    # Without date and library version, the same figures give the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _roc(axes: Axes, predictions: Predictions, card: Card, which: str) -> None:
    whole = _by_type(predictions)
    for (name, part), colour in zip(whole.items(), _COLOURS, strict=False):
        _roc_curve(axes, part, name, color=colour, linewidth=2.2)
    for name in sorted(set(predictions.source)):
        part = predictions.select(predictions.source == name)
        if len(part.rows) >= MIN_IMAGES and len(set(part.malignant)) == 2:
            _roc_curve(axes, part, str(name), linewidth=1.0, alpha=0.8)
    for name, part in whole.items():
        above = part.above_threshold(card)
        rates = [above[part.malignant == side].mean() for side in (False, True)]
        label = "operating threshold" if len(whole) == 1 else f"operating threshold, {name}"
        axes.plot(*rates, "o" if name != "clinical" else "s", color=_ORANGE, label=label)
    axes.plot([0, 1], [0, 1], ":", color=_GREY)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", title=f"Malignant against benign, {which}", aspect="equal")
    axes.legend(loc="lower right", fontsize=8)


def _by_type(predictions: Predictions) -> dict[str, Predictions]:
    """Return the images of each type that has both sides, or all of them as "all" where there is only one type."""
    types = predictions.image_type
    parts = {str(name): predictions.select(types == name) for name in IMAGE_TYPES if (types == name).any()}
    both = {name: part for name, part in parts.items() if len(set(part.malignant)) == 2}
    return both if len(parts) > 1 and both else {"all": predictions}


def _roc_curve(axes: Axes, part: Predictions, name: str, **style: Any) -> None:
    false_positive, true_positive, _ = roc_curve(part.malignant, part.scalar("probability"))
    axes.plot(false_positive, true_positive, label=f"{name} (n = {len(part.rows)})", **style)


def _reliability(axes: Axes, predictions: Predictions, card: Card, which: str) -> None:
    axes.plot([0, 1], [0, 1], ":", color=_GREY)
    whole = _by_type(predictions)
    for (name, part), colour in zip(whole.items(), _COLOURS, strict=False):
        points = reliability_points(part.scalar("probability"), part.malignant)
        axes.plot(*zip(*points, strict=True), "o-", color=colour, label=name if len(whole) > 1 else None)
    for style, image_type in zip(("-", "--"), card.image_types, strict=False):
        # Named only where there are two.
        suffix = f", {image_type}" if len(card.image_types) > 1 else ""
        threshold = card.point(image_type, 1).threshold
        axes.axvline(threshold, color=_ORANGE, linewidth=1, linestyle=style, label=f"operating threshold{suffix}")
    axes.set(
        xlabel="calibrated probability, mean of bin",
        ylabel="share malignant",
        title=f"Reliability, {which}",
        aspect="equal",
    )
    axes.legend(loc="lower right", fontsize=8)


def _confusion(axes: Axes, predictions: Predictions, card: Card, which: str) -> None:
    codes = [entry.code for entry in card.classes]
    known = predictions.select(np.isin(predictions.diagnosis, codes))
    predicted = np.array(codes)[known.classes.argmax(1)]
    counts = confusion_matrix(known.diagnosis, predicted, labels=codes)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=8)
    names = [entry.name for entry in card.classes]
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), [f"{name} ({total})" for name, total in zip(names, counts.sum(1), strict=True)])
    axes.set(xlabel="most probable diagnosis", ylabel="recorded diagnosis", title=f"Diagnoses, {which} (images)")
