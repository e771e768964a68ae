"""The mean of the weights of a network and of those that were trained from it, as a checkpoint.

    python -m export blend models/lesion.onnx runs/a/checkpoint.pt runs/b/checkpoint.pt --share 0.7 --data DATA --out runs/c

Networks that share the first part of their training lie in one valley of the loss: between them there can be one that is
better than each, at the cost of one network. With one of them: as good on clean pictures as the start, and it withstands
what only the other has learnt (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). With several, of other seeds
and options: most of what the mean of their answers would bring (Wortsman et al. 2022, "Model soups"). `python -m export
candidates` says what is worth it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from export.checkpoints.from_onnx import unfold
from export.checkpoints.reader import one_of_ours
from export.checkpoints.writer import digest, write_checkpoint
from export.data.isic import of_split, read_table
from export.errors import CheckpointError
from export.nn.network import LesionNet


def blend(start: LesionNet, tuned: Sequence[LesionNet], share: float) -> LesionNet:
    """A network with `share` of the mean of the others' weights and the rest of the start's, normalisations included.

    Raises:
        CheckpointError: they are not the same network.
    """
    # A correction of the light is no weight: `python -m export whitebalance` comes after.
    if any(replace(start.spec, light=None) != replace(network.spec, light=None) for network in tuned):
        raise CheckpointError("Only checkpoints of one architecture, size and normalisation can be blended.")
    mixed = LesionNet(tuned[0].spec)
    first: dict[str, torch.Tensor] = start.state_dict()
    others: list[dict[str, torch.Tensor]] = [network.state_dict() for network in tuned]

    def mean(name: str) -> torch.Tensor:
        if not first[name].is_floating_point():
            return others[0][name]  # counters of batches are whole numbers
        return torch.lerp(first[name], torch.stack([other[name] for other in others]).mean(0), share)

    mixed.load_state_dict({name: mean(name) for name in first})
    return mixed.eval()


def options() -> argparse.ArgumentParser:
    """The options of `python -m export blend`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", type=Path, help="checkpoint or released model file that the others were started from")
    parser.add_argument("tuned", type=Path, nargs="+", help="checkpoints that `train --start` made of it")
    parser.add_argument("--share", type=float, required=True, help="of the tuned ones' mean weights, 0 to 1")
    parser.add_argument("--size", type=int, help="input side in pixels when serving, if not that of the first tuned one")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export blend`."""
    found = [one_of_ours(path, args.size) for path in args.tuned]
    checkpoints, tuned = [checkpoint for checkpoint, _ in found], [network for _, network in found]
    _, start = one_of_ours(args.start, tuned[0].spec.size)
    for path, checkpoint in zip(args.tuned, checkpoints, strict=True):
        if checkpoint.provenance["recipe"]["start"] != digest(args.start):
            raise CheckpointError(f"{path} was not started from {args.start}: their mean would be no network.")
    if args.start.suffix == ".onnx":
        # As training did: the weights of all must mean the same.
        unfold(start, of_split(read_table(args.data), "train"))
    mixed: nn.Module = blend(start, tuned, args.share)
    recipes = [checkpoint.provenance["recipe"] for checkpoint in checkpoints]
    recipe = {**recipes[0], "blended": args.share, "blended_with": recipes[1:]}
    write_checkpoint(args.out, tuned[0].spec, mixed.state_dict(), {**checkpoints[0].provenance, "recipe": recipe})
    print(f"{args.out / 'checkpoint.pt'}: {args.share:.0%} of {', '.join(map(str, args.tuned))}")
