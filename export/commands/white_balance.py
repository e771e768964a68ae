"""Add white balance to the network of a checkpoint: images in another illuminant are moved towards the training images'.

    python -m export whitebalance runs/tuned/checkpoint.pt --data DATA --radius 1 --out runs/balanced

Nothing is trained and the weights stay the same. The method: `export.nn.white_balance`. `python -m export candidates`
compares the results.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from export.checkpoints.reader import read_own_checkpoint
from export.checkpoints.writer import write_checkpoint
from export.commands.options import checkpoint_folder_option, data_option, parser_of
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.nn.white_balance import IlluminantModel, estimate_illuminant


@torch.inference_mode()
def fit_light(rows: Sequence[LabelledImage], radius: float) -> IlluminantModel:
    """Fit an illuminant model to images: mean and inverse covariance of their illuminants.

    Args:
        rows: at least three, of different colours.
        radius: see `IlluminantModel`.
    """
    squares = load_squares(rows, STORED_SIDE)
    estimates = torch.cat([estimate_illuminant(chunk.float() / 255) for chunk in squares.split(64)])
    colours = estimates.double().numpy()
    precision = np.linalg.inv(np.cov(colours, rowvar=False))
    entries = (float(precision[0, 0]), float(precision[0, 1]), float(precision[1, 1]))
    red, blue = colours.mean(0)
    return IlluminantModel((float(red), float(blue)), entries, radius)


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
        DataError: the data folder cannot be read.
    """
    checkpoint, network = read_own_checkpoint(args.checkpoint)
    light = fit_light(select_split(read_table(args.data), "train"), args.radius)
    recipe = {**checkpoint.provenance["recipe"], "light": asdict(light)}
    spec = replace(network.spec, illuminant=light)
    write_checkpoint(args.out, spec, network.state_dict(), {**checkpoint.provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {light}")
