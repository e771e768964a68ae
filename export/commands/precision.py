"""The same network with other numbers: float32, float16 in the file, int8. What each costs and what it changes.

    python -m export formats runs/lite0/checkpoint.pt --data DATA        on val; into metrics.json and the model card

The gate: against float32 the AUC changes by at most 0.002, and no malignant image falls below the threshold.
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

from export.checkpoints.options import add_reader_options, reader_options
from export.checkpoints.reader import read_checkpoints
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.evaluation.precision import Figures, compare_precisions
from export.evaluation.predictions import predict
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.graph.quantize import calibration_images, quantise_network
from export.graph.weight_storage import store_as_float16
from export.reporting.writer import update_report

TIMED = 40


def milliseconds(models: Sequence[Model], pictures: Sequence[Pixels]) -> list[float]:
    """Median of one run of each model, one thread, in turns so that whatever else runs meets all alike."""
    times: list[list[float]] = [[] for _ in models]
    for turn in range(TIMED):
        for place, model in enumerate(models):
            began = time.perf_counter()
            model.run(pictures[turn % len(pictures)])
            times[place].append(1000 * (time.perf_counter() - began))
    return [round(statistics.median(spans[3:]), 2) for spans in times]


def formats(path: Path, core: onnx.ModelProto, rows: Sequence[LabelledImage]) -> Figures:
    """Name of the format -> size in bytes, milliseconds, and what it changes on `val`.

    Args:
        path: the model file.
        core: the network that it was made of, see `export.graph.assemble.export_network`.
        rows: labelled images; int8 sees some of `train`.
    """
    model = Model(path)
    train, val = (select_split(rows, split) for split in ("train", "val"))
    pictures = calibration_images(train, model.card.input_size)
    full = restore_float32_network(onnx.load(path), core)
    stored = {"float32": full, "float16 in the file": store_as_float16(full), "int8": quantise_network(full, pictures)}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{place}.onnx" for place, name in enumerate(stored)}
        for name, file in paths.items():
            onnx.save(stored[name], file)
        models = {name: Model(file) for name, file in paths.items()}
        sizes = {name: file.stat().st_size for name, file in paths.items()}
    times = dict(zip(models, milliseconds(list(models.values()), pictures), strict=True))
    answers = {name: predict(one, val) for name, one in models.items()}
    return {
        name: {
            "bytes": sizes[name],
            "milliseconds": times[name],
            **compare_precisions(answers["float32"], answers[name], model.card.threshold),
        }
        for name in models
    }


def show(found: Figures) -> None:
    """Print the figures as a table."""
    print(f"{'':22} {'MB':>6} {'ms':>6} {'AUC':>7} {'change':>8} {'flips':>6} {'lost':>5} gate")
    for name, part in found.items():
        print(
            f"{name:22} {part['bytes'] / 1e6:6.1f} {part['milliseconds']:6.1f} {part['auc']:7.4f} "
            f"{part['auc_change']['value']:+8.4f} {part['flips']:6} {part['malignant_lost']:5} "
            f"{'passes' if part['passes'] else 'fails'}"
        )


def options() -> argparse.ArgumentParser:
    """The options of `python -m export formats`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="what the model file was made of")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    add_reader_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export formats`."""
    network = read_checkpoints(args.checkpoint, reader_options(args, Model(args.model).card.input_size)).network
    found = formats(args.model, export_network(NetworkCore(network)), read_table(args.data))
    show(found)
    update_report(args.model, {"formats": found})
