"""The mean of the weights of a network and of one that was trained from it, as a checkpoint.

    python -m export blend models/lesion.onnx runs/tuned/checkpoint.pt --share 0.3 --data DATA --out runs/blend

Networks that share the first part of their training lie in one valley of the loss: between them there can be one that is as
good on clean pictures as the first and withstands what only the second has learnt, at the cost of one network (Wortsman et
al. 2022, "Robust fine-tuning of zero-shot models"). `python -m export candidates` says which share is worth it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from export.checkpoints import Checkpoint, Told, read_checkpoint
from export.data import read_table
from export.errors import CheckpointError
from export.network import LesionNet
from export.released import unfold
from export.train import digest, write_checkpoint


def blend(start: LesionNet, tuned: LesionNet, share: float) -> LesionNet:
    """A network with `share` of the second one's weights and the rest of the first one's, normalisations included.

    Raises:
        CheckpointError: they are not the same network.
    """
    # A correction of the light is no weight: `python -m export whitebalance` comes after.
    if replace(start.spec, light=None) != replace(tuned.spec, light=None):
        raise CheckpointError("Only checkpoints of one architecture, size and normalisation can be blended.")
    mixed = LesionNet(tuned.spec)
    first, second = start.state_dict(), tuned.state_dict()
    mixed.load_state_dict(
        {
            # Counters of batches are whole numbers.
            name: torch.lerp(value, second[name], share) if value.is_floating_point() else second[name]
            for name, value in first.items()
        }
    )
    return mixed.eval()


def one_of_ours(path: Path, size: int | None = None) -> tuple[Checkpoint, LesionNet]:
    """Read a checkpoint of `python -m export train`, to be served at another size where one is given.

    Raises:
        CheckpointError: it is none, or missing or damaged.
    """
    found = read_checkpoint(path, Told(size=size))
    if not isinstance(found.network, LesionNet):
        raise CheckpointError(f"{path} is not of `python -m export train`; other checkpoints have no such weights.")
    return found, found.network


def options() -> argparse.ArgumentParser:
    """The options of `python -m export blend`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", type=Path, help="checkpoint or released model file that the other was started from")
    parser.add_argument("tuned", type=Path, help="checkpoint that `train --start` made of it")
    parser.add_argument("--share", type=float, required=True, help="of the tuned one's weights, 0 to 1")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export blend`."""
    checkpoint, tuned = one_of_ours(args.tuned)
    _, start = one_of_ours(args.start, tuned.spec.size)
    if checkpoint.provenance["recipe"]["start"] != digest(args.start):
        raise CheckpointError(f"{args.tuned} was not started from {args.start}: their mean would be no network.")
    if args.start.suffix == ".onnx":
        # As training did: the weights of both must mean the same.
        unfold(start, [row for row in read_table(args.data) if row.split == "train"])
    mixed: nn.Module = blend(start, tuned, args.share)
    recipe = {**checkpoint.provenance["recipe"], "blended": args.share}
    write_checkpoint(args.out, tuned.spec, mixed.state_dict(), {**checkpoint.provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {args.share:.0%} of {args.tuned}")
