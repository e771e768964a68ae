"""Release a model file: evaluate it on val and test, and write figures, plots and model card beside it and into it.

    python -m export release --data DATA                 says what it replaces in models/, and asks
    python -m export release --data DATA --yes           replaces it without asking
    python -m export release --data DATA --strangers PHONES OBJECTS    also counts refusals of out-of-distribution images
    python -m export release --data DATA --splits val    prints only, and does not read `test`

`python -m export evaluate` reports on other images and leaves the model file as it is. Images are
decoded and classified by the code of the service. Intervals are 95 %, from 1,000 resamples of lesion groups.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from lesion.inference.card import Card
from lesion.inference.model import Model

from export.arrays import Figures
from export.commands.consent import confirm_replacement, report_files
from export.commands.options import (
    data_option,
    model_option,
    out_of_distribution_option,
    parser_of,
    read_rows,
    yes_option,
)
from export.data.labels import LabelledImage
from export.data.splits import SPLITS, select_split
from export.errors import ReportError
from export.evaluation.ood_report import evaluate_ood
from export.evaluation.predictions import Predictions, predict
from export.evaluation.source_report import diagnoses_by_type, label_counts, source_figures
from export.evaluation.split_report import split_report
from export.graph.metadata import write_metadata
from export.reporting.plots import write_plots
from export.reporting.writer import check_model_folder, update_report

CARD_ONLY = ("sources", "diagnoses_by_type", "label_counts")
"""Keys of figures that metrics.json and the model card have, and the model file does not: the page shows none of them."""


def evaluate(
    model: Model,
    rows: Sequence[LabelledImage],
    splits: Sequence[str],
    *,
    eight_views: bool = True,
    folders: Sequence[Path] = (),
) -> tuple[Figures, dict[str, Predictions]]:
    """Evaluate a model on each split and on folders of out-of-distribution images; print the figures.

    Args:
        model: the model file.
        rows: of all splits.
        splits: names of the splits to evaluate.
        eight_views: whether to evaluate the mean of eight views as well, which takes eight times as long.
        folders: of out-of-distribution images. They are compared with `val`, which must be one of the splits.

    Returns:
        Figures with the keys of metrics.json: of each split, of the out-of-distribution folders, and `CARD_ONLY`; then the
        one-view predictions by split.
    """
    reports: Figures = {}
    predictions = {}
    for split in splits:
        chosen = select_split(rows, split)
        predictions[split] = predict(model, chosen)
        eight = predict(model, chosen, views=8) if eight_views else None
        reports[split] = split_report(predictions[split], eight, model.card)
        show(split, reports[split])
        sources = source_figures(predictions[split], eight, model.card)
        show_sources(sources)
        reports.setdefault("sources", {})[split] = sources
        reports.setdefault("diagnoses_by_type", {})[split] = diagnoses_by_type(predictions[split], model.card)
    reports["label_counts"] = label_counts(rows, model.card)
    for folder in folders:
        figures = evaluate_ood(model, folder, predictions["val"])
        reports.setdefault("strangers", {})[folder.name] = figures
        print(f"{folder.name}: {figures['n']} images, {figures['refused']:.1%} refused", end=" ")
        print(f"({figures['codes']}), AUROC of distance against val {figures['distance_auroc']:.3f}")
    return reports, predictions


def show(split: str, figures: Mapping[str, Any]) -> None:
    """Print the figures of `export.evaluation.split_report.split_report` for one split as a table."""
    print(f"\n{split:22} {'n':>5} {'malig.':>6}  {'AUC':19}  {'sensitivity':19}  {'specificity':19}  spec. at 95 % sens.")
    types = {f"{name} images": part for name, part in figures.get("types", {}).items()}
    parts = {"all": figures["all"], **types, **figures["datasets"], "eight views": figures.get("eight_views")}
    for name, part in parts.items():
        if part:
            cells = (_text(part[key]) for key in ("auc", "sensitivity", "specificity", "specificity_at_95_sensitivity"))
            print(f"  {name:20} {part['n']:5} {part['malignant']:6}  " + "  ".join(f"{cell:19}" for cell in cells))
    part = figures["all"]
    print(
        f"  melanoma against nevus (n = {part['melanoma_nevus']['n']}): AUC {_text(part['melanoma_nevus']['auc'])}", end=", "
    )
    print(f"sensitivity at specificity 0.926 {_text(part['melanoma_nevus']['sensitivity_at_specificity_0926'])}")
    if pair := part["melanoma_nevus"].get("as_one_of_both"):
        print(f"    as one of both: AUC {_text(pair['auc'])}, {_text(pair['sensitivity_at_specificity_0926'])}")
    print(f"  calibration error {_text(part['calibration_error'])}", end=", ")
    print(f"by chance alone {_text(part['calibration_error_if_right'])}", end=", ")
    print(f"balanced accuracy {_text(part['balanced_accuracy'])}")
    print(f"  refused {_text(part['refused'])}, uncertain {_text(part['uncertain'])}", end=", ")
    print("coverage " + ", ".join(f"{side} {_text(value)}" for side, value in part["coverage"].items()))
    if detection := figures.get("image_type_detection"):
        print("  image type detected correctly: " + ", ".join(f"{name} {_text(value)}" for name, value in detection.items()))
    for code, entry in figures["diagnoses"].items():
        print(f"  {code:20} {entry['n']:5}  above the threshold {_text(entry['above_threshold'])}")


def show_sources(figures: Figures) -> None:
    """Print the figures of `export.evaluation.source_report.source_figures`."""
    for name, entry in figures.items():
        parts = (f"{key.replace('_', ' ')} {_text(value)}" for key, value in entry.items() if key != "n")
        print(f"  {name:20} {entry['n']:5}  {', '.join(parts)}")


def _text(entry: Figures) -> str:
    if entry["value"] is None:
        return "-"
    if entry["low"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


def publish(path: Path, reports: Figures, test: Predictions, card: Card) -> None:
    """Write the figures to the model file, to metrics.json, to the model card and to the plots.

    Args:
        path: the model file, whose folder contains the others.
        reports: figures by split.
        test: one-view predictions of `test`, for the plots.
        card: of the model file.
    """
    write_plots(path.parent, test, card)
    proto = onnx.load(path)
    write_metadata(proto, {"metrics": {key: value for key, value in reports.items() if key not in CARD_ONLY}})
    path.write_bytes(proto.SerializeToString(deterministic=True))
    update_report(path, {"version": card.version, "sha256": Model(path).sha256, **reports})


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export release`."""
    parser = parser_of(__doc__, data_option(), model_option(), out_of_distribution_option(), yes_option())
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=["val", "test"], help="splits to evaluate")
    parser.add_argument("--one-view", action="store_true", help="omit eight views, which take eight times as long")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export release`.

    Raises:
        DataError: a data folder cannot be read.
        ModelFileError: the model file cannot be read.
        ReportError: `--strangers` without `val`, or the model file's folder contains files that would be overwritten, or
            nobody agreed to replace the files.
    """
    published = {"val", "test"} <= set(args.splits) and not args.one_view
    if args.strangers and "val" not in args.splits:
        raise ReportError("Out-of-distribution images are compared with `val`. Add it: --splits val test.")
    model = Model(args.model)
    if published:
        check_model_folder(args.model)
        confirm_replacement([args.model, *report_files(args.model)], yes=args.yes)
    reports, predictions = evaluate(
        model, read_rows(args), args.splits, eight_views=not args.one_view, folders=args.strangers
    )
    if published:
        publish(args.model, reports, predictions["test"], model.card)
