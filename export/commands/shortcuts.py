"""Report how well malignancy can be predicted without the lesion, by shortcuts of the data; prints only.

    python -m export shortcuts --data DATA MILK10K PAD

The shortcuts are the source of an image, and the colour of its border with the size of its file. They are fitted on `train`
and evaluated on `val`. The method: `export.evaluation.shortcuts`.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from export.arrays import Array, Figures
from export.commands.options import data_option, parser_of, read_rows
from export.data.labels import LabelledImage
from export.data.sampling import sampling_weights, source_balanced_weights
from export.evaluation.shortcuts import shortcut_report


def drawn_by_sources(rows: Sequence[LabelledImage]) -> Array:
    """Return the weights (N,) with which `train --balance sources` draws N images."""
    return np.asarray(source_balanced_weights(rows).numpy())


def drawn_by_datasets(rows: Sequence[LabelledImage]) -> Array:
    """Return the weights (N,) with which `train --balance datasets` draws N images."""
    return np.asarray(sampling_weights(rows, balance_datasets=True).numpy())


SAMPLING = {"sources": drawn_by_sources, "datasets": drawn_by_datasets}
"""`--balance` -> weights."""


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
    parser.add_argument("--balance", choices=SAMPLING, default="sources", help="as in `train` (default: %(default)s)")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export shortcuts`.

    Raises:
        DataError: a data folder or an image cannot be read, or a split lacks one side.
    """
    show(shortcut_report(read_rows(args), SAMPLING[args.balance]), args.balance)
