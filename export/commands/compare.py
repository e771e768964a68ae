"""Compare checkpoints and every pair of them on `val`, before one is converted.

    python -m export candidates runs/a/checkpoint.pt runs/b/checkpoint.pt --data DATA

Prints AUC, specificity at 95 % sensitivity, melanoma against nevus and the AUC of each source (data set and image type),
and how compression, a quarter turn, a crop, a colour cast and, with `--copies`, other copies of the same images change AUC
and decisions. One view of the network in PyTorch, as during training: it takes minutes, and the figures are
close to the model file's. Nothing is written, and `test` is not read.
"""

import argparse
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.commands.options import copies_option, data_option, parser_of, read_rows, size_option
from export.data.splits import select_split
from export.evaluation.candidates import compare_candidates


def unique_names(paths: Sequence[Path]) -> dict[str, Path]:
    """Return each file under its folder's name or, where two folders share one, under the shortest path ends that differ.

    Args:
        paths: the files; repeated ones count once.
    """
    files = list(dict.fromkeys(path.absolute() for path in paths))
    names = {file.parent.name: file for file in files}
    for depth in count(1):
        if len(names) == len(files):
            break
        names = {"/".join(file.parts[-depth:]): file for file in files}
    return names


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export candidates`."""
    parser = parser_of(__doc__, data_option(), copies_option(), size_option("that of each checkpoint"))
    parser.add_argument("checkpoint", type=Path, nargs="+", help="of `python -m export train`")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export candidates`.

    Raises:
        CheckpointError: a checkpoint cannot be read.
        DataError: a data folder or the folder of copies cannot be read.
    """
    rows = select_split(read_rows(args), "val")
    size = ReaderOptions(size=args.size)
    networks = {name: read_checkpoint(path, size).network for name, path in unique_names(args.checkpoint).items()}
    for figures in compare_candidates(networks, rows, args.copies):
        print(figures, flush=True)
