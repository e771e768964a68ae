"""Command line of the batch: `python -m lesion.batch` and `lesion batch`."""

import argparse
import os
from pathlib import Path

from lesion.inference.card import IMAGE_TYPES
from lesion.inference.schemas import Views


def options(description: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command.

    Args:
        description: for the help text.
    """
    parser = argparse.ArgumentParser(prog="python -m lesion.batch", description=description)
    parser.add_argument("source", type=Path, help="folder of images, CSV table with a column `file`, or one image")
    parser.add_argument("-o", "--output", type=Path, required=True, help="results: .parquet, .csv or .jsonl")
    parser.add_argument("--views", type=int, choices=[views.value for views in Views], default=1)
    parser.add_argument(
        "--image-type", choices=["auto", *IMAGE_TYPES], default="auto", help="of all images (default: detect that of each)"
    )
    parser.add_argument("--embedding", action="store_true", help="add the network's last features of each image")
    parser.add_argument("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--model", type=Path, help="model file (default: the published one)")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes. At least one is needed.")
    return int(text)
