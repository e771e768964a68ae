"""Does the model refuse dermoscopy for coming from a camera that its distance has never seen?

    python -m export.cameras runs/lite2/checkpoint.pt --data DATA

In turn, the distance is fitted without one data set, and cut on `val` without it as `export.convert` cuts it; what
share of the data set's own images in `val` and `test` would be refused? No label has a part in it. The figures go into the
model card.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from export.bootstrap import interval
from export.checkpoints import Told, read_checkpoint
from export.data import Labelled, load_square, read_table
from export.familiarity import Features, distances, principal, training_features
from export.graph import Core
from export.limits import DISTANCE_QUANTILE
from export.metrics import rate
from export.reports import report_on

FEWEST = 50
"""Images that a data set must have in `val` and `test` together to say something."""


@torch.inference_mode()
def plain_features(core: Core, rows: Sequence[Labelled]) -> Features:
    """Middle features (N, M) of images as they are served."""
    found = []
    for start in tqdm(range(0, len(rows), 32), "images", unit="batch", leave=False):
        squares = [load_square(row.path, core.network.spec.size) for row in rows[start : start + 32]]
        found.append(core(torch.stack(squares).float())[3].numpy())
    return np.concatenate(found).astype(np.float64)


def left_out(core: Core, rows: Sequence[Labelled]) -> dict[str, dict[str, Any]]:
    """Data set -> how many images, and the share refused as `not_a_lesion` when the distance never saw the data set."""
    drawn, features = training_features(core, [row for row in rows if row.split == "train"])
    looked_at = [row for row in rows if row.split != "train"]
    served = plain_features(core, looked_at)
    found = {}
    for name in sorted({row.dataset for row in looked_at}):
        own = np.array([row.dataset == name for row in looked_at])
        others = np.array([row.split == "val" and row.dataset != name for row in looked_at])
        seen = np.array([row.dataset != name for row in drawn])
        if own.sum() < FEWEST or not others.any() or seen.sum() < len(drawn) / 2:
            # Without the largest data set there is hardly anything left to fit on.
            continue
        familiarity = principal(features[seen])
        cut = np.quantile(distances(familiarity, served[others]), DISTANCE_QUANTILE)
        refused = distances(familiarity, served[own]) > cut
        groups = np.array([row.group for row in looked_at])[own]
        everything = np.ones(len(refused), bool)
        share = interval(lambda weights, refused=refused, all_of=everything: rate(refused, all_of, weights), groups)
        found[name] = {"n": int(own.sum()), "refused": share.json()}
    return found


def options() -> argparse.ArgumentParser:
    """The options of `python -m export.cameras`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="what the model file was made of")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--size", type=int, help="input side in pixels, as given to `export.convert`")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export.cameras`."""
    network = read_checkpoint(args.checkpoint, Told(size=args.size)).network
    found = left_out(Core(network).eval(), read_table(args.data))
    for name, part in found.items():
        share = part["refused"]
        print(f"{name}: n = {part['n']}, refused {share['value']:.1%} ({share['low']:.1%}-{share['high']:.1%})")
    report_on(args.model, {"unseen_cameras": found})


if __name__ == "__main__":
    main(options().parse_args())
