"""Does the model refuse dermoscopy for coming from a camera that its distance has never seen?

    python -m export cameras --data DATA

In turn, the distance is fitted without one data set, and cut on `val` without it as `export.commands.convert` cuts it; what share of
the data set's own images would be refused? No label has a part in it. The figures go into the model card.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.metrics import Mask, rate
from export.evaluation.ood import extract_features, fit_ood_statistics, ood_distances, sample_per_dataset
from export.evaluation.thresholds import DISTANCE_QUANTILE
from export.reporting.writer import update_report

FEWEST = 50
"""Images that a data set must have to say something."""


def left_out(model: onnx.ModelProto, rows: Sequence[LabelledImage]) -> dict[str, dict[str, Any]]:
    """Data set -> images and share refused as `not_a_lesion` when the distance never saw the data set.

    Of all its images, and of those alone that the network did not learn from either (`val` and `test`).
    """
    names = np.array([row.dataset for row in rows])
    fitted_on = sample_per_dataset([row for row in rows if row.split == "train"])
    seen, seen_names = extract_features(model, fitted_on), np.array([row.dataset for row in fitted_on])
    val = [row for row in rows if row.split == "val"]
    of_val, val_names = extract_features(model, val), np.array([row.dataset for row in val])
    found = {}
    for name in sorted(set(names)):
        own = [row for row in rows if row.dataset == name]
        others, kept = val_names != name, seen_names != name
        if len(own) < FEWEST or not others.any() or kept.sum() < len(kept) / 2:
            # Without the largest data set there is hardly anything left to fit on.
            continue
        familiarity = fit_ood_statistics(seen[kept])
        cut = np.quantile(ood_distances(familiarity, of_val[others]), DISTANCE_QUANTILE)
        refused = ood_distances(familiarity, extract_features(model, own)) > cut
        unseen = np.array([row.split != "train" for row in own])
        groups = np.array([row.group for row in own])
        found[name] = {"all": _share(refused, groups), "unseen": _share(refused[unseen], groups[unseen])}
    return found


def _share(refused: Mask, groups: npt.NDArray[np.str_]) -> dict[str, Any]:
    everything = np.ones(len(refused), bool)
    return {
        "n": len(refused),
        "refused": bootstrap_interval(lambda weights: rate(refused, everything, weights), groups).json(),
    }


def show(found: dict[str, dict[str, Any]]) -> None:
    """Print the figures."""
    for name, parts in found.items():
        for which, part in parts.items():
            share = part["refused"]
            if share["value"] is not None:
                told = f"{share['value']:.1%} ({share['low']:.1%}-{share['high']:.1%})"
                print(f"{name}, {which}: n = {part['n']}, refused {told}")


def options() -> argparse.ArgumentParser:
    """The options of `python -m export cameras`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export cameras`."""
    found = left_out(onnx.load(args.model), read_table(args.data))
    show(found)
    update_report(args.model, {"unseen_cameras": found})
