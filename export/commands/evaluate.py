"""models/lesion.onnx + labelled images -> figures with intervals, plots, model card.

    python -m export evaluate --data DATA                 reports on val and test, rewrites everything in models/
    python -m export evaluate --data DATA --strangers PHONES OBJECTS    and what is refused among pictures of other kinds
    python -m export evaluate --data DATA --splits val    while choosing: prints only, `test` stays closed

Images are decoded and classified exactly as the service does it. Intervals are 95 %, from 1,000 draws of lesion groups.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from lesion.inference.decision import Decision, decide
from lesion.inference.card import Card
from lesion.inference.model import Model

from export.data.isic import SPLITS, Labelled, of_split, read_table
from export.evaluation import metrics
from export.evaluation.bootstrap import if_right, interval
from export.evaluation.ood_eval import strangers
from export.evaluation.predictions import Answers, Array, Mask, answer
from export.evaluation.thresholds import SENSITIVITY
from export.graph.metadata import stamp
from export.reporting.plots import write_plots
from export.reporting.writer import ReportError, claim, report_on

ORIGINAL_SPECIFICITY = 0.926
"""Of the 2019 app, on melanoma against nevus: where its sensitivity of 0.820 is compared."""

PREVALENCES = (0.01, 0.02, 0.05)

Figures = dict[str, Any]


def figures(answers: Answers, card: Card) -> Figures:
    """All figures of one set of images; intervals as {"value", "low", "high"}."""
    score, malignant, groups = answers.measure("probability"), answers.malignant, answers.groups
    above = score >= card.threshold
    decisions = [decide(output, card) for output in answers.outputs]
    refused = np.array([not isinstance(decision, Decision) for decision in decisions])
    sets = [decide(output, _without_refusal(card)) for output in answers.outputs]
    members = [frozenset(found.prediction_set) if isinstance(found, Decision) else frozenset() for found in sets]
    covered = np.array(
        [("malignant" if truth else "benign") in found for truth, found in zip(malignant, members, strict=True)]
    )
    both = np.array([len(found) == 2 for found in members])
    everything = np.ones(len(score), bool)
    codes = np.array([entry.code for entry in card.classes])
    # What the model cannot name is no mistake of its naming.
    known = np.isin(answers.diagnosis, codes)

    def rate(flag: Mask, among: Mask) -> Figures:
        return _rate(flag, among, groups)

    return {
        "n": len(score),
        "malignant": int(malignant.sum()),
        "groups": len(np.unique(groups)),
        "auc": interval(lambda weights: metrics.auc(score, malignant, weights), groups).json(),
        "sensitivity": rate(above, malignant),
        "specificity": rate(~above, ~malignant),
        "specificity_at_95_sensitivity": interval(
            lambda weights: metrics.specificity_at(SENSITIVITY, score, malignant, weights), groups
        ).json(),
        "calibration_error": interval(lambda weights: metrics.calibration_error(score, malignant, weights), groups).json(),
        "calibration_error_if_right": if_right(
            lambda labels: metrics.calibration_error(score, labels, np.ones(len(score))), score
        ).json(),
        "melanoma_nevus": melanoma_nevus(answers, codes.tolist()),
        "balanced_accuracy": interval(
            lambda weights: metrics.balanced_accuracy(
                codes[answers.classes[known].argmax(1)], answers.diagnosis[known], weights[known]
            ),
            groups,
        ).json(),
        "coverage": {"malignant": rate(covered, malignant), "benign": rate(covered, ~malignant)},
        "uncertain": rate(both, everything),
        "refused": rate(refused, everything),
        "malignant_among_refused": int((refused & malignant).sum()),
    }


def _without_refusal(card: Card) -> Card:
    return Card(**{**vars(card), "refusal": ()})


def melanoma_nevus(answers: Answers, codes: list[str]) -> Figures:
    """The task of the 2019 app, on the images whose recorded diagnosis is one of the two.

    Two scores are measured: the probability of malignancy, and what the model says when it knows that it is one of the two,
    melanoma's share of both probabilities. `codes` are the model's diagnoses.
    """
    chosen = answers.where(np.isin(answers.diagnosis, ("melanoma", "nevus")))
    melanoma = chosen.diagnosis == "melanoma"

    def measured(score: Array) -> Figures:
        def sensitivity(weights: Array) -> float:
            return metrics.sensitivity_at(ORIGINAL_SPECIFICITY, score, melanoma, weights)

        return {
            "auc": interval(lambda weights: metrics.auc(score, melanoma, weights), chosen.groups).json(),
            "sensitivity_at_specificity_0926": interval(sensitivity, chosen.groups).json(),
        }

    found = {"n": len(melanoma), "melanoma": int(melanoma.sum()), **measured(chosen.measure("probability"))}
    if len(melanoma) and {"melanoma", "nevus"} <= set(codes):
        pair = chosen.classes[:, [codes.index("melanoma"), codes.index("nevus")]]
        # The smallest float32 in place of zero: both shares can vanish.
        found["as_one_of_both"] = measured(pair[:, 0] / np.maximum(pair.sum(1), np.finfo(np.float32).tiny))
    return found


def per_diagnosis(answers: Answers, card: Card) -> Figures:
    """Share above the threshold for every recorded diagnosis."""
    above = answers.measure("probability") >= card.threshold
    found = {}
    # In the model's order, then those that it has no name for.
    for code in dict.fromkeys((*(entry.code for entry in card.classes), *sorted(set(answers.diagnosis) - {""}))):
        own = answers.diagnosis == code
        if own.any():
            share = _rate(above, own, answers.groups)
            found[str(code)] = {"n": int(own.sum()), "malignant": bool(answers.malignant[own][0]), "above_threshold": share}
    return found


def _rate(flag: Mask, among: Mask, groups: npt.NDArray[np.str_]) -> Figures:
    return interval(lambda weights: metrics.rate(flag, among, weights), groups).json()


def report(one: Answers, eight: Answers | None, card: Card) -> Figures:
    """Figures of one split: all images, each data set with at least 100, each diagnosis, curves, eight views."""
    found: Figures = {"all": figures(one, card)}
    names = np.array([row.dataset for row in one.rows])
    found["datasets"] = {
        name: figures(one.where(names == name), card) for name in sorted(set(names)) if (names == name).sum() >= 100
    }
    found["diagnoses"] = per_diagnosis(one, card)
    sensitivity, specificity = (found["all"][name]["value"] for name in ("sensitivity", "specificity"))
    found["predictive_values"] = {
        str(prevalence): dict(
            zip(
                ("positive", "negative"),
                (
                    None if np.isnan(value) else round(value, 4)
                    for value in metrics.predictive_values(sensitivity, specificity, prevalence)
                ),
                strict=True,
            )
        )
        for prevalence in PREVALENCES
    }
    score = one.measure("probability")
    found["curves"] = {
        "roc": metrics.roc_points(score, one.malignant),
        "reliability": metrics.reliability_points(score, one.malignant),
    }
    if eight is not None:
        found["eight_views"] = figures(eight, card)
        found["eight_views_gain"] = gain(one, eight)
    return found


def gain(one: Answers, eight: Answers) -> Figures:
    """What eight views have more than one, on the same images drawn."""
    scores, malignant = [answers.measure("probability") for answers in (one, eight)], one.malignant

    def auc(weights: Array) -> float:
        single, several = (metrics.auc(score, malignant, weights) for score in scores)
        return several - single

    def specificity(weights: Array) -> float:
        single, several = (metrics.specificity_at(SENSITIVITY, score, malignant, weights) for score in scores)
        return several - single

    def calibration_error(weights: Array) -> float:
        single, several = (metrics.calibration_error(score, malignant, weights) for score in scores)
        return several - single

    measured = {"auc": auc, "specificity_at_95_sensitivity": specificity, "calibration_error": calibration_error}
    return {name: interval(figure, one.groups).json() for name, figure in measured.items()}


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
    rows: Sequence[Labelled],
    splits: Sequence[str],
    *,
    eight_views: bool = True,
    folders: Sequence[Path] = (),
) -> tuple[dict[str, Figures], dict[str, Answers]]:
    """Figures of each split, under "strangers" of the pictures in `folders` (which need `val`), and the one-view answers."""
    reports: dict[str, Figures] = {}
    answers = {}
    for split in splits:
        chosen = of_split(rows, split)
        answers[split] = answer(model, chosen)
        eight = answer(model, chosen, views=8) if eight_views else None
        reports[split] = report(answers[split], eight, model.card)
        show(split, reports[split])
    for folder in folders:
        reports.setdefault("strangers", {})[folder.name] = found = strangers(model, folder, answers["val"])
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
        claim(args.model)
    reports, answers = evaluate(
        model, read_table(args.data), args.splits, eight_views=not args.one_view, folders=args.strangers
    )
    if published:
        publish(args.model, reports, answers["test"], model.card)


def publish(path: Path, reports: dict[str, Figures], test: Answers, card: Card) -> None:
    """Write the figures into the model file and metrics.json, and draw the plots and the model card beside them."""
    write_plots(path.parent, test, card)
    proto = onnx.load(path)
    stamp(proto, {"metrics": reports})
    path.write_bytes(proto.SerializeToString(deterministic=True))
    report_on(path, {"version": card.version, "sha256": Model(path).sha256, **reports})
