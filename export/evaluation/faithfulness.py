"""Saliency faithfulness: whether the evidence map shows what the logit depends on.

- Deletion (Samek et al. 2017): cells with the most evidence for the side of the logit are blurred; the logit must move
  further to the other side than with the same number of random cells.
- Weight randomisation (Adebayo et al. 2018): with shuffled weights of the network, the map must be another one.
- Localisation: the share of the absolute evidence inside the lesion, against the share of the image that the lesion covers.
  The images have no segmentation: the lesion is the part that Otsu's threshold (1979) separates as darker than the skin.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from lesion.imaging.decode import Pixels
from lesion.inference.model import Model
from onnx import numpy_helper
from PIL import Image, ImageFilter
from scipy.stats import spearmanr
from skimage.filters import threshold_otsu
from tqdm import tqdm

from export.arrays import Array, Figures, Floats, Labels, Mask
from export.data.labels import LabelledImage
from export.data.transforms import load_square
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.schema import IntervalJson
from export.graph.weight_storage import NETWORK_PREFIX

IMAGES = 400
DELETED_SHARES = (0.1, 0.2, 0.3)
"""Shares of the cells that are blurred."""
RANDOM_DRAWS = 4
SEED = 1979
PLAUSIBLE_AREA = (0.05, 0.6)
"""Least and largest share of an image that is taken for a lesion; outside of it Otsu finds a vignette, hairs or nothing."""

_WEIGHT_TYPES = (np.float32, np.float16, np.int8)


def shuffle_weights(path: Path, seed: int = SEED) -> Model:
    """Return the model with the entries of each weight tensor of its network permuted.

    Args:
        path: the model file.
        seed: of the permutations.
    """
    proto = onnx.load(path)
    rng = np.random.default_rng(seed)
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name.startswith(NETWORK_PREFIX) and values.ndim > 1 and values.dtype in _WEIGHT_TYPES:
            permuted = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(permuted, tensor.name))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "shuffled.onnx"
        target.write_bytes(proto.SerializeToString())
        return Model(target)


def segment_lesion(square: Pixels) -> Mask | None:
    """Return where an image is darker than its skin, (S, S); None where that is no plausible lesion.

    Only the inscribed circle counts, because the dark corners of a dermatoscope's image are not skin.

    Args:
        square: uint8 (S, S, 3).
    """
    side = len(square)
    grey = np.asarray(Image.fromarray(square).convert("L").filter(ImageFilter.GaussianBlur(side / 60)))
    axis = np.arange(side) - (side - 1) / 2
    circle = np.hypot(axis[:, np.newaxis], axis) < side / 2
    inside = grey[circle]
    if inside.min() == inside.max():
        return None
    threshold = float(threshold_otsu(inside))  # type: ignore[no-untyped-call]  # scikit-image has no types
    mask: Mask = (grey <= threshold) & circle
    low, high = PLAUSIBLE_AREA
    return mask if low <= mask.mean() <= high else None


def blur_cells(square: Pixels, cells: Mask) -> Pixels:
    """Return an image with some cells replaced by a strong blur of the image.

    Args:
        square: uint8 (S, S, 3).
        cells: (R, C), true where the image is replaced.
    """
    side = len(square)
    blurred = np.asarray(Image.fromarray(square).filter(ImageFilter.GaussianBlur(side / 8)))
    mask = Image.fromarray((255 * cells).astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
    # A sharp border of the replaced part would be a new structure in the image.
    weight = np.asarray(mask.filter(ImageFilter.GaussianBlur(side / 60)), np.float64)[..., np.newaxis] / 255
    mixed: Pixels = (weight * blurred + (1 - weight) * square).round().astype(np.uint8)
    return mixed


def deletion_effect(model: Model, square: Pixels, rng: np.random.Generator) -> dict[float, tuple[float, float]]:
    """Return how far the logit moves towards the other side, for each of `DELETED_SHARES`.

    Args:
        model: any model file's.
        square: uint8 (S, S, 3).
        rng: draws the random cells.

    Returns:
        Share of the cells -> (moved with the cells of most evidence, mean over draws with random cells), in logits.
    """
    outputs = model.run(square)
    side = 1.0 if outputs.logit > 0 else -1.0
    order = np.argsort(-side * outputs.evidence.ravel(), kind="stable")

    def moved(chosen: np.ndarray) -> float:
        cells = np.zeros(order.size, bool)
        cells[chosen] = True
        return side * (outputs.logit - model.run(blur_cells(square, cells.reshape(outputs.evidence.shape))).logit)

    effects = {}
    for share in DELETED_SHARES:
        count = max(round(share * order.size), 1)
        random = [rng.choice(order.size, count, replace=False) for _ in range(RANDOM_DRAWS)]
        effects[share] = (moved(order[:count]), float(np.mean([moved(chosen) for chosen in random])))
    return effects


def rank_correlation(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation of two maps of one shape; 0 where one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def evidence_inside(evidence: Floats, mask: Mask) -> float:
    """Return the share of the absolute evidence that lies inside a mask, 0 to 1.

    Args:
        evidence: (R, C).
        mask: (S, S).
    """
    side = len(mask)
    enlarged = Image.fromarray(np.abs(evidence)).resize((side, side), Image.Resampling.NEAREST)
    weight = np.asarray(enlarged, np.float64)
    return float(weight[mask].sum() / weight.sum())


def measure_faithfulness(path: Path, rows: Sequence[LabelledImage], images: int = IMAGES) -> Figures:
    """Return the figures of all three tests, each mean with its interval over lesion groups.

    Args:
        path: the model file.
        rows: of one split.
        images: how many of them to draw, at most.
    """
    model, random_model = Model(path), shuffle_weights(path)
    rng = np.random.default_rng(SEED)
    chosen = [rows[index] for index in sorted(rng.permutation(len(rows))[:images])]
    groups = np.array([row.group for row in chosen])
    side = model.card.input_size
    moves: dict[float, list[tuple[float, float]]] = {share: [] for share in DELETED_SHARES}
    shuffled, mirrored, shares = [], [], []
    for row in tqdm(chosen, "evidence", unit="image", leave=False):
        square = np.ascontiguousarray(load_square(row.path, side).permute(1, 2, 0).numpy())
        evidence = model.run(square).evidence
        shuffled.append(rank_correlation(evidence, random_model.run(square).evidence))
        mirrored.append(rank_correlation(evidence, model.run(np.ascontiguousarray(square[:, ::-1])).evidence[:, ::-1]))
        for share, pair in deletion_effect(model, square, rng).items():
            moves[share].append(pair)
        mask = segment_lesion(square)
        shares.append((np.nan, np.nan) if mask is None else (evidence_inside(evidence, mask), float(mask.mean())))

    def mean(values: Sequence[float] | Array) -> IntervalJson:
        return _mean_over_groups(np.asarray(values, np.float64), groups)

    inside, area = np.array(shares).T
    return {
        "n": len(chosen),
        "deletion": {
            f"{share:.0%}": {
                "by_evidence": mean([by_evidence for by_evidence, _ in pairs]),
                "random": mean([random for _, random in pairs]),
                "further_than_random": mean([float(by_evidence > random) for by_evidence, random in pairs]),
            }
            for share, pairs in moves.items()
        },
        "correlation_with_shuffled_weights": mean(shuffled),
        "correlation_with_mirrored_view": mean(mirrored),
        "lesion": {
            "n": int((~np.isnan(inside)).sum()),
            "evidence_inside": mean(inside),
            "area": mean(area),
            "ratio": mean(inside / area),
        },
    }


def _mean_over_groups(values: Array, groups: Labels) -> IntervalJson:
    """Return the mean of values (N,) that are not NaN, with its interval."""
    known = ~np.isnan(values)

    def average(weights: Array) -> float:
        return float(np.average(values[known], weights=weights[known])) if weights[known].any() else np.nan

    return bootstrap_interval(average, groups).json()
