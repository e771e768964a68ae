"""Average the weights of a network with those of networks that were trained from it, as a checkpoint.

    python -m export blend models/lesion.onnx runs/a/checkpoint.pt runs/b/checkpoint.pt --share 0.7 --data DATA --out runs/c

Networks that share the first part of their training can be averaged without a loss of accuracy, and the average costs no
more than one network. With one other network, the average can be as accurate on clean images as the start and as robust as
the other (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). With several, of other seeds and options, it
approaches the accuracy of their ensemble (Wortsman et al. 2022, "Model soups"). `python -m export candidates` compares the
results.
"""

import argparse
from copy import deepcopy
from pathlib import Path

from export.checkpoints.reader import read_own_checkpoint
from export.checkpoints.same_run import require_unused
from export.checkpoints.writer import file_sha256, write_checkpoint
from export.commands.numbers import real
from export.commands.options import checkpoint_folder_option, data_option, parser_of, read_rows, size_option
from export.data.splits import select_split
from export.errors import CheckpointError
from export.nn.averaging import average_weights
from export.training.start import initialise


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export blend`."""
    parser = parser_of(
        __doc__,
        data_option("`train` restores the batch norm of a model file"),
        checkpoint_folder_option(),
        size_option("that of the first of the others"),
    )
    parser.add_argument("start", type=Path, help="checkpoint, or model file with a network of their architecture")
    parser.add_argument("tuned", type=Path, nargs="+", help="checkpoints of `train --start`, of it or of one another")
    parser.add_argument("--share", type=real(0, 1), required=True, help="of the mean weights of the others, 0 to 1")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export blend`.

    Raises:
        CheckpointError: a file cannot be read, or was not trained from the start.
        DataError: a data folder cannot be read.
    """
    require_unused(args.out)
    pairs = [read_own_checkpoint(path, args.size) for path in args.tuned]
    checkpoints, tuned = [checkpoint for checkpoint, _ in pairs], [network for _, network in pairs]
    starts = {file_sha256(path) for path in (args.start, *args.tuned)}
    for path, checkpoint in zip(args.tuned, checkpoints, strict=True):
        if checkpoint.provenance["recipe"]["start"] not in starts:
            raise CheckpointError(f"{path} was not started from {args.start}: their mean would be no network.")
    # Classes and heads that the start lacks are those of the first other network.
    start = deepcopy(tuned[0])
    # Training did the same, so that the weights of all correspond.
    initialise(start, args.start, select_split(read_rows(args), "train") if args.start.suffix == ".onnx" else [])
    averaged = average_weights(start, tuned, args.share)
    recipes = [checkpoint.provenance["recipe"] for checkpoint in checkpoints]
    recipe = {**recipes[0], "blended": args.share, "blended_with": recipes[1:]}
    write_checkpoint(args.out, tuned[0].spec, averaged.state_dict(), {**checkpoints[0].provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {args.share:.0%} of {', '.join(map(str, args.tuned))}")
