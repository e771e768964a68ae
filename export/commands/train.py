"""Train a network on folders of images with metadata.csv, and write a checkpoint.

    python -m export train --data DATA --out runs/lite2                 the default phases: about two hours on two cores
    python -m export train --data DATA --out runs/lite2 --resume        continue after the last finished epoch
    python -m export train --data DATA --out runs/x --phases 128:2:48 --arch tf_efficientnet_lite0
    python -m export train --data ISIC MILK10K --out runs/both --balance sources    several tables, both image types

A phase is SIZE:EPOCHS:BATCH. The learning rate rises and then falls along one cosine over all phases. The first phases are
small, because two cores process 70 images of 128 pixels a second. Random crops show lesions larger in training than the
whole square does when serving; a larger input when serving makes up for that, and the last phase adapts the network to it
(Touvron et al. 2019). A checkpoint is written after every epoch. It contains what `--resume` and `python -m export
convert` need; the moving average of the weights is converted. Experiments and their results: models/experiments.md.
"""

import argparse
import re
from dataclasses import fields, replace
from pathlib import Path
from statistics import mean, stdev
from typing import get_args

from export.checkpoints.recipe import Balance, Phase, Preparation, TrainConfig
from export.checkpoints.same_run import require_unused
from export.commands.numbers import SMALLEST_SIDE, real, whole
from export.commands.options import checkpoint_folder_option, data_option, parser_of, read_rows
from export.commands.output_path import require_folder
from export.errors import Interrupted
from export.training.device import select_device
from export.training.records import best_epoch, score
from export.training.trainer import Trainer


def phase(text: str) -> Phase:
    """Parse SIZE:EPOCHS:BATCH, three whole numbers above zero.

    Raises:
        argparse.ArgumentTypeError: the text is something else, or the images too small for a network.
    """
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*:[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not SIZE:EPOCHS:BATCH, as in 224:4:32")
    size, epochs, batch = text.split(":")
    return Phase(whole(SMALLEST_SIDE)(size), int(epochs), int(batch))


def device(text: str) -> str:
    """Return the device of `--device`, "cpu", "cuda" or "cuda:N".

    Raises:
        argparse.ArgumentTypeError: the text is something else, or there is no GPU.
    """
    try:
        return select_device(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export train`."""
    parser = run_options(__doc__)
    parser.add_argument("--seeds", type=whole(1), default=1, help="trainings with this and the next seeds, in OUT/seed-N")
    return parser


def run_options(description: str | None, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return a parser with the options of one run.

    Args:
        description: docstring of the command's module.
        parents: groups of further options.
    """
    default = TrainConfig
    fitted = data_option("`train` is learnt from, `val` measured on")
    parser = parser_of(description, fitted, checkpoint_folder_option(), *parents)
    parser.add_argument("--resume", action="store_true", help="continue after the last finished epoch in --out")
    parser.add_argument(
        "--device", type=device, default="auto", metavar="{auto,cpu,cuda,cuda:N}", help="auto: a GPU where there is one"
    )
    parser.add_argument(
        "--prepare",
        choices=("auto", *get_args(Preparation)),
        default="auto",
        help="where images are drawn on and degraded; auto: on a GPU where there is one, otherwise in worker processes",
    )
    parser.add_argument("--workers", type=whole(0), default=default.workers, help="processes that prepare images")
    parser.add_argument("--seed", type=whole(0), default=default.seed, help="of every random draw")
    parser.add_argument("--patience", type=whole(1), metavar="EPOCHS", help="stop after so many without a higher score")
    parser.add_argument("--tensorboard", action="store_true", help="write events for TensorBoard (pip install tensorboard)")
    network = parser.add_argument_group("network")
    network.add_argument("--arch", default=default.arch, help="of timm, with global average pooling and one linear layer")
    network.add_argument(
        "--size", type=whole(SMALLEST_SIDE), default=default.size, help="side of the input in pixels when serving"
    )
    network.add_argument(
        "--colour-constancy",
        type=real(0, above=True),
        metavar="NORM",
        help="scale channels to one Minkowski norm of this order, as 6",
    )
    network.add_argument("--start", type=Path, help="checkpoint, model file, or weights of timm or torchvision")
    network.add_argument(
        "--freeze-body", action="store_true", help="train only the last linear layers (linear probing), on --start's body"
    )
    schedule = parser.add_argument_group("schedule and loss")
    schedule.add_argument("--phases", nargs="+", type=phase, default=default.phases, metavar="SIZE:EPOCHS:BATCH")
    schedule.add_argument("--rate", type=real(0, above=True), default=default.rate, help="learning rate at its highest")
    schedule.add_argument(
        "--balance",
        choices=get_args(Balance),
        default=default.balance,
        help="draw images with one malignant share in all sources, in data sets more alike, or by class only",
    )
    for name, balance in (("--balance-datasets", "datasets"), ("--no-balance-datasets", "classes")):
        schedule.add_argument(
            name, dest="balance", action="store_const", const=balance, help=f"the same as --balance {balance}"
        )
    schedule.add_argument("--teachers", type=Path, nargs="+", default=(), help="checkpoints to learn the answers of as well")
    schedule.add_argument(
        "--teachers-share",
        type=real(0, 1),
        default=default.teachers_share,
        metavar="SHARE",
        help="of the loss that compares with the teachers; the rest compares with the labels",
    )
    augmentation = parser.add_argument_group("augmentation")
    augmentation.add_argument(
        "--mixup", type=real(0), default=default.mixup, metavar="ALPHA", help="mix pairs of images, Beta(ALPHA, ALPHA)"
    )
    augmentation.add_argument(
        "--degraded",
        type=real(0, 1),
        default=default.degraded,
        metavar="SHARE",
        help="of images, to scale, blur and compress",
    )
    augmentation.add_argument(
        "--drawn-on",
        type=real(0, 1),
        default=default.drawn_on,
        metavar="SHARE",
        help="of images, to draw hairs, rulers, ink on",
    )
    augmentation.add_argument(
        "--squashed", type=real(0, 1), default=default.squashed, metavar="SHARE", help="of images, to squash from 5:4 to 3:2"
    )
    augmentation.add_argument(
        "--scale",
        type=real(0, above=True),
        nargs=2,
        default=default.scale,
        metavar=("LEAST", "GREATEST"),
        help="side of the crops, relative to the image's side",
    )
    return parser


def config_of(args: argparse.Namespace) -> TrainConfig:
    """Return the configuration that the options describe; the two numbers of `--scale` may be in any order."""
    values = {field.name: getattr(args, field.name) for field in fields(TrainConfig)}
    sequences = {name: tuple(values[name]) for name in ("phases", "teachers")} | {"scale": tuple(sorted(values["scale"]))}
    if args.prepare == "auto":
        values["prepare"] = "workers" if args.device == "cpu" else "device"
    return TrainConfig(**values | sequences)


def main(args: argparse.Namespace) -> None:
    """Run `python -m export train`.

    Raises:
        ArchitectureError, CheckpointError, DataError: see `export.training.trainer.Trainer`.
        CheckpointError: `--out` has a checkpoint, and `--resume` is not given or its run had other options or images.
        ReportError: `--out` cannot be written.
    """
    config = config_of(args)
    seeds = range(config.seed, config.seed + args.seeds)
    folders = {seed: args.out if args.seeds == 1 else args.out / f"seed-{seed}" for seed in seeds}
    for folder in folders.values():
        require_folder(folder)
        if not args.resume:
            require_unused(folder)
    rows, scores = read_rows(args), []
    for seed, folder in folders.items():
        trainer = Trainer(replace(config, seed=seed), rows, folder)
        if args.resume:
            trainer.resume()
        try:
            trainer.run()
        except KeyboardInterrupt:
            epochs = f"{trainer.epoch} epochs" if trainer.epoch > 1 else "1 epoch"
            raise Interrupted(
                f"Stopped after {epochs}. Run the same command with --resume to continue."
                if trainer.epoch
                else "Stopped before the first epoch was finished; nothing was written."
            ) from None
        scores.append(score(trainer.history[best_epoch(trainer.history)]))
    if len(scores) > 1:
        print(f"best scores of {len(scores)} seeds: mean {mean(scores):.4f}, standard deviation {stdev(scores):.4f}")
