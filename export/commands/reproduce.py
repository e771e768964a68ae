"""Recompute every figure of the model card from the images and the model file, and fail where one differs.

    python -m export reproduce --data DATA --strangers PHONES OBJECTS --copies COPIES --checkpoint CHECKPOINT

Prints what each report prints, then what differs in models/metrics.json, in the metadata of the model file and in
models/README.md. Parity with PyTorch and other precisions need `--checkpoint`; the figures of
`python -m export unseen` are left out. Nothing is written.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from lesion.inference.card import ImageType
from lesion.inference.model import Model

from export.arrays import Figures
from export.checkpoints.reader import read_checkpoints
from export.commands import faithfulness, leave_dataset_out, precision, release, robustness
from export.commands.options import (
    copies_option,
    data_option,
    description_in,
    foreign_checkpoint_options,
    model_option,
    out_of_distribution_option,
    parser_of,
    read_rows,
)
from export.data.labels import LabelledImage
from export.data.ood_images import fitting_half
from export.data.splits import select_split
from export.evaluation.faithfulness import measure_faithfulness
from export.evaluation.image_type import detection_figures
from export.evaluation.leave_dataset_out import refusals_per_dataset
from export.evaluation.ood_report import FITTED_OOD_IMAGES, ood_outputs
from export.evaluation.operating_point import fit_operating_points, points_metadata
from export.evaluation.parity import check_parity, parity_rows
from export.evaluation.precision import measure_precisions
from export.evaluation.predictions import predict
from export.evaluation.robustness import measure_robustness
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.graph.calibration import Calibration, parse_calibration
from export.graph.model_file import load_model
from export.reporting.model_card import EXPERIMENTS, render_card
from export.reporting.readme_table import BEGIN, render_results

TOLERANCE = 0.002
"""Largest difference between two figures that is rounding. Another processor sums in another order, and one image whose
decision changes for that reason moves a share of a thousand images by 0.001."""

NEED_CHECKPOINT = ("parity", "formats")
"""Keys of metrics.json that cannot be recomputed from the model file alone."""

NEED_TRAINING = ("unseen_sources", "unseen_training")
"""Keys of metrics.json that belong to other trainings: `python -m export unseen` computes them again."""


def differences(recorded: Any, computed: Any, name: str = "") -> Iterator[str]:
    """Yield a sentence for each difference between two nested sets of figures.

    Numbers may differ by `TOLERANCE`, relative to those above 1; times of runs are not compared.

    Args:
        recorded: JSON values that were written earlier.
        computed: JSON values computed now.
        name: path of keys to both, for the sentences.
    """
    if isinstance(recorded, dict) and isinstance(computed, dict):
        for key in sorted((recorded.keys() | computed.keys()) - {"milliseconds"}):
            yield from differences(recorded.get(key), computed.get(key), f"{name}/{key}" if name else key)
    elif isinstance(recorded, list) and isinstance(computed, list) and len(recorded) == len(computed):
        for place, (one, other) in enumerate(zip(recorded, computed, strict=True)):
            yield from differences(one, other, f"{name}/{place}")
    elif _is_number(recorded) and _is_number(computed):
        if not abs(recorded - computed) <= TOLERANCE * max(1.0, abs(recorded)):
            yield f"{name}: said to be {recorded:g}, found {computed:g}"
    elif recorded != computed:
        yield f"{name}: said to be {recorded}, found {computed}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def recompute(args: argparse.Namespace, model: Model, rows: list[LabelledImage]) -> Figures:
    """Compute the parts of metrics.json again from the images.

    Args:
        args: the parsed options.
        model: the model file.
        rows: of all splits.

    Raises:
        CheckpointError: a checkpoint cannot be read.
        DataError: images cannot be read.
        ParityError: the model file does not agree with PyTorch.
    """
    # The checkpoint comes first, so that a missing option is reported before an hour of computation.
    description = description_in(args, model.card.input_size)
    network = read_checkpoints(args.checkpoint, description).network if args.checkpoint is not None else None
    val, test = (select_split(rows, split) for split in ("val", "test"))
    reports, _ = release.evaluate(model, rows, ("val", "test"), folders=args.strangers)
    figures: Figures = {**reports}
    # The one operating point of a file of format 1 was fitted in another way.
    if model.card.format != "1":
        figures["fitted"] = _refit(model, val, args.strangers)
    figures["stress"] = measure_robustness(model, test, args.copies)
    robustness.show(figures["stress"])
    figures["evidence"] = measure_faithfulness(args.model, test)
    faithfulness.show(figures["evidence"])
    figures["unseen_cameras"] = refusals_per_dataset(onnx.load(args.model), rows)
    leave_dataset_out.show(figures["unseen_cameras"])
    if network is not None:
        exported = export_network(NetworkCore(network))
        full = load_model(restore_float32_network(onnx.load(args.model), exported).SerializeToString())
        figures["parity"] = check_parity(full, network, parity_rows(val), _calibrations(model))
        figures["formats"] = measure_precisions(args.model, exported, rows)
        precision.show(figures["formats"])
    return figures


def _refit(model: Model, val: list[LabelledImage], folders: Sequence[Path]) -> Figures:
    """Fit the operating points again. They depend on logits and OOD scores, which do not depend on the old points."""
    one_view, eight_views = (predict(model, val, views=views, image_types="recorded") for views in (1, 8))
    halves = fitting_half([folder for folder in folders if folder.name in model.card.about.get(FITTED_OOD_IMAGES, {})])
    points = fit_operating_points(one_view, eight_views, ood_outputs(model, halves.values()))
    return points_metadata(points) | {"image_type_detection": detection_figures(one_view)}


def _calibrations(model: Model) -> dict[ImageType, Calibration]:
    """Return the calibrations of a model file for one view."""
    return {name: parse_calibration(by_views[1].calibration) for name, by_views in model.card.operating_points.items()}


def contradictions(path: Path, computed: Figures) -> list[str]:
    """Return a sentence for each difference between computed figures and the published ones.

    Args:
        path: the model file, with metrics.json and README.md beside it.
        computed: figures of `recompute`.
    """
    computed = json.loads(json.dumps(computed))
    model = Model(path)
    recorded = json.loads((path.parent / "metrics.json").read_text())
    not_computed = {key for key in (*NEED_CHECKPOINT, *NEED_TRAINING, "fitted") if key not in computed}
    checked = {key: value for key, value in recorded.items() if key not in {"version", "sha256", *not_computed}}
    sentences = [f"metrics.json: {line}" for line in differences(checked, computed)]
    sentences += [f"metrics.json: {line}" for line in differences(recorded["sha256"], model.sha256, "sha256")]
    metadata = {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}
    figures = metadata.pop("metrics")
    refitted = computed.get("fitted", {})
    fitted = {key: metadata.get(key) for key in refitted}
    in_file = [*differences(figures, {key: computed.get(key) for key in figures}, "metrics")]
    in_file += differences(fitted, refitted)
    return sentences + [f"{path.name}: {line}" for line in in_file] + stale_pages(path, recorded)


def stale_pages(path: Path, recorded: Figures) -> list[str]:
    """Return a sentence for each page that is not as rendered from the model file and its figures.

    Args:
        path: the model file; its folder contains the model card, and the parent folder the README.
        recorded: the figures of metrics.json.
    """
    model, stale = Model(path), []
    card = render_card(model, recorded, has_experiments=(path.parent / EXPERIMENTS).is_file())
    if (path.parent / "README.md").read_text() != card:
        stale.append("models/README.md: differs from metrics.json and the model file; `python -m export render` writes it")
    readme = path.parent.parent / "README.md"
    text = readme.read_text() if readme.is_file() else ""
    if BEGIN in text and render_results(model, path.stat().st_size, recorded) not in text:
        stale.append("README.md: its figures are not those of metrics.json; `python -m export render` writes them")
    return stale


def count(figures: Any) -> int:
    """Return the number of numbers in nested figures."""
    if isinstance(figures, dict):
        return sum(count(value) for value in figures.values())
    return sum(count(value) for value in figures) if isinstance(figures, list) else int(_is_number(figures))


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export reproduce`."""
    parser = parser_of(
        __doc__,
        data_option(),
        model_option(),
        out_of_distribution_option(),
        copies_option(),
        foreign_checkpoint_options(),
    )
    parser.add_argument("--checkpoint", type=Path, nargs="+", help="from which the model file was converted")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run `python -m export reproduce`.

    Returns:
        Exit status: 1 where a figure differs, otherwise 0.

    Raises:
        CheckpointError, DataError, ParityError: see `recompute`.
        ModelFileError: the model file cannot be read.
    """
    model = Model(args.model)
    computed = recompute(args, model, read_rows(args))
    sentences = contradictions(args.model, computed)
    missing = [key for key in NEED_CHECKPOINT if key not in computed]
    print(f"\n{count(computed)} figures computed anew, {len(sentences)} contradictions", end="")
    print(f"; not without --checkpoint: {', '.join(missing)}" if missing else "")
    for line in sentences:
        print(f"- {line}")
    return 1 if sentences else 0
