"""models/lesion.onnx + labelled images -> figures with intervals, plots, model card.

    python -m export evaluate --data DATA                 reports on val and test, rewrites everything in models/
    python -m export evaluate --data DATA --strangers PHONES OBJECTS    and what is refused among pictures of other kinds
    python -m export evaluate --data DATA --splits val    while choosing: prints only, `test` stays closed

Images are decoded and classified exactly as the service does it. Intervals are 95 %, from 1,000 draws of lesion groups.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import onnx
from lesion.inference.card import Card
from lesion.inference.model import Model

from export.arrays import Figures
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import SPLITS, select_split
from export.evaluation.ood_eval import evaluate_ood
from export.evaluation.predictions import Predictions, predict
from export.evaluation.split_report import split_report
from export.graph.metadata import write_metadata
from export.reporting.plots import write_plots
from export.reporting.writer import ReportError, check_model_folder, update_report


def show(split: str, found: Figures) -> None:
    """Print one split's figures as a table."""
    print(f"\n{split:22} {'n':>5} {'malig.':>6}  {'AUC':19}  {'sensitivity':19}  {'specificity':19}  spec. at 95 % sens.")
    for name, part in {"all": found["all"], **found["datasets"], "eight views": found.get("eight_views")}.items():
        if part:
            cells = (_text(part[key]) for key in ("auc", "sensitivity", "specificity", "specificity_at_95_sensitivity"))
            print(f"  {name:20} {part['n']:5} {part['malignant']:6}  " + "  ".join(f"{cell:19}" for cell in cells))
    part = found["all"]
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
    for code, entry in found["diagnoses"].items():
        print(f"  {code:20} {entry['n']:5}  above the threshold {_text(entry['above_threshold'])}")


def _text(entry: Figures) -> str:
    if entry["value"] is None:
        return "-"
    if entry["low"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


def options() -> argparse.ArgumentParser:
    """The options of `python -m export evaluate`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=["val", "test"])
    parser.add_argument("--strangers", type=Path, nargs="+", default=[], help="folders of pictures that are no dermoscopy")
    parser.add_argument("--one-view", action="store_true", help="leave out eight views, which take eight times as long")
    return parser


def evaluate(
    model: Model,
    rows: Sequence[LabelledImage],
    splits: Sequence[str],
    *,
    eight_views: bool = True,
    folders: Sequence[Path] = (),
) -> tuple[dict[str, Figures], dict[str, Predictions]]:
    """Figures of each split, under "strangers" of the pictures in `folders` (which need `val`), and the one-view answers."""
    reports: dict[str, Figures] = {}
    answers = {}
    for split in splits:
        chosen = select_split(rows, split)
        answers[split] = predict(model, chosen)
        eight = predict(model, chosen, views=8) if eight_views else None
        reports[split] = split_report(answers[split], eight, model.card)
        show(split, reports[split])
    for folder in folders:
        reports.setdefault("strangers", {})[folder.name] = found = evaluate_ood(model, folder, answers["val"])
        print(f"{folder.name}: {found['n']} pictures, {found['refused']:.1%} refused", end=" ")
        print(f"({found['codes']}), AUROC of distance against val {found['distance_auroc']:.3f}")
    return reports, answers


def main(args: argparse.Namespace) -> None:
    """Run `python -m export evaluate`."""
    published = {"val", "test"} <= set(args.splits) and not args.one_view
    if args.strangers and "val" not in args.splits:
        raise ReportError("Strangers are compared with `val`. Add it: --splits val test.")
    model = Model(args.model)
    if published:
        check_model_folder(args.model)
    reports, answers = evaluate(
        model, read_table(args.data), args.splits, eight_views=not args.one_view, folders=args.strangers
    )
    if published:
        publish(args.model, reports, answers["test"], model.card)


def publish(path: Path, reports: dict[str, Figures], test: Predictions, card: Card) -> None:
    """Write the figures into the model file and metrics.json, and draw the plots and the model card beside them."""
    write_plots(path.parent, test, card)
    proto = onnx.load(path)
    write_metadata(proto, {"metrics": reports})
    path.write_bytes(proto.SerializeToString(deterministic=True))
    update_report(path, {"version": card.version, "sha256": Model(path).sha256, **reports})
