"""Options that several commands share, as parent parsers for argparse."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from export.checkpoints.options import ReaderOptions
from export.commands.numbers import SMALLEST_SIDE, real, whole
from export.data.find_tables import DataOptions
from export.data.labels import LabelledImage
from export.data.layouts.own_classes import read_class_map
from export.data.splits import SPLITS
from export.data.tables import Data, read_data

MODEL = Path("models/lesion.onnx")


def parser_of(description: str | None, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser of a command.

    Args:
        description: docstring of the command's module; its first line is the command's sentence in `--help`.
        parents: groups of shared options.
    """
    return argparse.ArgumentParser(
        description=description, parents=parents, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def data_option(use: str = "") -> argparse.ArgumentParser:
    """Return the options `--data`, `--label-column`, `--image-column` and `--class-map`, which `read_rows` reads.

    Args:
        use: what the command reads of it, after a semicolon in the help text.
    """
    parent = _parent()
    parent.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="tables, folders with a table and images, or with folders named after classes" + (f"; {use}" if use else ""),
    )
    for name, content in (("--label-column", "with the labels"), ("--image-column", "that names the images")):
        parent.add_argument(name, default="", metavar="NAME", help=f"column {content} (default: found by name)")
    parent.add_argument(
        "--class-map", type=Path, metavar="FILE", help="CSV (label, malignant, class) or JSON: which labels are malignant"
    )
    return parent


def read_rows(args: argparse.Namespace) -> list[LabelledImage]:
    """Read the images of `data_option`, after the data summary was printed.

    Args:
        args: the parsed options.

    Raises:
        DataError: see `export.data.tables.read_data`, or the class map cannot be read.
    """
    return read_labelled_data(args).rows


def read_labelled_data(args: argparse.Namespace) -> Data:
    """Return what `read_rows` reads together with its summary."""
    class_map = read_class_map(args.class_map) if args.class_map else None
    data = read_data(args.data, DataOptions(args.label_column, class_map, args.image_column))
    for line in data.summary.lines():
        print(line)
    return data


def yes_option() -> argparse.ArgumentParser:
    """Return the option `--yes` of commands that replace files; see `export.commands.consent`."""
    parent = _parent()
    parent.add_argument("--yes", action="store_true", help="replace existing files without asking")
    return parent


def model_option() -> argparse.ArgumentParser:
    """Return the option `--model`, a Path."""
    parent = _parent()
    parent.add_argument("--model", type=Path, default=MODEL, help="model file (default: %(default)s)")
    return parent


def split_option() -> argparse.ArgumentParser:
    """Return the option `--split`; figures of `test` are published, those of other splits are only printed."""
    parent = _parent()
    parent.add_argument(
        "--split", choices=SPLITS, default="test", help="images to evaluate; only figures of `test` are written down"
    )
    return parent


def copies_option() -> argparse.ArgumentParser:
    """Return the option `--copies`, a Path or None."""
    parent = _parent()
    parent.add_argument("--copies", type=Path, help="folder with metadata.csv and other copies of the same images")
    return parent


def out_of_distribution_option() -> argparse.ArgumentParser:
    """Return the option `--strangers`, a list of Paths."""
    parent = _parent()
    parent.add_argument(
        "--strangers", type=Path, nargs="+", default=[], help="folders of images that are not dermoscopic images of a lesion"
    )
    return parent


def checkpoint_folder_option() -> argparse.ArgumentParser:
    """Return the option `--out` of commands that write a checkpoint, a Path."""
    parent = _parent()
    parent.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt")
    return parent


def size_option(default: str) -> argparse.ArgumentParser:
    """Return the option `--size`, pixels or None.

    Args:
        default: whose size it is without the option.
    """
    parent = _parent()
    parent.add_argument("--size", type=whole(SMALLEST_SIDE), help=f"side of the input in pixels (default: {default})")
    return parent


def foreign_checkpoint_options() -> argparse.ArgumentParser:
    """Return the options that describe checkpoints: `--arch`, `--classes`, `--malignant`, `--size` and `--weights`."""
    parent = argparse.ArgumentParser(add_help=False, parents=[size_option("that of the checkpoint")])
    group = parent.add_argument_group("checkpoints of other projects, where the file does not contain it")
    group.add_argument("--arch", default="", help="architecture, as timm or torchvision names it")
    group.add_argument("--classes", nargs="+", default=[], help="class names in the order of the outputs")
    group.add_argument("--malignant", nargs="+", default=[], help="classes that count as malignant")
    parent.add_argument(
        "--weights",
        type=real(0, above=True),
        nargs="+",
        default=[],
        help="of the logits of several checkpoints in one file (default: their mean)",
    )
    return parent


def description_in(args: argparse.Namespace, size: int | None = None) -> ReaderOptions:
    """Return what `foreign_checkpoint_options` say about a checkpoint.

    Args:
        args: the parsed options.
        size: side of the input in pixels without `--size`: that of the model file with which a checkpoint is compared.
    """
    classes: Sequence[str] = args.classes
    malignant: Sequence[str] = args.malignant
    return ReaderOptions(args.arch, classes, malignant, args.size or size, args.weights)


def _parent() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False)
