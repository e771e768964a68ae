"""Train the members of an ensemble, then distil their mean into one network.

    python -m export distil --data DATA --out runs/lite2 --members 4           members of the student's architecture
    python -m export distil --data DATA --out runs/lite2 --members 4 --member-arch resnet50 --member-phases 256:12:64

The other options are those of `train`, for members and student alike. The members differ in their seed. They are written to
OUT/member-1/checkpoint.pt and so on; the student, whose teachers they are, is OUT/checkpoint.pt. Everything resumes: run the
same command again after an interruption, and finished parts are skipped.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import TrainConfig
from export.checkpoints.writer import file_sha256
from export.commands import train
from export.commands.options import read_rows
from export.commands.output_path import require_folder
from export.errors import CheckpointError
from export.training.trainer import Trainer


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export distil`."""
    parser = train.run_options(__doc__)
    ensemble = parser.add_argument_group("ensemble")
    ensemble.add_argument("--members", type=_at_least_two, default=3, help="networks to train (default: %(default)s)")
    ensemble.add_argument("--member-arch", help="architecture of the members (default: the student's)")
    ensemble.add_argument(
        "--member-phases",
        nargs="+",
        type=train.phase,
        metavar="SIZE:EPOCHS:BATCH",
        help="of the members (default: the student's)",
    )
    return parser


def _at_least_two(text: str) -> int:
    if not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of networks from 2 on")
    return int(text)


def member_configs(args: argparse.Namespace) -> list[TrainConfig]:
    """Return the options of each member's training: the student's with another seed, architecture and phases."""
    student = train.config_of(args)
    arch, phases = args.member_arch or student.arch, tuple(args.member_phases or student.phases)
    # The student's own seed is left to the student, so that its weights do not begin like those of a member.
    return [
        replace(student, arch=arch, phases=phases, teachers=(), seed=student.seed + number)
        for number in range(1, args.members + 1)
    ]


def main(args: argparse.Namespace) -> None:
    """Run `python -m export distil`.

    Raises:
        ArchitectureError, CheckpointError, DataError: see `export.training.trainer.Trainer`.
        CheckpointError: `--teachers` is given, or the student in `--out` has other members than these.
        ReportError: `--out` cannot be written.
    """
    if args.teachers:
        raise CheckpointError("The teachers of `distil` are its members. Use `train --teachers` to choose others.")
    require_folder(args.out)
    rows = read_rows(args)
    members: list[Path] = []
    for number, config in enumerate(member_configs(args), 1):
        folder = args.out / f"member-{number}"
        print(f"member {number} of {args.members}")
        train_or_resume(Trainer(config, rows, folder))
        members.append(folder / "checkpoint.pt")
    print("student")
    check_teachers(args.out / "checkpoint.pt", members)
    train_or_resume(Trainer(replace(train.config_of(args), teachers=tuple(members)), rows, args.out))


def train_or_resume(trainer: Trainer) -> None:
    """Train the epochs that are left of one network."""
    trainer.resume()
    if trainer.epoch < sum(phase.epochs for phase in trainer.config.phases):
        trainer.run()


def check_teachers(student: Path, members: Sequence[Path]) -> None:
    """Fail if a student that exists already was taught by other networks.

    Args:
        student: its checkpoint, which need not exist.
        members: checkpoints of its teachers.

    Raises:
        CheckpointError: it was taught by other networks.
    """
    if not student.is_file():
        return
    recorded = read_checkpoint(student).provenance.get("recipe", {}).get("teachers")
    if recorded != [file_sha256(path) for path in members]:
        raise CheckpointError(
            f"{student} was trained with other members than those of this command. Give the same --members, or "
            "another --out."
        )
