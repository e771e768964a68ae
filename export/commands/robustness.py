"""Measure robustness: whether re-encoding, resizing or another illuminant changes the decisions.

    python -m export stress --data DATA --copies COPIES --split val      prints only
    python -m export stress --data DATA --copies COPIES                  on test: writes stress.png and metrics.json too

COPIES is a folder with metadata.csv (file, isic_id, kind) and the files below it. Method: `export.evaluation.robustness`.
"""

import argparse
import math
from collections.abc import Mapping

from lesion.inference.model import Model

from export.arrays import Figures
from export.commands.consent import confirm_replacement, report_files
from export.commands.options import (
    copies_option,
    data_option,
    model_option,
    parser_of,
    read_rows,
    split_option,
    yes_option,
)
from export.data.splits import select_split
from export.evaluation.robustness import measure_robustness
from export.reporting.plots import plot_robustness
from export.reporting.writer import update_report


def show(figures: Mapping[str, Figures]) -> None:
    """Print the figures of `export.evaluation.robustness.measure_robustness` as a table."""
    print(f"{'':48} {'n':>5} {'AUC':>6} {'change':>7} {'flips':>6} {'refused':>8}")
    for kind, strengths in figures.items():
        for strength, part in strengths.items():
            # A few copies may all be malignant, or all benign: they have no AUC.
            values = (part[key]["value"] for key in ("auc", "auc_change", "flips"))
            auc, change, flips = (math.nan if value is None else float(value) for value in values)
            line = f"{kind} {strength}"
            print(f"{line:48} {part['n']:5} {auc:6.3f} {change:+7.4f} {flips:6.1%} {part['newly_refused']:+8.1%}")


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export stress`."""
    return parser_of(__doc__, data_option(), model_option(), copies_option(), split_option(), yes_option())


def main(args: argparse.Namespace) -> None:
    """Run `python -m export stress`.

    Raises:
        DataError: a data folder or the folder of copies cannot be read.
        ModelFileError: the model file cannot be read.
        ReportError: nobody agreed to replace figures and model card.
    """
    if args.split == "test":
        confirm_replacement(report_files(args.model), yes=args.yes)
    figures = measure_robustness(Model(args.model), select_split(read_rows(args), args.split), args.copies)
    show(figures)
    if args.split == "test":
        update_report(args.model, {"stress": figures})
        plot_robustness(args.model.parent, figures)
