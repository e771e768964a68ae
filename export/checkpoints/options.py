"""Command-line options about third-party checkpoints, which every command that reads them accepts."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ReaderOptions:
    """What the caller states about a checkpoint; it takes precedence over the file.

    Attributes:
        arch: name of the architecture in timm or torchvision; empty to use the file's.
        classes: names of the classes in the order of the outputs; empty to use the file's.
        malignant: names of the malignant classes; empty to use the file's.
        size: side of the input in pixels; None to use the file's.
    """

    arch: str = ""
    classes: Sequence[str] = ()
    malignant: Sequence[str] = ()
    size: int | None = None


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `reader_options` reads to a parser."""
    parser.add_argument("--arch", default="", help="as timm or torchvision names it, where the file does not say it")
    parser.add_argument("--classes", nargs="+", default=[], help="class names in the order of the outputs")
    parser.add_argument("--malignant", nargs="+", default=[], help="which classes count as malignant")
    parser.add_argument("--size", type=int, help="input side in pixels, instead of what the checkpoint says")


def reader_options(args: argparse.Namespace, size: int | None = None) -> ReaderOptions:
    """Return the options of parsed arguments; `size` in pixels is used where `--size` is not given."""
    return ReaderOptions(args.arch, args.classes, args.malignant, args.size or size)
