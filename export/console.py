"""The command line: `lesion COMMAND` where the package is installed, `python -m export COMMAND` in the repository.

A command's module is imported only when the command is called, so that `lesion classify` needs neither PyTorch nor pyarrow.
"""

import argparse
import ast
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from lesion import __version__
from lesion.errors import LesionError

from export.errors import CheckpointError, DataError, Interrupted, ParityError, ReportError

COMMANDS = {
    "classify": "classify",
    "batch": "batch",
    "train": "train",
    "distil": "distil",
    "blend": "average_weights",
    "heads": "heads",
    "whitebalance": "white_balance",
    "candidates": "compare",
    "convert": "convert",
    "evaluate": "evaluate",
    "recalibrate": "recalibrate",
    "release": "release",
    "lesions": "lesions",
    "shortcuts": "shortcuts",
    "cameras": "leave_dataset_out",
    "unseen": "leave_source_out",
    "stress": "robustness",
    "faithful": "faithfulness",
    "formats": "precision",
    "reproduce": "reproduce",
    "render": "render",
}
"""Command -> module of `export.commands`."""
_DESCRIPTION = "Classify photographs of skin lesions, and train, convert and measure models of them."
_EXTRAS = {"classify": "", "batch": "batch"}
"""Command -> extra of the package that it needs, if another one than `train`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; None for those of the process.

    Returns:
        Exit status: 0; 1 with a sentence on stderr where the command's files do not allow it; 130 after an interrupt.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else ""
    if name not in COMMANDS:
        _overview().parse_args(given)
        return 2
    try:
        module = command_module(name)
        parser = argparse.ArgumentParser(
            prog=f"{_program()} {name}",
            parents=[module.options()],
            add_help=False,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        return int(module.main(parser.parse_args(given[1:])) or 0)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(name, "train")
        if not extra or (error.name or "").split(".")[0] in ("lesion", "export"):
            raise
        print(f"{name} needs the package {error.name}. Install it with: pip install 'lesion[{extra}]'", file=sys.stderr)
    except KeyboardInterrupt as error:
        print(error if isinstance(error, Interrupted) else "Stopped.", file=sys.stderr)
        return 130
    except (CheckpointError, DataError, LesionError, ReportError, ParityError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{error.filename} cannot be read or written ({error.strerror}).", file=sys.stderr)
    return 1


def command_module(name: str) -> Any:
    """Return the module of a command, with functions `options` and `main`."""
    return import_module(f"export.commands.{COMMANDS[name]}")


def _program() -> str:
    """Return what the command line is called as."""
    own = Path(sys.argv[0]).name
    return "python -m export" if own in ("__main__.py", "-m") else own


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program(), description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"lesion {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, module in COMMANDS.items():
        source = (Path(__file__).parent / "commands" / f"{module}.py").read_text(encoding="utf-8")
        commands.add_parser(name, help=(ast.get_docstring(ast.parse(source)) or "").splitlines()[0])
    return parser


if __name__ == "__main__":
    sys.exit(main())
