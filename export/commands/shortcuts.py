"""Report how well malignancy can be predicted without the lesion, by shortcuts of the data; prints only.

    python -m export shortcuts --data DATA MILK10K PAD

The shortcuts are the source of an image, and the colour of its border with the size of its file. They are fitted on `train`
and evaluated on `val`. The method: `export.evaluation.shortcuts`.
"""

import argparse
from collections.abc import Sequence
from typing import get_args

import numpy as np

from export.arrays import Array, Figures
from export.checkpoints.recipe import Balance
from export.commands.options import data_option, parser_of, read_rows
from export.data.labels import LabelledImage
from export.evaluation.shortcuts import shortcut_report
from export.training.batches import image_weights


def show(figures: Figures, balance: str) -> None:
    """Print the figures of `export.evaluation.shortcuts.shortcut_report`, drawn as by a `--balance` of `train`."""
    print(f"{'AUC on val of':42} {'n':>5} {'malig.':>6}")
    print(f"{'source alone':56}{_text(figures['source'])}")
    print(f"{'source alone, drawn as by --balance ' + balance:56}{_text(figures['source_as_drawn'])}")
    print(f"{'border colour and file size':56}{_text(figures['border_and_file'])}")
    for name, part in figures["by_source"].items():
        print(f"  within {name:33} {part['n']:5} {part['malignant']:6} {_text(part['border_and_file'])}")


def _text(entry: Figures) -> str:
    return "-" if entry["value"] is None else f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export shortcuts`."""
    parser = parser_of(__doc__, data_option())
    parser.add_argument(
        "--balance", choices=get_args(Balance), default="sources", help="as in `train` (default: %(default)s)"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export shortcuts`.

    Raises:
        DataError: a data folder or an image cannot be read, or a split lacks one side.
    """

    def drawn(rows: Sequence[LabelledImage]) -> Array:
        return np.asarray(image_weights(rows, args.balance).numpy())

    show(shortcut_report(read_rows(args), drawn), args.balance)
