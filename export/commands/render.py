"""Render the model card and the README's results from the model file and metrics.json, without evaluating anything.

python -m export render                              models/README.md and the results in README.md
python -m export render --model FOLDER/lesion.onnx   the same for another model file
"""

import argparse

from export.commands.options import model_option, parser_of
from export.reporting.writer import render_report


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export render`."""
    return parser_of(__doc__, model_option())


def main(args: argparse.Namespace) -> None:
    """Run `python -m export render`."""
    render_report(args.model)
    print(f"{args.model.parent / 'README.md'} is rendered.")
