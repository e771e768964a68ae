"""A checkpoint whose network brings pictures in another light to that of its training images (`export.nn.white_balance`).

    python -m export whitebalance runs/tuned/checkpoint.pt --data DATA --radius 1 --out runs/balanced

No training: the weights stay. `python -m export candidates` says what it brings.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from export.checkpoints.reader import one_of_ours
from export.checkpoints.writer import write_checkpoint
from export.data.isic import Labelled, of_split, read_table
from export.data.transforms import STORED_SIDE, load_squares
from export.nn.white_balance import Light, colour_of_light


@torch.inference_mode()
def fit_light(rows: Sequence[Labelled], radius: float) -> Light:
    """Fit to images, each as a square.

    Args:
        rows: at least three, of different colours.
        radius: see `Light`.
    """
    squares = load_squares(rows, STORED_SIDE)
    colours = torch.cat([colour_of_light(chunk.float() / 255) for chunk in squares.split(64)])
    found = colours.double().numpy()
    precision = np.linalg.inv(np.cov(found, rowvar=False))
    entries = (float(precision[0, 0]), float(precision[0, 1]), float(precision[1, 1]))
    red, blue = found.mean(0)
    return Light((float(red), float(blue)), entries, radius)


def options() -> argparse.ArgumentParser:
    """The options of `python -m export whitebalance`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="of `python -m export train`")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images; `train` is fitted on")
    parser.add_argument("--radius", type=float, default=1.0, help="standard deviations that stay as they are")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export whitebalance`."""
    checkpoint, network = one_of_ours(args.checkpoint)
    light = fit_light(of_split(read_table(args.data), "train"), args.radius)
    recipe = {**checkpoint.provenance["recipe"], "light": asdict(light)}
    spec = replace(network.spec, light=light)
    write_checkpoint(args.out, spec, network.state_dict(), {**checkpoint.provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {light}")
