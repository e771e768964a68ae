"""Comparison of one network in several numeric precisions (float32, float16, int8): predictions, size and time."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from lesion.imaging.decode import Pixels
from lesion.inference.card import Card
from lesion.inference.model import Model

from export.arrays import Array, Figures
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import Predictions, predict
from export.evaluation.schema import PrecisionMetrics
from export.graph.assemble import restore_float32_network
from export.graph.quantize import calibration_images, quantise_network
from export.graph.weight_storage import store_as_float16

MAX_AUC_CHANGE = 0.002
"""Largest absolute change of the AUC with which a precision passes."""

MAX_LOST = 0.002
"""Largest share of the malignant images that may fall below the threshold: of fewer than 500, none. The threshold is fitted
to the outputs of the precision itself, so that images near it cross in both directions."""

TIMED_RUNS = 40
WARM_UP_RUNS = 3
"""The first of the timed runs, which do not count."""


def compare_precisions(original: Predictions, other: Predictions, card: Card) -> PrecisionMetrics:
    """Return the changes of `other` against `original`, and whether they are acceptable.

    A precision passes if the AUC changes by at most `MAX_AUC_CHANGE` and at most `MAX_LOST` of the malignant images fall
    below their threshold.

    Args:
        original: predictions in float32.
        other: predictions for the same images in another precision.
        card: of the model file, for its thresholds.
    """
    before, after = original.scalar("probability"), other.scalar("probability")
    malignant = original.malignant
    above = other.above_threshold(card)
    crossed = original.above_threshold(card) != above

    def auc_change(weights: Array) -> float:
        return metrics.auc(after, malignant, weights) - metrics.auc(before, malignant, weights)

    change = bootstrap_interval(auc_change, original.groups)
    malignant_lost = int((crossed & malignant & ~above).sum())
    return {
        "auc": round(metrics.auc(after, malignant, np.ones(len(after))), 4),
        "auc_change": change.json(),
        "largest_logit_difference": float(np.abs(original.scalar("logit") - other.scalar("logit")).max()),
        "flips": int(crossed.sum()),
        "malignant_lost": malignant_lost,
        "passes": bool(abs(round(change.value, 4)) <= MAX_AUC_CHANGE and malignant_lost <= MAX_LOST * malignant.sum()),
    }


def run_times(models: Sequence[Model], images: Sequence[Pixels]) -> list[float]:
    """Return the median time of one run of each model, in milliseconds, on one thread.

    The models take turns, so that other load on the machine affects all alike.

    Args:
        models: at least one.
        images: uint8 (H, W, 3) each; at least one.
    """
    times: list[list[float]] = [[] for _ in models]
    for turn in range(TIMED_RUNS):
        for place, model in enumerate(models):
            start = time.perf_counter()
            model.run(images[turn % len(images)])
            times[place].append(1000 * (time.perf_counter() - start))
    return [round(statistics.median(spans[WARM_UP_RUNS:]), 2) for spans in times]


def measure_precisions(path: Path, exported: onnx.ModelProto, rows: Sequence[LabelledImage]) -> Figures:
    """Return, for each precision, the file's size in bytes, the time of a run, and the changes of the answers to `val`.

    Args:
        path: the model file.
        exported: its network in float32, as `export.graph.assemble.export_network` returns it.
        rows: of all splits; int8 is calibrated on some of `train`.
    """
    model = Model(path)
    train, val = (select_split(rows, split) for split in ("train", "val"))
    images = calibration_images(train, model.card.input_size)
    full = restore_float32_network(onnx.load(path), exported)
    stored = {"float32": full, "float16 in the file": store_as_float16(full), "int8": quantise_network(full, images)}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{place}.onnx" for place, name in enumerate(stored)}
        for name, file in paths.items():
            onnx.save(stored[name], file)
        models = {name: Model(file) for name, file in paths.items()}
        sizes = {name: file.stat().st_size for name, file in paths.items()}
    times = dict(zip(models, run_times(list(models.values()), images), strict=True))
    predictions = {name: predict(one, val) for name, one in models.items()}
    return {
        name: {
            "bytes": sizes[name],
            "milliseconds": times[name],
            **compare_precisions(predictions["float32"], predictions[name], model.card),
        }
        for name in models
    }
