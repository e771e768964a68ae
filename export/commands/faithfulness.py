"""Measure the faithfulness of the evidence map: deletion, weight randomisation and localisation.

    python -m export faithful --data DATA --split val      prints only
    python -m export faithful --data DATA                  on test: writes metrics.json and the model card

The tests and their sources: `export.evaluation.faithfulness`.
"""

import argparse

from lesion.inference.model import Model

from export.arrays import Figures
from export.commands.options import data_option, model_option, parser_of, split_option
from export.data.splits import select_split
from export.data.tables import read_tables
from export.errors import ReportError
from export.evaluation.faithfulness import measure_faithfulness
from export.reporting.writer import update_report


def show(figures: Figures) -> None:
    """Print the figures of `export.evaluation.faithfulness.measure_faithfulness`."""
    for share, part in figures["deletion"].items():
        moved, random, share_further = (part[key]["value"] for key in ("by_evidence", "random", "further_than_random"))
        print(f"{share} of the cells blurred: logit moves {moved:+.3f} by evidence, {random:+.3f} at random", end="; ")
        print(f"further than at random in {share_further:.0%} of images")
    shuffled_maps, mirror = (figures[f"correlation_with_{key}"]["value"] for key in ("shuffled_weights", "mirrored_view"))
    print(f"rank correlation of maps: shuffled weights {shuffled_maps:.3f}, mirrored view {mirror:.3f}")
    lesion = figures["lesion"]
    inside, area, ratio = (lesion[key]["value"] for key in ("evidence_inside", "area", "ratio"))
    print(f"evidence inside the lesion {inside:.1%}, its area {area:.1%}, ratio {ratio:.2f} (n = {lesion['n']})")


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export faithful`."""
    return parser_of(__doc__, data_option(), model_option(), split_option())


def main(args: argparse.Namespace) -> None:
    """Run `python -m export faithful`.

    Raises:
        DataError: a data folder cannot be read.
        ModelFileError: the model file cannot be read.
        ReportError: the model has no evidence map.
    """
    if not Model(args.model).card.has_evidence:
        raise ReportError(f"{args.model} has no evidence map to measure: its network classifies by a token without a place.")
    figures = measure_faithfulness(args.model, select_split(read_tables(args.data), args.split))
    show(figures)
    if args.split == "test":
        update_report(args.model, {"evidence": figures})
