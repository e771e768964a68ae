"""Compare precisions of the stored network: float32, float16 and int8, by size, time and answers to `val`.

    python -m export formats runs/lite0/checkpoint.pt --data DATA        writes metrics.json and the model card

A precision passes when its AUC differs from that of float32 by at most 0.002 and at most 0.2 % of the malignant images
fall below the threshold.
"""

import argparse
from pathlib import Path

from lesion.inference.model import Model

from export.arrays import Figures
from export.checkpoints.reader import read_checkpoints
from export.commands.consent import confirm_replacement, report_files
from export.commands.options import (
    data_option,
    description_in,
    foreign_checkpoint_options,
    model_option,
    parser_of,
    read_rows,
    yes_option,
)
from export.evaluation.precision import measure_precisions
from export.graph.assemble import NetworkCore, export_network
from export.reporting.writer import update_report


def show(figures: Figures) -> None:
    """Print the figures of `measure_precisions` as a table."""
    print(f"{'':22} {'MB':>6} {'ms':>6} {'AUC':>7} {'change':>8} {'flips':>6} {'lost':>5} gate")
    for name, part in figures.items():
        print(
            f"{name:22} {part['bytes'] / 1e6:6.1f} {part['milliseconds']:6.1f} {part['auc']:7.4f} "
            f"{part['auc_change']['value']:+8.4f} {part['flips']:6} {part['malignant_lost']:5} "
            f"{'passes' if part['passes'] else 'fails'}"
        )


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export formats`."""
    parser = parser_of(__doc__, data_option(), model_option(), foreign_checkpoint_options(), yes_option())
    parser.add_argument("checkpoint", type=Path, nargs="+", help="from which the model file was converted")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export formats`.

    Raises:
        CheckpointError: a checkpoint cannot be read, or several cannot be joined.
        DataError: a data folder cannot be read.
        ModelFileError: the model file cannot be read.
        ReportError: nobody agreed to replace figures and model card.
    """
    confirm_replacement(report_files(args.model), yes=args.yes)
    network = read_checkpoints(args.checkpoint, description_in(args, Model(args.model).card.input_size)).network
    figures = measure_precisions(args.model, export_network(NetworkCore(network)), read_rows(args))
    show(figures)
    update_report(args.model, {"formats": figures})
