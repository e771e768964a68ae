"""The same lesion photographed, stored or sent otherwise: does the answer stay?

    python -m export stress --data DATA --copies COPIES --split val      while choosing: prints only
    python -m export stress --data DATA --copies COPIES                  on test: writes stress.png and metrics.json too

For every perturbation of `export.data.corruptions`, and for other copies of the same photographs: the change of AUC, the share of
decisions that flip at the operating threshold, and the share of images refused on top of those refused anyway. COPIES is a
folder with metadata.csv (file, isic_id, kind) and the files below it. What the page makes of a large photograph is compared
with that large photograph.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from lesion.imaging.decode import Pixels, decode
from lesion.inference.card import Card
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model, Outputs
from tqdm import tqdm

from export.data.copies import read_copies
from export.data.corruptions import CAMERA_SIDE, CORRUPTIONS, PAGE_SIDE, Corruption, encode_camera_photo, reencode_as_page
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import SPLITS, select_split
from export.data.transforms import read_pixels
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import with_model_labels
from export.reporting.plots import plot_robustness
from export.reporting.writer import update_report

SEED = 75

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Scores:
    """What a model says of N images: probabilities (N,), and whether each is refused (N,)."""

    probability: npt.NDArray[np.float64]
    refused: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, outputs: Iterable[Outputs], card: Card) -> "Scores":
        """Gather the outputs of one image each."""
        pairs = [(output.probability, isinstance(decide(output, card), Refusal)) for output in outputs]
        return cls(np.array([pair[0] for pair in pairs], np.float64), np.array([pair[1] for pair in pairs], bool))

    def where(self, kept: npt.NDArray[np.int64]) -> "Scores":
        """The images with these indices (K,)."""
        return Scores(self.probability[kept], self.refused[kept])


def compare(changed: Scores, original: Scores, rows: Sequence[LabelledImage], card: Card) -> dict[str, Any]:
    """Figures of N images against the same ones unchanged."""
    malignant = np.array([row.malignant for row in rows])
    groups = np.array([row.group for row in rows])
    everything = np.ones(len(rows), bool)
    flipped = (changed.probability >= card.threshold) != (original.probability >= card.threshold)

    def auc_change(weights: metrics.Array) -> float:
        return metrics.auc(changed.probability, malignant, weights) - metrics.auc(original.probability, malignant, weights)

    return {
        "n": len(rows),
        "auc": bootstrap_interval(lambda weights: metrics.auc(changed.probability, malignant, weights), groups).json(),
        "auc_change": bootstrap_interval(auc_change, groups).json(),
        "flips": bootstrap_interval(lambda weights: metrics.rate(flipped, everything, weights), groups).json(),
        "newly_refused": round(float((changed.refused & ~original.refused).mean()), 4),
    }


def perturbed(model: Model, pictures: Sequence[Pixels], change: Corruption, name: str) -> Scores:
    """Answers to changed pictures; the same draws for the same name, whatever else is measured."""
    seed = [SEED, *name.encode()]

    def one(item: tuple[int, Pixels]) -> Outputs:
        index, pixels = item
        return model.run(change(pixels, np.random.default_rng([*seed, index])))

    return Scores.of(_each(one, list(enumerate(pictures)), name), model.card)


def stress(model: Model, rows: Sequence[LabelledImage], copies: Path | None = None) -> dict[str, dict[str, Any]]:
    """Kind -> strength -> figures of `compare`."""
    side = 2 * model.card.input_size

    def look(path: Path) -> Pixels:
        return read_pixels(path, at_least=side)

    rows = with_model_labels(rows, model.card)
    pictures = _each(lambda row: look(row.path), rows, "decoding")
    original = Scores.of(_each(model.run, pictures, "unchanged"), model.card)
    found: dict[str, dict[str, Any]] = {}
    for kind, strengths in CORRUPTIONS.items():
        for strength, change in strengths.items():
            scores = perturbed(model, pictures, change, f"{kind} {strength}")
            found.setdefault(kind, {})[strength] = compare(scores, original, rows, model.card)
    files = _each(encode_camera_photo, pictures, "enlarging")
    large = Scores.of(_each(lambda file: model.run(decode(file, at_least=side).pixels), files, "large"), model.card)
    small = Scores.of(_each(lambda file: model.run(decode(reencode_as_page(file), at_least=side).pixels), files, "page"), model.card)
    found["sent by the page"] = {f"{CAMERA_SIDE} to {PAGE_SIDE} px": compare(small, large, rows, model.card)}
    if copies is not None:
        index = {row.isic_id: place for place, row in enumerate(rows)}
        for kind, others in read_copies(copies, set(index)).items():
            kept = np.array([index[isic_id] for _, isic_id in others])
            scores = Scores.of(_each(lambda file: model.run(look(file[0])), others, kind), model.card)
            same = compare(scores, original.where(kept), [rows[place] for place in kept], model.card)
            found.setdefault("other copy", {})[kind] = same
    return found


def _each(work: Callable[[Item], Result], items: Sequence[Item], name: str) -> list[Result]:
    with ThreadPoolExecutor(2) as pool:
        return list(tqdm(pool.map(work, items), name, total=len(items), unit="image", leave=False))


def show(found: dict[str, dict[str, Any]]) -> None:
    """Print the figures as a table."""
    print(f"{'':48} {'n':>5} {'AUC':>6} {'change':>7} {'flips':>6} {'refused':>8}")
    for kind, strengths in found.items():
        for strength, part in strengths.items():
            # Copies of a few photographs may all be of one side.
            auc, change, flips = (float(part[key]["value"] or "nan") for key in ("auc", "auc_change", "flips"))
            line = f"{kind} {strength}"
            print(f"{line:48} {part['n']:5} {auc:6.3f} {change:+7.4f} {flips:6.1%} {part['newly_refused']:+8.1%}")


def options() -> argparse.ArgumentParser:
    """The options of `python -m export stress`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    parser.add_argument("--copies", type=Path, help="folder with other copies of the same photographs")
    parser.add_argument("--split", choices=SPLITS, default="test")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export stress`."""
    model = Model(args.model)
    found = stress(model, select_split(read_table(args.data), args.split), args.copies)
    show(found)
    if args.split == "test":
        update_report(args.model, {"stress": found})
        plot_robustness(args.model.parent, found)
