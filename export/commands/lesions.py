"""Compare single images with combined answers, on lesions that have several images; prints only.

    python -m export lesions --data DATA --datasets HAM10000              lesions of `val` with several dermoscopic images
    python -m export lesions --data DATA MILK10K --datasets MILK10k       a dermoscopic and a clinical image of each lesion

Images of one `lesion_group` are one lesion, across the folders. The method: `export.evaluation.lesions`.
"""

import argparse

from lesion.inference.model import Model

from export.commands.options import data_option, model_option, parser_of, read_rows
from export.data.splits import SPLITS, select_split
from export.evaluation.lesions import group_by_lesion, lesion_metrics
from export.evaluation.predictions import predict
from export.evaluation.schema import AnswerMetrics, IntervalJson, LesionMetrics


def show(figures: LesionMetrics) -> None:
    """Print the figures of `export.evaluation.lesions.lesion_metrics` as a table."""
    print(
        f"{figures['lesions']} lesions ({figures['malignant']} malignant), {figures['images']} images; "
        f"refused: {figures['refused_images']} images, {figures['refused_lesions']} lesions"
    )
    columns: dict[str, AnswerMetrics] = {"one image": figures["single"]}
    columns |= {f"one {name} image": part for name, part in figures["single_by_type"].items()}
    columns |= {"combined": figures["combined"], "difference": figures["gain"]}
    print(f"{'':30}" + "".join(f"{name:24}" for name in columns))
    for metric in AnswerMetrics.__annotations__:
        cells = (_text(part[metric]) for part in columns.values())  # type: ignore[literal-required]  # its own keys
        print(f"{metric.replace('_', ' '):30}" + "".join(f"{cell:24}" for cell in cells))
    print(f"images of a lesion agree       {_text(figures['agreement'])}")
    print(f"decisions right if they agree  {_text(figures['agreeing_correct'])}", end=", ")
    print(f"otherwise {_text(figures['disagreeing_correct'])}")


def _text(entry: IntervalJson) -> str:
    if entry["value"] is None:
        return "-"
    if entry["low"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export lesions`."""
    parser = parser_of(__doc__, data_option(), model_option())
    parser.add_argument("--datasets", nargs="+", default=[], help="data sets whose groups are lesions (default: all)")
    parser.add_argument("--split", choices=SPLITS, default="val", help="images to evaluate (default: %(default)s)")
    parser.add_argument("--views", type=int, choices=(1, 8), default=1, help="views of every image (default: %(default)s)")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export lesions`.

    Raises:
        DataError: a data folder cannot be read, or there are no malignant or no benign lesions with several images.
        ModelFileError: the model file cannot be read.
    """
    rows = read_rows(args)
    chosen = select_split(group_by_lesion(rows, args.datasets), args.split)
    model = Model(args.model)
    show(lesion_metrics(predict(model, chosen, views=args.views), model.card))
