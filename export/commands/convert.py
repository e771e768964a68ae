"""Convert a checkpoint to a model file: calibrated on `val`, and compared with PyTorch before it is written.

    python -m export convert runs/lite0/checkpoint.pt --data DATA --out runs/lite0/model/lesion.onnx --version 1.0.0
    python -m export convert runs/a/checkpoint.pt runs/b/checkpoint.pt --data DATA   an ensemble: the mean of their logits
    python -m export convert export.pkl --data DATA                                  fastai, v1 or v2
    python -m export convert weights.pth --data DATA --arch regnet_y_400mf --classes nevus melanoma

The graph is built twice: first without operating points, to compute its outputs for `val`, then with the operating points
that are fitted on these outputs, one for each image type of the table with one view and with eight. Nothing is written
unless the second graph, in float32, agrees with PyTorch on real images. With `--strangers`, one half of each folder lowers
the limit of the OOD score as far as few lesions are refused; `release` reports the other half.
The network is then stored in int8, float16 or float32: the first of these that passes
`export.evaluation.precision.compare_precisions`. A network that does not tell the images of `val` apart is converted with a
warning.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from export.checkpoints.reader import read_checkpoints
from export.commands.consent import confirm_replacement
from export.commands.options import (
    data_option,
    description_in,
    foreign_checkpoint_options,
    out_of_distribution_option,
    parser_of,
    read_rows,
    yes_option,
)
from export.commands.output_path import require_file
from export.data.ood_images import fitting_half
from export.data.splits import select_split
from export.errors import QuantisationError
from export.evaluation.image_type import detection_figures, image_types
from export.evaluation.ood_report import FITTED_OOD_IMAGES, ood_outputs
from export.evaluation.operating_point import (
    OperatingPoints,
    calibrations,
    doubts,
    fit_operating_points,
    points_metadata,
    unfitted_points,
)
from export.evaluation.parity import check_parity, parity_rows
from export.evaluation.precision import compare_precisions
from export.evaluation.predictions import predict
from export.evaluation.type_parameters import fit_graph_parameters
from export.graph.assemble import NetworkCore, assemble, export_network
from export.graph.description import describe_model
from export.graph.model_file import Storage, build_model_file, load_model, store_as_float32
from export.graph.parameters import GraphParameters
from export.graph.quantize import calibration_images, quantise_network
from export.graph.weight_storage import replace_network, store_as_float16
from export.reporting.writer import check_model_folder

OUT = Path("runs/model/lesion.onnx")
"""Not the released model file, which is replaced only where `--out` names it."""

INT8_SECONDS = 900.0
"""A DenseNet161, the largest network that is tested, takes about a minute."""

PRECISIONS = ("int8", "float16", "float32")
"""Of the stored network, from the smallest file to the largest."""


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export convert`."""
    fitted = data_option("`val` is fitted on")
    parser = parser_of(__doc__, fitted, out_of_distribution_option(), foreign_checkpoint_options(), yes_option())
    parser.add_argument("checkpoint", type=Path, nargs="+", help="of `python -m export train`, fastai, timm or torchvision")
    parser.add_argument("--out", type=Path, default=OUT, help="model file to write (default: %(default)s)")
    parser.add_argument("--numbers", choices=PRECISIONS, default="int8", help="precision of the network to try first")
    parser.add_argument(
        "--int8-seconds",
        type=float,
        default=INT8_SECONDS,
        help="time for int8; then float16 is used (default: %(default)s)",
    )
    parser.add_argument("--version", default="1.0.0", help="of the model, shown with every answer")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export convert`.

    Raises:
        CheckpointError: a checkpoint cannot be read, or several cannot be joined.
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: a data folder cannot be read, has too few lesions, or an image type in one of two splits only.
        ParityError: the graph does not agree with PyTorch.
        ReportError: `--out` cannot be written, its folder contains files that would be overwritten, or nobody agreed to
            replace the files.
    """
    checkpoint = read_checkpoints(args.checkpoint, description_in(args))
    print(checkpoint)
    network = checkpoint.network
    require_file(args.out)
    check_model_folder(args.out)
    confirm_replacement([args.out, args.out.parent / "metrics.json"], yes=args.yes)
    rows, ood_images = read_rows(args), fitting_half(args.strangers)
    train, val = (select_split(rows, split) for split in ("train", "val"))
    core = NetworkCore(network)
    exported, types = export_network(core), image_types(train, val)
    bare = assemble(exported, network, GraphParameters.placeholder(core.features))
    description = describe_model(network, args.version, checkpoint.provenance, train, trained_here=checkpoint.trained_here)
    description[FITTED_OOD_IMAGES] = {name: len(paths) for name, paths in ood_images.items()}

    def quantised() -> Storage:
        images = calibration_images(train, network.spec.size)
        return partial(replace_network, donor=quantise_network(bare, images, seconds=args.int8_seconds))

    storages: dict[str, Callable[[], Storage]] = {
        "int8": quantised,
        "float16": lambda: store_as_float16,
        "float32": lambda: store_as_float32,
    }
    for precision in PRECISIONS[PRECISIONS.index(args.numbers) :]:
        description["numbers"] = precision
        try:
            storage = storages[precision]()
        except QuantisationError as error:
            print(f"{precision} is not possible: {error}. The next precision is tried.")
            continue
        fitted = fit_graph_parameters(storage(bare), train)

        def build(points: OperatingPoints, storage: Storage, fitted: GraphParameters = fitted) -> bytes:
            complete = replace(fitted, calibrations=calibrations(points))
            metadata = description | points_metadata(points)
            return build_model_file(exported, network, complete, metadata, storage=storage)

        unfitted = load_model(build(unfitted_points(types), storage))
        one_view = predict(unfitted, val, image_types="recorded")
        description["image_type_detection"] = detection_figures(one_view)
        eight_views = predict(unfitted, val, views=8, image_types="recorded")
        points = fit_operating_points(one_view, eight_views, ood_outputs(unfitted, ood_images.values()))
        full, data = load_model(build(points, store_as_float32)), build(points, storage)
        comparison = compare_precisions(predict(full, val), predict(load_model(data), val), full.card)
        print(f"{precision}: {comparison}")
        if comparison["passes"]:
            break
    one_view_calibrations = {image_type: by_views[1] for image_type, by_views in calibrations(points).items()}
    parity = check_parity(full, network, parity_rows(val), one_view_calibrations)

    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".part").write_bytes(data)
    args.out.with_suffix(".part").replace(args.out)
    fitted_figures = points_metadata(points) | {"image_type_detection": description["image_type_detection"]}
    summary = json.dumps({"parity": parity, "fitted": fitted_figures}, indent=2)
    (args.out.parent / "metrics.json").write_text(summary + "\n")
    print(summary)
    print(f"{args.out}: {len(data) / 1e6:.1f} MB")
    for sentence in doubts(one_view):
        print(f"Warning: {sentence}", file=sys.stderr)
