"""Checkpoints, and every pair of them, side by side on `val`, before one becomes the model file.

    python -m export candidates runs/a/checkpoint.pt runs/b/checkpoint.pt --data DATA

Prints AUC, specificity at 95 % sensitivity and melanoma against nevus, AUC per data set, and what compression, a quarter
turn, a colour cast and, with `--copies`, other people's copies of the same photographs do to AUC and decisions. One view of
the network in PyTorch, in bfloat16, as training measures it: in minutes, and near the model file's figures. Nothing is
written; `test` is not looked at.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lesion.imaging.decode import Pixels

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.data.copies import read_copies
from export.data.corruptions import CORRUPTIONS, Corruption
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.evaluation import metrics
from export.evaluation.thresholds import TARGET_SENSITIVITY
from export.nn.network import Network, Normalise
from export.nn.predict import predict_malignant_logits

CHANGES = (
    ("JPEG quality", "75"),
    ("JPEG quality", "50"),
    ("rotation", "90°"),
    ("colour cast", "warm 10 %"),
    ("colour cast", "cold 20 %"),
    ("drawn on", "20 hairs"),
)
"""Of `export.data.corruptions`, those in which candidates have differed most."""
SEED = 75
FEWEST = 100
"""Images that a data set must have to be measured by itself."""

Logits = dict[str, metrics.Array]
"""Logits (N,) of unchanged pictures under "", and of changed ones under the change's name; nan where there is none."""


@dataclass(frozen=True)
class Line:
    """Figures of one candidate; changes as (change of AUC, share of decisions that flip)."""

    name: str
    auc: float
    specificity: float
    melanoma_nevus: float
    datasets: dict[str, float]
    changes: dict[str, tuple[float, float]]

    def __str__(self) -> str:
        changes = ", ".join(f"{name} {auc:+.4f} / {flips:.1%}" for name, (auc, flips) in self.changes.items())
        datasets = ", ".join(f"{name} {auc:.3f}" for name, auc in self.datasets.items())
        whole = f"AUC {self.auc:.4f}, specificity {self.specificity:.3f}, melanoma-nevus {self.melanoma_nevus:.4f}"
        return f"{self.name}: {whole}\n    {datasets}\n    {changes}"


def figures(name: str, logits: Logits, rows: Sequence[LabelledImage]) -> Line:
    """Figures of one candidate's logits for `rows`. The threshold is where unchanged pictures reach `SENSITIVITY`."""
    plain, ones = logits[""], np.ones(len(rows))
    malignant = np.array([row.malignant for row in rows])
    datasets = np.array([row.dataset for row in rows])
    pair = np.array([row.diagnosis in ("melanoma", "nevus") for row in rows])
    threshold = np.quantile(plain[malignant], 1 - TARGET_SENSITIVITY)
    auc = metrics.auc(plain, malignant, ones)
    return Line(
        name,
        auc,
        metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, plain, malignant, ones),
        metrics.auc(plain[pair], malignant[pair], ones[pair]),
        {
            str(own): metrics.auc(plain[datasets == own], malignant[datasets == own], ones[datasets == own])
            for own in sorted(set(datasets))
            if (datasets == own).sum() >= FEWEST
        },
        {change: _effect(values, plain, malignant, threshold) for change, values in logits.items() if change},
    )


def _effect(values: metrics.Array, plain: metrics.Array, malignant: metrics.Mask, threshold: float) -> tuple[float, float]:
    known = ~np.isnan(values)
    values, plain, malignant = values[known], plain[known], malignant[known]
    before, after = (metrics.auc(logits, malignant, np.ones(len(plain))) for logits in (plain, values))
    return after - before, float(((values >= threshold) != (plain >= threshold)).mean())


def changed(squares: torch.Tensor, change: Corruption, name: str) -> torch.Tensor:
    """uint8 (N, 3, S, S), each picture changed; the same draws for the same name."""

    def one(index: int, pixels: Pixels) -> torch.Tensor:
        rng = np.random.default_rng([SEED, *name.encode(), index])
        return torch.from_numpy(np.array(change(pixels, rng))).permute(2, 0, 1)

    return torch.stack([one(index, square.permute(1, 2, 0).numpy()) for index, square in enumerate(squares)])


@dataclass(frozen=True)
class Pictures:
    """Squares, uint8 (M, 3, S, S), and of which of the N rows each is, (M,)."""

    squares: torch.Tensor
    rows: npt.NDArray[np.intp]

    def ask(self, network: Network, count: int) -> metrics.Array:
        """Logits (N,) of a network, nan for rows of which there is no picture."""
        logits = np.full(count, np.nan)
        logits[self.rows] = predict_malignant_logits(network, self.squares, network.spec.size, Normalise(network.spec)).double()
        return logits


def gather(rows: Sequence[LabelledImage], copies: Path | None = None) -> dict[str, Pictures]:
    """Unchanged pictures under "", and changed ones under the change's name."""
    squares, everyone = load_squares(rows, STORED_SIDE), np.arange(len(rows))
    pictures = {"": Pictures(squares, everyone)}
    for kind, strength in CHANGES:
        name = f"{kind} {strength}"
        pictures[name] = Pictures(changed(squares, CORRUPTIONS[kind][strength], name), everyone)
    if copies is not None:
        index = {row.isic_id: place for place, row in enumerate(rows)}
        for kind, others in read_copies(copies, set(index)).items():
            places = np.array([index[isic_id] for _, isic_id in others])
            shown = [replace(rows[place], path=path) for place, (path, _) in zip(places, others, strict=True)]
            pictures[kind] = Pictures(load_squares(shown, STORED_SIDE), places)
    return pictures


def candidates(networks: dict[str, Network], rows: Sequence[LabelledImage], copies: Path | None = None) -> Iterator[Line]:
    """Each network and each pair, whose logits are averaged."""
    pictures = gather(rows, copies)
    found: dict[str, Logits] = {}
    for name, network in networks.items():
        found[name] = {change: stack.ask(network, len(rows)) for change, stack in pictures.items()}
        yield figures(name, found[name], rows)
    for one, other in combinations(found, 2):
        mean = {change: (found[one][change] + found[other][change]) / 2 for change in pictures}
        yield figures(f"{one} + {other}", mean, rows)


def named(paths: Sequence[Path]) -> dict[str, Path]:
    """Each file under its folder's name or, where two share one, all under the shortest ends of their paths that differ."""
    files = list(dict.fromkeys(path.absolute() for path in paths))
    names = {file.parent.name: file for file in files}
    for depth in count(1):
        if len(names) == len(files):
            break
        names = {"/".join(file.parts[-depth:]): file for file in files}
    return names


def options() -> argparse.ArgumentParser:
    """The options of `python -m export candidates`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="as `train` writes them")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--copies", type=Path, help="folder with other copies of the same photographs")
    parser.add_argument("--size", type=int, help="input side in pixels, if not the checkpoint's own")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export candidates`."""
    rows = select_split(read_table(args.data), "val")
    told = ReaderOptions(size=args.size)
    networks = {name: read_checkpoint(path, told).network for name, path in named(args.checkpoint).items()}
    for line in candidates(networks, rows, args.copies):
        print(line, flush=True)
