"""Is the evidence map what the answer rests on? Three tests, on images of one split.

    python -m export faithful --data DATA --split val      prints only
    python -m export faithful --data DATA                  on test: into metrics.json and the model card

- Deletion (Samek et al. 2017): cells with the most evidence for the side that the logit is on are blurred away; the logit
  must move further to the other side than when as many random cells are.
- Randomisation (Adebayo et al. 2018): with the network's weights shuffled, the map must become another one.
- Lesion: the share of the absolute evidence inside the lesion, against the share of the picture that the lesion takes. No
  outlines are known, so the lesion is what Otsu's threshold (1979) finds to be darker than the skin around it.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from lesion.imaging.decode import Pixels
from lesion.inference.model import Model
from onnx import numpy_helper
from PIL import Image, ImageFilter
from skimage.filters import threshold_otsu
from tqdm import tqdm

from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import SPLITS, select_split
from export.data.transforms import load_square
from export.evaluation.bootstrap import bootstrap_interval
from export.graph.weight_storage import NETWORK_PREFIX
from export.reporting.writer import update_report

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

IMAGES = 400
SHARES = (0.1, 0.2, 0.3)
"""Of the cells, that are blurred away."""
RANDOM_DRAWS = 4
SEED = 1979
_WEIGHTS = (np.float32, np.float16, np.int8)
PLAUSIBLE_LESION = (0.05, 0.6)
"""Share of the picture; what Otsu finds outside of that is a vignette, hair, or nothing."""


def shuffled(path: Path, seed: int = SEED) -> Model:
    """The model file with the entries of each of its network's weight tensors in another order."""
    proto = onnx.load(path)
    rng = np.random.default_rng(seed)
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name.startswith(NETWORK_PREFIX) and values.ndim > 1 and values.dtype in _WEIGHTS:
            mixed = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "shuffled.onnx"
        target.write_bytes(proto.SerializeToString())
        return Model(target)


def lesion_mask(square: Pixels) -> Mask | None:
    """Where a square picture (S, S, 3) is darker than its skin, (S, S); None where that is no plausible lesion.

    Only the inscribed circle is looked at: a dermatoscope's dark corners are not skin.
    """
    side = len(square)
    grey = np.asarray(Image.fromarray(square).convert("L").filter(ImageFilter.GaussianBlur(side / 60)))
    axis = np.arange(side) - (side - 1) / 2
    circle = np.hypot(axis[:, np.newaxis], axis) < side / 2
    inside = grey[circle]
    if inside.min() == inside.max():
        return None
    mask: Mask = (grey <= _otsu(inside)) & circle
    low, high = PLAUSIBLE_LESION
    return mask if low <= mask.mean() <= high else None


def _otsu(values: npt.NDArray[np.uint8]) -> float:
    return float(threshold_otsu(values))  # type: ignore[no-untyped-call]  # scikit-image has no types


def delete(square: Pixels, cells: Mask) -> Pixels:
    """Replace the cells of a grid (R, C) that are true by what a strong blur leaves of the picture."""
    side = len(square)
    blurred = np.asarray(Image.fromarray(square).filter(ImageFilter.GaussianBlur(side / 8)))
    soft = Image.fromarray((255 * cells).astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
    # Edges of its own would be something new in the picture.
    weight = np.asarray(soft.filter(ImageFilter.GaussianBlur(side / 60)), np.float64)[..., np.newaxis] / 255
    mixed: Pixels = (weight * blurred + (1 - weight) * square).round().astype(np.uint8)
    return mixed


def deletion(model: Model, square: Pixels, rng: np.random.Generator) -> dict[float, tuple[float, float]]:
    """Share of cells -> how far the logit moves towards the other side: by evidence, and at random (mean of draws)."""
    whole = model.run(square)
    side = 1.0 if whole.logit > 0 else -1.0
    order = np.argsort(-side * whole.evidence.ravel(), kind="stable")
    found = {}
    for share in SHARES:
        count = max(round(share * order.size), 1)
        picks = [order[:count], *(rng.choice(order.size, count, replace=False) for _ in range(RANDOM_DRAWS))]
        moves = []
        for pick in picks:
            cells = np.zeros(order.size, bool)
            cells[pick] = True
            moves.append(side * (whole.logit - model.run(delete(square, cells.reshape(whole.evidence.shape))).logit))
        found[share] = (moves[0], float(np.mean(moves[1:])))
    return found


def rank_correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Spearman's correlation of two maps; 0 where one of them is flat."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    one, other = (np.argsort(np.argsort(values.ravel())).astype(np.float64) for values in (first, second))
    return float(np.corrcoef(one, other)[0, 1])


def inside_share(evidence: npt.NDArray[np.float32], mask: Mask) -> float:
    """Share of the absolute evidence (R, C) that lies in `mask` (S, S)."""
    side = len(mask)
    spread_out = Image.fromarray(np.abs(evidence)).resize((side, side), Image.Resampling.NEAREST)
    weight = np.asarray(spread_out, np.float64)
    return float(weight[mask].sum() / weight.sum())


def faithful(path: Path, rows: Sequence[LabelledImage], images: int = IMAGES) -> dict[str, Any]:
    """All figures, with intervals by lesion group."""
    model, random_model = Model(path), shuffled(path)
    rng = np.random.default_rng(SEED)
    chosen = [rows[index] for index in sorted(rng.permutation(len(rows))[:images])]
    groups = np.array([row.group for row in chosen])
    side = model.card.input_size
    moves: dict[float, list[tuple[float, float]]] = {share: [] for share in SHARES}
    random, mirrored, shares = [], [], []
    for row in tqdm(chosen, "evidence", unit="image", leave=False):
        square = np.ascontiguousarray(load_square(row.path, side).permute(1, 2, 0).numpy())
        evidence = model.run(square).evidence
        random.append(rank_correlation(evidence, random_model.run(square).evidence))
        mirrored.append(rank_correlation(evidence, model.run(np.ascontiguousarray(square[:, ::-1])).evidence[:, ::-1]))
        for share, pair in deletion(model, square, rng).items():
            moves[share].append(pair)
        mask = lesion_mask(square)
        shares.append((np.nan, np.nan) if mask is None else (inside_share(evidence, mask), float(mask.mean())))

    def mean(values: Sequence[float] | Array) -> dict[str, float | None]:
        numbers = np.asarray(values, np.float64)
        known = ~np.isnan(numbers)

        def average(weights: Array) -> float:
            return float(np.average(numbers[known], weights=weights[known])) if weights[known].any() else np.nan

        return bootstrap_interval(average, groups).json()

    inside, area = np.array(shares).T
    return {
        "n": len(chosen),
        "deletion": {
            f"{share:.0%}": {
                "by_evidence": mean([pair[0] for pair in pairs]),
                "random": mean([pair[1] for pair in pairs]),
                "further_than_random": mean([float(pair[0] > pair[1]) for pair in pairs]),
            }
            for share, pairs in moves.items()
        },
        "correlation_with_shuffled_weights": mean(random),
        "correlation_with_mirrored_view": mean(mirrored),
        "lesion": {
            "n": int((~np.isnan(inside)).sum()),
            "evidence_inside": mean(inside),
            "area": mean(area),
            "ratio": mean(inside / area),
        },
    }


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    for share, part in found["deletion"].items():
        moved, random, won = (part[key]["value"] for key in ("by_evidence", "random", "further_than_random"))
        print(f"{share} of the cells blurred away: logit moves {moved:+.3f} by evidence, {random:+.3f} at random", end="; ")
        print(f"further than at random in {won:.0%} of images")
    shuffled_maps, mirror = (found[f"correlation_with_{key}"]["value"] for key in ("shuffled_weights", "mirrored_view"))
    print(f"rank correlation of maps: shuffled weights {shuffled_maps:.3f}, mirrored view {mirror:.3f}")
    lesion = found["lesion"]
    inside, area, ratio = (lesion[key]["value"] for key in ("evidence_inside", "area", "ratio"))
    print(f"evidence inside the lesion {inside:.1%}, its area {area:.1%}, ratio {ratio:.2f} (n = {lesion['n']})")


def options() -> argparse.ArgumentParser:
    """The options of `python -m export faithful`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    parser.add_argument("--split", choices=SPLITS, default="test")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export faithful`."""
    found = faithful(args.model, select_split(read_table(args.data), args.split))
    show(found)
    if args.split == "test":
        update_report(args.model, {"evidence": found})
