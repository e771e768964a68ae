"""Compare precisions of the stored network: float32, float16 and int8, by size, time and answers to `val`.

    python -m export formats runs/lite0/checkpoint.pt --data DATA        writes metrics.json and the model card

A precision passes when its AUC differs from that of float32 by at most 0.002 and no malignant image falls below the
threshold.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import onnx
from lesion.imaging.decode import Pixels
from lesion.inference.model import Model

from export.arrays import Figures
from export.checkpoints.reader import read_checkpoints
from export.commands.options import data_option, description_in, foreign_checkpoint_options, model_option, parser_of
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.evaluation.precision import compare_precisions
from export.evaluation.predictions import predict
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.graph.quantize import calibration_images, quantise_network
from export.graph.weight_storage import store_as_float16
from export.reporting.writer import update_report

TIMED_RUNS = 40
WARM_UP_RUNS = 3


def milliseconds(models: Sequence[Model], images: Sequence[Pixels]) -> list[float]:
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


def formats(path: Path, exported: onnx.ModelProto, rows: Sequence[LabelledImage]) -> Figures:
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
    times = dict(zip(models, milliseconds(list(models.values()), images), strict=True))
    predictions = {name: predict(one, val) for name, one in models.items()}
    return {
        name: {
            "bytes": sizes[name],
            "milliseconds": times[name],
            **compare_precisions(predictions["float32"], predictions[name], model.card.threshold),
        }
        for name in models
    }


def show(figures: Figures) -> None:
    """Print the figures of `formats` as a table."""
    print(f"{'':22} {'MB':>6} {'ms':>6} {'AUC':>7} {'change':>8} {'flips':>6} {'lost':>5} gate")
    for name, part in figures.items():
        print(
            f"{name:22} {part['bytes'] / 1e6:6.1f} {part['milliseconds']:6.1f} {part['auc']:7.4f} "
            f"{part['auc_change']['value']:+8.4f} {part['flips']:6} {part['malignant_lost']:5} "
            f"{'passes' if part['passes'] else 'fails'}"
        )


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export formats`."""
    parser = parser_of(__doc__, data_option(), model_option(), foreign_checkpoint_options())
    parser.add_argument("checkpoint", type=Path, nargs="+", help="from which the model file was converted")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export formats`.

    Raises:
        CheckpointError: a checkpoint cannot be read, or several cannot be joined.
        DataError: the data folder cannot be read.
        ModelFileError: the model file cannot be read.
    """
    network = read_checkpoints(args.checkpoint, description_in(args, Model(args.model).card.input_size)).network
    figures = formats(args.model, export_network(NetworkCore(network)), read_table(args.data))
    show(figures)
    update_report(args.model, {"formats": figures})
