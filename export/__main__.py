"""`python -m export COMMAND`: from training to the model file and its figures. Each command is a module of this package."""

import argparse
import sys
from importlib import import_module

from lesion.errors import LesionError

from export.errors import CheckpointError, DataError, ParityError, ReportError

COMMANDS = {
    "train": "train",
    "distil": "distil",
    "blend": "average_weights",
    "whitebalance": "white_balance",
    "candidates": "compare",
    "convert": "convert",
    "evaluate": "evaluate",
    "recalibrate": "recalibrate",
    "release": "release",
    "lesions": "lesions",
    "shortcuts": "shortcuts",
    "cameras": "leave_dataset_out",
    "stress": "robustness",
    "faithful": "faithfulness",
    "formats": "precision",
    "reproduce": "reproduce",
    "render": "render",
}
"""Command -> module of `export.commands`."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 with a sentence on stderr where its files do not allow it."""
    given = sys.argv[1:] if arguments is None else arguments
    # PyTorch is imported only for commands that need it; the list of all commands needs all of them.
    names = given[:1] if given and given[0] in COMMANDS else list(COMMANDS)
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in names:
        module = import_module(f"export.commands.{COMMANDS[name]}")
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
    args = parser.parse_args(given)
    try:
        return int(args.run(args) or 0)
    except (CheckpointError, DataError, LesionError, ReportError, ParityError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
