"""Add white balance to the network of a checkpoint: images in another illuminant are moved towards the training images'.

    python -m export whitebalance runs/tuned/checkpoint.pt --data DATA --radius 1 --out runs/balanced

Nothing is trained and the weights stay the same. The method: `export.nn.white_balance`. `python -m export candidates`
compares the results.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from export.checkpoints.reader import read_own_checkpoint
from export.checkpoints.same_run import require_unused
from export.checkpoints.writer import write_checkpoint
from export.commands.options import checkpoint_folder_option, data_option, parser_of, read_rows
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.nn.white_balance import fit_illuminant_model


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export whitebalance`."""
    parser = parser_of(__doc__, data_option("`train` is fitted on"), checkpoint_folder_option())
    parser.add_argument("checkpoint", type=Path, help="of `python -m export train`")
    parser.add_argument("--radius", type=float, default=1.0, help="standard deviations within which images stay unchanged")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export whitebalance`.

    Raises:
        CheckpointError: the checkpoint cannot be read.
        DataError: a data folder cannot be read.
    """
    require_unused(args.out)
    checkpoint, network = read_own_checkpoint(args.checkpoint)
    squares = load_squares(select_split(read_rows(args), "train"), STORED_SIDE)
    illuminant = fit_illuminant_model(squares, args.radius)
    recipe = {**checkpoint.provenance["recipe"], "light": asdict(illuminant)}
    spec = replace(network.spec, illuminant=illuminant)
    write_checkpoint(args.out, spec, network.state_dict(), {**checkpoint.provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {illuminant}")
