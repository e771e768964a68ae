"""Figures of candidate networks on `val`, alone and in pairs, computed in PyTorch with one view."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lesion.imaging.decode import Pixels

from export.arrays import Array, Mask
from export.data.copies import read_copies
from export.data.corruptions import CORRUPTIONS, Corruption
from export.data.labels import LabelledImage
from export.data.transforms import STORED_SIDE, load_squares
from export.evaluation import metrics
from export.evaluation.thresholds import TARGET_SENSITIVITY
from export.nn.network import Network, Normalise
from export.nn.predict import predict_malignant_logits

CHANGES = (
    ("JPEG quality", "75"),
    ("JPEG quality", "50"),
    ("rotation", "90°"),
    ("centre crop", "0.8"),
    ("centre crop", "0.65"),
    ("colour cast", "warm 10 %"),
    ("colour cast", "cold 20 %"),
    ("drawn on", "20 hairs"),
)
"""Kind and strength of the corruptions of `export.data.corruptions` in which candidates have differed most."""
SEED = 75
MIN_IMAGES = 100
"""Images that a source needs for an AUC of its own."""

UNCHANGED = ""
"""Name of the images without any change."""

Logits = dict[str, Array]
"""Name of a change, or `UNCHANGED` -> logits (N,); NaN for images that the change lacks."""


@dataclass(frozen=True)
class CandidateFigures:
    """Figures of one candidate.

    Attributes:
        name: of the candidate.
        auc: of malignant against benign.
        specificity: at `TARGET_SENSITIVITY`.
        melanoma_nevus: AUC of melanoma against nevus; None without images of both, as with other classes.
        sources: data set and image type, separated by a space -> its AUC, of those with images of both sides.
        changes: change -> (change of AUC, share of decisions that flip), of those with images of both sides.
    """

    name: str
    auc: float
    specificity: float
    melanoma_nevus: float | None
    sources: dict[str, float]
    changes: dict[str, tuple[float, float]]

    def __str__(self) -> str:
        changes = ", ".join(f"{name} {auc:+.4f} / {flips:.1%}" for name, (auc, flips) in self.changes.items())
        sources = ", ".join(f"{name} {auc:.3f}" for name, auc in self.sources.items())
        whole = f"{self.name}: AUC {self.auc:.4f}, specificity {self.specificity:.3f}"
        pair = "" if self.melanoma_nevus is None else f", melanoma-nevus {self.melanoma_nevus:.4f}"
        return "\n    ".join(line for line in (whole + pair, sources, changes) if line)


def candidate_figures(name: str, logits: Logits, rows: Sequence[LabelledImage]) -> CandidateFigures:
    """Return the figures of a candidate.

    Decisions are those at the threshold at which the unchanged images reach `TARGET_SENSITIVITY`.

    Args:
        name: of the candidate.
        logits: of the N images, unchanged and changed.
        rows: the N rows.
    """
    unchanged = logits[UNCHANGED]
    malignant = np.array([row.malignant for row in rows])
    sources = np.array([" ".join(row.source) for row in rows])
    pair = np.array([row.diagnosis in ("melanoma", "nevus") for row in rows])
    threshold = float(np.quantile(unchanged[malignant], 1 - TARGET_SENSITIVITY))
    large = [str(own) for own in sorted(set(sources)) if (sources == own).sum() >= MIN_IMAGES]
    by_source = {own: _auc(unchanged, malignant, sources == own) for own in large}
    effects = {change: _effect(values, unchanged, malignant, threshold) for change, values in logits.items()}
    return CandidateFigures(
        name,
        metrics.auc(unchanged, malignant, np.ones(len(rows))),
        metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, unchanged, malignant, np.ones(len(rows))),
        _auc(unchanged, malignant, pair),
        {own: auc for own, auc in by_source.items() if auc is not None},
        {change: effect for change, effect in effects.items() if change != UNCHANGED and effect is not None},
    )


def _auc(logits: Array, malignant: Mask, chosen: Mask) -> float | None:
    """Return the AUC of some images, or None where a side is missing."""
    value = metrics.auc(logits[chosen], malignant[chosen], np.ones(chosen.sum()))
    return None if np.isnan(value) else value


def _effect(changed: Array, unchanged: Array, malignant: Mask, threshold: float) -> tuple[float, float] | None:
    known = ~np.isnan(changed)
    before, after = (_auc(logits, malignant, known) for logits in (unchanged, changed))
    if before is None or after is None:
        return None
    flips = (changed[known] >= threshold) != (unchanged[known] >= threshold)
    return after - before, float(flips.mean())


def corrupt_squares(squares: torch.Tensor, corruption: Corruption, name: str) -> torch.Tensor:
    """Return corrupted images, uint8 (N, 3, S, S).

    Args:
        squares: uint8 (N, 3, S, S).
        corruption: see `export.data.corruptions`.
        name: seeds the random draws together with an image's index.
    """

    def corrupt(index: int, pixels: Pixels) -> torch.Tensor:
        rng = np.random.default_rng([SEED, *name.encode(), index])
        return torch.from_numpy(np.array(corruption(pixels, rng))).permute(2, 0, 1)

    return torch.stack([corrupt(index, square.permute(1, 2, 0).numpy()) for index, square in enumerate(squares)])


@dataclass(frozen=True)
class ImageStack:
    """M images of some of N rows.

    Attributes:
        squares: uint8 (M, 3, S, S).
        indices: row of each image, (M,).
        clinical: bool (M,), whether each is recorded as clinical.
    """

    squares: torch.Tensor
    indices: npt.NDArray[np.intp]
    clinical: torch.Tensor

    def logits(self, network: Network, count: int) -> Array:
        """Return a network's logits for `count` rows, (N,); NaN for rows without an image."""
        logits = np.full(count, np.nan)
        size, normalise = network.spec.size, Normalise(network.spec)
        values = predict_malignant_logits(network, self.squares, size, normalise, self.clinical)
        logits[self.indices] = values.double()
        return logits


def load_stacks(rows: Sequence[LabelledImage], copies: Path | None = None) -> dict[str, ImageStack]:
    """Return the images of rows under `UNCHANGED`, and changed ones under the change's name.

    Args:
        rows: N rows.
        copies: folder of `export.data.copies`; None loads no copies.

    Raises:
        DataError: an image or a copy cannot be read.
    """
    squares, everything = load_squares(rows, STORED_SIDE), np.arange(len(rows))
    clinical = torch.tensor([row.image_type == "clinical" for row in rows])
    stacks = {UNCHANGED: ImageStack(squares, everything, clinical)}
    for kind, strength in CHANGES:
        name = f"{kind} {strength}"
        stacks[name] = ImageStack(corrupt_squares(squares, CORRUPTIONS[kind][strength], name), everything, clinical)
    if copies is not None:
        index = {row.isic_id: place for place, row in enumerate(rows)}
        for kind, files in read_copies(copies, set(index)).items():
            places = np.array([index[isic_id] for _, isic_id in files])
            copied = [replace(rows[place], path=path) for place, (path, _) in zip(places, files, strict=True)]
            stacks[kind] = ImageStack(load_squares(copied, STORED_SIDE), places, clinical[places])
    return stacks


def compare_candidates(
    networks: Mapping[str, Network], rows: Sequence[LabelledImage], copies: Path | None = None
) -> Iterator[CandidateFigures]:
    """Yield the figures of each network, then those of each pair, whose logits are averaged.

    Args:
        networks: by name.
        rows: of one split.
        copies: see `load_stacks`.

    Raises:
        DataError: an image or a copy cannot be read.
    """
    stacks = load_stacks(rows, copies)
    logits: dict[str, Logits] = {}
    for name, network in networks.items():
        logits[name] = {change: stack.logits(network, len(rows)) for change, stack in stacks.items()}
        yield candidate_figures(name, logits[name], rows)
    for one, other in combinations(logits, 2):
        mean = {change: (logits[one][change] + logits[other][change]) / 2 for change in stacks}
        yield candidate_figures(f"{one} + {other}", mean, rows)
