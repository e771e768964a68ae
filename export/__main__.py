"""`python -m export COMMAND`: from training to the model file and its figures. Each command is a module of this package."""

import argparse
import sys

from lesion.errors import LesionError

from export.commands import (
    average_weights,
    compare,
    convert,
    distil,
    evaluate,
    faithfulness,
    leave_dataset_out,
    lesions,
    precision,
    render,
    reproduce,
    robustness,
    shortcuts,
    train,
    white_balance,
)
from export.errors import CheckpointError, DataError, ParityError
from export.reporting.writer import ReportError

COMMANDS = {
    "train": train,
    "distil": distil,
    "blend": average_weights,
    "whitebalance": white_balance,
    "candidates": compare,
    "convert": convert,
    "evaluate": evaluate,
    "lesions": lesions,
    "shortcuts": shortcuts,
    "cameras": leave_dataset_out,
    "stress": robustness,
    "faithful": faithfulness,
    "formats": precision,
    "reproduce": reproduce,
    "render": render,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 with a sentence on stderr where its files do not allow it."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        options = module.options()
        command = commands.add_parser(
            name,
            parents=[options],
            add_help=False,
            help=(options.description or "").splitlines()[0],
            description=options.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=module.main)
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args) or 0)
    except (CheckpointError, DataError, LesionError, ReportError, ParityError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
