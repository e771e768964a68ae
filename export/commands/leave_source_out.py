"""Train without each larger data set in turn, and measure on its images what an unknown source costs.

    python -m export unseen --data ISIC MILK10K --out runs/unseen --arch tf_efficientnet_lite0 --phases 128:2:48

The options of `train` describe one short training from weights that have seen no lesion. It is run with all data sets and,
in a folder each, without one of them. Calibration, threshold and prediction sets are fitted to `val` of the other data sets,
and the figures are those of `train` and `val` of the one that was left out. They are written to metrics.json and the model
card of `--model`: they belong to the recipe and not to its weights. Finished trainings are
not repeated. The method: `export.evaluation.leave_source_out`.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from export.arrays import Figures
from export.checkpoints.reader import read_own_checkpoint
from export.checkpoints.recipe import TrainConfig
from export.commands.consent import confirm_replacement, report_files
from export.commands.distil import train_or_resume
from export.commands.options import model_option, read_rows, yes_option
from export.commands.output_path import require_folder
from export.commands.train import config_of, run_options
from export.data.labels import LabelledImage
from export.data.transforms import load_squares
from export.errors import CheckpointError, DataError
from export.evaluation.leave_source_out import (
    Scored,
    datasets_to_leave_out,
    folder_name,
    rows_of,
    rows_without,
    unseen_figures,
)
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise
from export.nn.predict import predict_malignant_logits
from export.reporting.formatting import format_interval
from export.reporting.writer import render_report, update_report
from export.training.trainer import Trainer, stored_side

COMPLETE = "all"
"""Folder of the training with all data sets."""


def trained(config: TrainConfig, rows: Sequence[LabelledImage], folder: Path) -> LesionNet:
    """Return the network of a training, which is run or continued unless it is finished.

    Args:
        config: its options.
        rows: its images, of all splits.
        folder: for its checkpoint.

    Raises:
        CheckpointError: the folder has a checkpoint of other options or images.
        DataError: the images do not suffice.
    """
    require_folder(folder)
    train_or_resume(Trainer(config, rows, folder))
    return read_own_checkpoint(folder / "checkpoint.pt")[1]


def scored(network: LesionNet, rows: Sequence[LabelledImage], config: TrainConfig) -> Scored:
    """Return images with their malignant logits, of one view each at the serving size."""
    squares = load_squares(rows, stored_side(config))
    logits = predict_malignant_logits(network, squares, network.spec.size, Normalise(network.spec))
    return Scored(rows, np.asarray(logits.numpy(), np.float64))


def show(figures: Mapping[str, Figures]) -> None:
    """Print the figures of `export.evaluation.leave_source_out.unseen_figures`."""
    for name, part in figures.items():
        coverage, val = part["coverage"], part["val"]
        print(
            f"{name}: n = {part['n']}, AUC {format_interval(part['auc'])}, "
            f"calibration slope {format_interval(part['calibration_slope'])}, "
            f"error {format_interval(part['calibration_error'])}, "
            f"coverage {format_interval(coverage['malignant'])} and {format_interval(coverage['benign'])}; "
            f"on the {val['n']} of val {format_interval(val['unseen'])}, trained with it {format_interval(val['seen'])}"
        )


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export unseen`."""
    return run_options(__doc__, model_option(), yes_option())


def main(args: argparse.Namespace) -> None:
    """Run `python -m export unseen`.

    Raises:
        ArchitectureError, CheckpointError: see `export.training.trainer.Trainer`; also where the trainings would begin with,
            or be taught by, networks that may have seen the data set.
        DataError: a data folder cannot be read, or has no data set that can be left out.
        ReportError: nobody agreed to replace figures and model card, or the model has none yet.
    """
    config = config_of(args)
    if config.start is not None or config.teachers:
        raise CheckpointError(
            "--start and --teachers are not possible here: such a network has seen the images that are to be unseen. The "
            "trainings begin with ImageNet weights."
        )
    confirm_replacement(report_files(args.model), yes=args.yes)
    # Before hours of training: there must be figures to add to.
    render_report(args.model)
    rows = read_rows(args)
    names = datasets_to_leave_out(rows)
    if not names:
        raise DataError(
            "No data set can be left out: it and the others together need ten malignant and ten benign images of each of "
            "its image types in `val`. Name more folders with --data."
        )
    complete = trained(config, rows, args.out / COMPLETE)
    figures: dict[str, Figures] = {}
    for name in names:
        others, own = rows_without(rows, name), rows_of(rows, name)
        network = trained(config, others, args.out / folder_name(name))
        val = [row for row in others if row.split == "val"]
        seen = scored(complete, [row for row in own if row.split == "val"], config)
        figures |= unseen_figures(scored(network, val, config), scored(network, own, config), seen)
    show(figures)
    phases = " ".join(f"{phase.size}:{phase.epochs}:{phase.batch}" for phase in config.phases)
    recipe = f"--arch {config.arch} --phases {phases} --size {config.size} --seed {config.seed}"
    update_report(args.model, {"unseen_sources": figures, "unseen_training": recipe})
