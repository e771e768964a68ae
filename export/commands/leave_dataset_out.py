"""Measure how many dermoscopic images are refused when the OOD detector was fitted without their data set.

    python -m export cameras --data DATA

The figures are written to metrics.json and the model card. The method: `export.evaluation.leave_dataset_out`.
"""

import argparse
from collections.abc import Mapping

import onnx

from export.arrays import Figures
from export.commands.consent import confirm_replacement, report_files
from export.commands.options import data_option, model_option, parser_of, read_rows, yes_option
from export.evaluation.leave_dataset_out import refusals_per_dataset
from export.reporting.writer import update_report


def show(figures: Mapping[str, Figures]) -> None:
    """Print the figures of `export.evaluation.leave_dataset_out.refusals_per_dataset`."""
    for name, parts in figures.items():
        for which, part in parts.items():
            share = part["refused"]
            if share["value"] is not None:
                interval = f"{share['low']:.1%}-{share['high']:.1%}"
                print(f"{name}, {which}: n = {part['n']}, refused {share['value']:.1%} ({interval})")


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export cameras`."""
    return parser_of(__doc__, data_option(), model_option(), yes_option())


def main(args: argparse.Namespace) -> None:
    """Run `python -m export cameras`.

    Raises:
        DataError: a data folder cannot be read.
        ReportError: nobody agreed to replace figures and model card.
    """
    confirm_replacement(report_files(args.model), yes=args.yes)
    figures = refusals_per_dataset(onnx.load(args.model), read_rows(args))
    show(figures)
    update_report(args.model, {"unseen_cameras": figures})
