"""Fit heads for each image type to the features of trained networks, as a checkpoint.

    python -m export heads runs/a/checkpoint.pt --data ISIC MILK10K CLINICAL --out runs/heads
    python -m export heads runs/a/checkpoint.pt runs/b/checkpoint.pt --data …   on the features of both
    python -m export heads models/lesion.onnx --data …                          of a model file, int8 or not

The layers before the heads stay as they are. `train` and `val` need images of both types. The heads of each type are
fitted to its images in `train`, without augmentation; the strength of their penalty is the one with the best figures on
`val`, where each source counts once. Types that `--types` leaves out keep the heads that the networks have. By default
images weigh as training draws them, so that frequent diagnoses do not decide alone; with `--malignant-weights none` those
of the head for malignancy weigh alike.
`python -m export convert` makes a model file of the checkpoint, whose graph uses the heads of the type that it detects or
is given.
"""

import argparse
from pathlib import Path
from typing import get_args

from lesion.inference.card import IMAGE_TYPES

from export.checkpoints.from_onnx import prepare_for_training
from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoints
from export.checkpoints.same_run import require_unused
from export.checkpoints.writer import file_sha256, write_checkpoint
from export.commands.options import checkpoint_folder_option, data_option, parser_of, read_rows, size_option
from export.data.labels import LabelledImage, fingerprint
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.errors import CheckpointError, DataError
from export.evaluation.image_type import image_types
from export.nn.ensemble import Ensemble
from export.nn.lesion_net import LesionNet
from export.nn.predict import predict_pooled
from export.nn.typed_heads import TypedHeads
from export.training.typed_heads import Features, ImageWeights, require_images, select_typed_heads


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export heads`."""
    parser = parser_of(
        __doc__,
        data_option("`train` fits the heads, `val` their penalty"),
        checkpoint_folder_option(),
        size_option("that of the checkpoint"),
    )
    parser.add_argument(
        "--types", nargs="+", choices=IMAGE_TYPES, default=IMAGE_TYPES, help="image types to fit heads for (default: both)"
    )
    parser.add_argument(
        "--malignant-weights",
        choices=get_args(ImageWeights),
        default="classes",
        help="of images in the fit of malignancy: by class as in training, or none (default: %(default)s)",
    )
    parser.add_argument("checkpoint", type=Path, nargs="+", help="of `python -m export train` or `heads`, or a model file")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export heads`.

    Raises:
        CheckpointError: a checkpoint cannot be read, is of another program or of other training images, or `--out` has one.
        DataError: a data folder cannot be read, or lacks images of a type, side or diagnosis.
    """
    require_unused(args.out)
    checkpoint = read_checkpoints(args.checkpoint, ReaderOptions(size=args.size))
    base = checkpoint.network.base if isinstance(checkpoint.network, TypedHeads) else checkpoint.network
    if not isinstance(base, LesionNet | Ensemble):
        raise CheckpointError("Heads are fitted to networks of `python -m export train`; others keep their own.")
    rows = read_rows(args)
    train, val = (select_split(rows, split) for split in ("train", "val"))
    if len(image_types(train, val)) < len(IMAGE_TYPES):
        raise DataError("Heads for each image type need dermoscopic and clinical images.")
    require_images(train, base.spec.classes, args.types)
    if checkpoint.provenance["data_sha256"] != fingerprint(train):
        raise CheckpointError("The network was trained on other images than `train` of --data: `val` may be among them.")
    if any(path.suffix == ".onnx" for path in args.checkpoint):
        # Without it, no training could start from these networks.
        for member in base.networks:
            prepare_for_training(member, train)
    network = checkpoint.network if isinstance(checkpoint.network, TypedHeads) else TypedHeads(base)

    def features(images: list[LabelledImage]) -> Features:
        squares = load_squares(images, max(STORED_SIDE, network.spec.size))
        return Features(images, predict_pooled(network, squares, network.spec.size))

    heads, scores = select_typed_heads(
        features(train), features(val), network.spec.classes, network.heads(), args.types, args.malignant_weights
    )
    for penalty, score in scores.items():
        print(f"inverse penalty {penalty:g}: score {score:.4f} on `val`")
    network.set_heads(heads)
    fitted = {
        image_type: {
            "inverse_penalty": max(scores, key=lambda penalty: scores[penalty]),
            "malignant_weights": args.malignant_weights,
            "images": sum(row.image_type == image_type for row in train),
            "networks": [file_sha256(path) for path in args.checkpoint],
        }
        for image_type in args.types
    }
    members = [member.spec.record() for member in base.networks]
    kept = {key: value for key, value in checkpoint.provenance.items() if key not in ("biases", "released")}
    # Heads of an earlier fit to another type stay.
    provenance = {**kept, "heads": kept.get("heads", {}) | fitted}
    write_checkpoint(args.out, network.spec, network.state_dict(), provenance, members=members)
    print(f"{args.out / 'checkpoint.pt'}: heads for each image type of {network.spec.arch}")
