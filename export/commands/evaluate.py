"""Evaluate a model file on labelled images: a report with figures, plots and predictions; the model is only read.

    python -m export evaluate --model lesion.onnx --data FOLDER --out report/     a table with images, or class folders
    python -m export evaluate --model lesion.onnx --data labels.csv --split test --out report/

Writes index.html (one page without other files), metrics.json, predictions.parquet and predictions.csv. All labelled images
are used, or those of one split. Images are decoded and classified by the code of the service; those that cannot be read are
reported. Intervals are 95 %, from 1,000 resamples of lesions or patients. `python -m export release` publishes figures.
"""

import argparse
import json
import re
from pathlib import Path

from lesion.inference.model import Model

from export.arrays import Figures
from export.commands.consent import confirm_replacement
from export.commands.options import data_option, model_option, parser_of, read_labelled_data, yes_option
from export.commands.output_path import require_folder
from export.data.labels import fingerprint
from export.data.splits import SPLITS
from export.errors import DataError, ReportError
from export.evaluation.own_report import own_report
from export.evaluation.predictions import predict_readable
from export.reporting.evaluation_page import evaluation_page
from export.reporting.plots import draw_plots, embedded_png
from export.reporting.prediction_files import write_predictions

FILES = ("index.html", "metrics.json", "predictions.parquet", "predictions.csv")


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export evaluate`."""
    parser = parser_of(__doc__, data_option("all labelled rows are evaluated"), model_option(), yes_option())
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: %(default)s)")
    parser.add_argument("--split", choices=SPLITS, help="evaluate only the images of this split")
    parser.add_argument("--views", type=int, choices=(1, 8), default=1, help="8: the mean over eight views")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export evaluate`.

    Raises:
        DataError: a table cannot be read, there is no image of the split, or no image can be read.
        ModelFileError: the model file cannot be read.
        ReportError: the output folder cannot be written, or has files of something else.
    """
    check_report_folder(args.out)
    model = Model(args.model)
    data = read_labelled_data(args)
    rows = [row for row in data.rows if args.split in (None, row.split)]
    if not rows:
        raise DataError(f"There are no images in `{args.split}`: see the splits above.")
    confirm_replacement([args.out / name for name in FILES], yes=args.yes or is_report(args.out))
    predictions, failed = predict_readable(model, rows, views=args.views)
    if not predictions.rows:
        raise DataError(f"None of the {len(rows)} images can be read. The first: {next(iter(failed.values()))}")
    figures: Figures = {
        "version": model.card.version,
        "sha256": model.sha256,
        "selection": f"split {args.split}" if args.split else "all labelled images",
        "views": args.views,
        "data": {**data.summary.json(), "sha256": fingerprint(rows)},
        **own_report(predictions, model.card),
        "failures": [{"id": row.isic_id, "reason": reason} for row, reason in failed.items()],
    }
    plots = {name: embedded_png(figure) for name, figure in draw_plots(predictions, model.card, figures["selection"])}
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "metrics.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_predictions(args.out, predictions, failed, model.card)
    page = evaluation_page(model, args.model.name, data.summary, figures, plots, failed)
    (args.out / "index.html").write_text(page, encoding="utf-8")
    show(figures)
    print(f"{args.out / 'index.html'}")


def show(figures: Figures) -> None:
    """Print the most important figures."""
    whole = figures["all"]
    for name in ("auc", "sensitivity", "specificity", "refused"):
        entry = whole[name]
        interval = "" if entry["low"] is None else f" ({entry['low']:.3f}-{entry['high']:.3f})"
        print(f"{name:12}" + ("-" if entry["value"] is None else f"{entry['value']:.3f}{interval}"))
    if figures["failures"]:
        print(f"{len(figures['failures'])} images could not be read: see the report")


def is_report(folder: Path) -> bool:
    """Return whether a folder contains an earlier report of this command, which may be replaced."""
    page = folder / "index.html"
    return (
        page.is_file()
        and re.search(r"<title>Evaluation of ", page.read_text(encoding="utf-8", errors="replace")) is not None
    )


def check_report_folder(folder: Path) -> None:
    """Check that a folder can hold a report.

    Raises:
        ReportError: it cannot be written, or contains a model file, whose figures have the names of the report's.
    """
    require_folder(folder)
    if folder.is_dir() and any(folder.glob("*.onnx")):
        raise ReportError(f"{folder} contains a model file, whose metrics.json would be replaced. Name another --out.")
