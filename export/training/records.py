"""Records of a run beside its checkpoint: the table and curves of its epochs, the best epoch, and when to stop.

| file | content |
|---|---|
| `checkpoint.pt` | the last finished epoch; `--resume` continues from it |
| `best.pt` | the epoch with the highest score on `val` (`export.training.selection`) |
| `history.csv` | a row for each epoch |
| `curves.png` | loss and AUCs by epoch |
| `tensorboard/` | the same as events, with `--tensorboard` |
"""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from export.errors import DataError

matplotlib.use("agg")
from matplotlib import pyplot

Epoch = Mapping[str, Any]
"""Figures of an epoch, as `export.training.trainer` keeps them in a checkpoint."""

_FIGURES = ("malignant", "melanoma_nevus")


def score(epoch: Epoch) -> float:
    """Return the figure by which epochs are compared: the mean over the sources, or the AUC of all images without any."""
    value = epoch.get("score")
    return float(epoch["val_auc"] if value is None else value)


def flat_figures(epoch: Epoch) -> dict[str, float | int | None]:
    """Return the figures of an epoch by name; those of a source are called "SOURCE malignant" and so on."""
    flat = {name: value for name, value in epoch.items() if name != "sources"}
    for source, figures in epoch.get("sources", {}).items():
        flat |= {f"{source} {name}": figures.get(name) for name in _FIGURES}
    return flat


def write_records(folder: Path, history: Sequence[Epoch]) -> None:
    """Write table and curves of all epochs, and keep the checkpoint of the last one if it is the best.

    Args:
        folder: of the checkpoint.
        history: figures of the epochs, of which the last one's checkpoint was just written.
    """
    rows = [flat_figures(epoch) for epoch in history]
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    _replace(folder / "history.csv", text.getvalue().encode())
    if best_epoch(history) == len(history) - 1:
        shutil.copyfile(folder / "checkpoint.pt", folder / "best.part")
        (folder / "best.part").replace(folder / "best.pt")
    _replace(folder / "curves.png", draw_curves(history))


def best_epoch(history: Sequence[Epoch]) -> int:
    """Return the index of the epoch with the highest score, the first of equal ones."""
    return max(range(len(history)), key=lambda index: (score(history[index]), -index))


def stops_early(history: Sequence[Epoch], patience: int | None) -> bool:
    """Return whether the score has not risen for `patience` epochs; never without a patience."""
    return patience is not None and bool(history) and len(history) - 1 - best_epoch(history) >= patience


def draw_curves(history: Sequence[Epoch]) -> bytes:
    """Return a figure as PNG: the loss of the epochs, and the AUCs on `val`, of which the best epoch is marked."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    numbers = [int(epoch["epoch"]) + 1 for epoch in history]
    left.plot(numbers, [epoch["loss"] for epoch in history], "o-", color="0.3")
    left.set(xlabel="epoch", ylabel="loss", title="training")
    right.plot(numbers, [score(epoch) for epoch in history], "o-", color="black", linewidth=2, label="score")
    sources = dict.fromkeys(name for epoch in history for name in epoch.get("sources", {}))
    for source in sources:
        values = [epoch.get("sources", {}).get(source, {}).get("malignant") for epoch in history]
        right.plot(numbers, [float("nan") if value is None else value for value in values], ".-", label=source, alpha=0.7)
    right.axvline(numbers[best_epoch(history)], color="0.7", linestyle=":")
    right.set(xlabel="epoch", ylabel="AUC, malignant against benign", title="val")
    right.legend(fontsize="small")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=100)
    pyplot.close(figure)
    return image.getvalue()


class TensorBoard:
    """Events for TensorBoard, which an optional package shows."""

    def __init__(self, folder: Path, history: Sequence[Epoch]) -> None:
        """Write the epochs that are finished already to a new file of events.

        Args:
            folder: of the checkpoint.
            history: figures of the finished epochs.

        Raises:
            DataError: the package is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise DataError("--tensorboard needs a package. Install it with: pip install tensorboard") from error
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        self._writer = SummaryWriter(str(folder / "tensorboard"))
        for epoch in history:
            self.add(epoch)

    def add(self, epoch: Epoch) -> None:
        """Write the figures of an epoch."""
        for name, value in flat_figures(epoch).items():
            if value is not None and name != "epoch":
                self._writer.add_scalar(name.replace(" ", "/"), value, int(epoch["epoch"]))
        self._writer.flush()


def _replace(target: Path, data: bytes) -> None:
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(data)
    part.replace(target)
