"""`python -m export COMMAND`; each command's module says more."""

import argparse
import importlib
import sys

from export.errors import CheckpointError

COMMANDS = {
    "train": "images + metadata.csv -> checkpoint",
    "convert": "checkpoint -> models/lesion.onnx",
    "evaluate": "models/lesion.onnx + labelled images -> figures, plots, model card",
}


def main(arguments: list[str]) -> None:
    """Run one command; its module is imported only then, because torch takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("command", choices=COMMANDS, help="; ".join(f"{name}: {text}" for name, text in COMMANDS.items()))
    name = parser.parse_args(arguments[:1]).command
    module = importlib.import_module(f"export.{name}")
    options = argparse.ArgumentParser(
        prog=f"python -m export {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(options)
    try:
        module.main(options.parse_args(arguments[1:]))
    except CheckpointError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
