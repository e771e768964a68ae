"""Model card: models/README.md, rendered from the metadata of the model file and its metrics.json.

Its four parts are those of CLEAR Derm (Daneshjou et al. 2022): data, technique, technical assessment, application.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lesion.inference.model import Model

from export.arrays import Figures
from export.evaluation.split_report import all_predictive_values
from export.reporting.card_limits import (
    describe_detection,
    describe_limits,
    describe_spread,
    limits_table,
    refusal_list,
)
from export.reporting.card_tables import (
    dark_skin_sentence,
    diagnosis_table,
    faithfulness_list,
    label_table,
    performance_table,
    precision_table,
    robustness_table,
    source_table,
    subgroup_table,
    unseen_table,
)
from export.reporting.card_training import describe_data, describe_recipes
from export.reporting.formatting import format_change, format_interval, format_per_hundred, format_percent

EXPERIMENTS = "experiments.md"
"""Page beside the card of the released model."""

TITLE = "# Model card"
"""First characters of every model card."""


def write_card(path: Path, model: Model, metrics: Figures) -> None:
    """Write the card of `model` to `path`.

    Args:
        path: output file, overwritten.
        model: the loaded model file.
        metrics: contents of its metrics.json.
    """
    path.write_text(render_card(model, metrics, has_experiments=(path.parent / EXPERIMENTS).is_file()))


def render_card(model: Model, metrics: Figures, *, has_experiments: bool = False) -> str:
    """Return the card of `model` as Markdown.

    Args:
        model: the loaded model file.
        metrics: contents of its metrics.json.
        has_experiments: whether `EXPERIMENTS` lies beside the card.
    """
    return "\n\n".join(_sections(model, metrics, has_experiments)) + "\n"


def _sections(model: Model, metrics: Figures, has_experiments: bool) -> Iterable[str]:
    card, about = model.card, model.card.about
    training = about["training"]
    yield f"{TITLE}: skin-lesion classifier {card.version}"
    yield (
        f"`lesion.onnx`, sha256 `{model.sha256}`. {card.architecture}, {card.input_size} x {card.input_size} pixels, "
        f"{len(card.classes)} diagnoses. `python -m export render` writes this page from the model file and metrics.json."
    )
    yield f"**Licence of the weights: {about['licence']}.** The code around them is MIT."
    yield "## Application"
    yield about["intended_use"]
    yield "\n".join(f"- {limit}" for limit in about["limits_of_use"])
    yield "## Data"
    yield (
        describe_data(training)
        + " Malignant: "
        + ", ".join(entry.name.lower() for entry in card.classes if entry.malignant)
        + "."
    )
    # Releases before 2.1.2 have no counts.
    if counts := metrics.get("label_counts"):
        yield "Images of each diagnosis. Those that are only known as malignant or benign are in no row."
        yield "\n".join(label_table(counts))
    yield "## Technique"
    experiments = f"Other experiments: [{EXPERIMENTS}]({EXPERIMENTS}). " if has_experiments else ""
    yield f"{describe_recipes(training, experiments)}{describe_limits(card)}"
    if card.format != "1":
        yield "\n".join(limits_table(card))
    parity = metrics["parity"]
    yield (
        f"Parity with PyTorch on {parity['images']} images: largest logit difference {parity['max_logit_difference']:.1e}, "
        f"{parity['changed_decisions']} decisions changed, "
        f"|mean(evidence) + bias - logit| at most {parity['max_evidence_gap']:.1e}."
    )
    yield (
        "Refusal rules, in this order (size: side of the centre square relative to the input's; brightness: its mean, 0 to "
        "1; sharpness: variance of its Laplacian; distance: root mean square of the standardised distance of middle "
        "features from the training images, 1 on average; spread: standard deviation of the logit over the views):"
    )
    yield "\n".join(refusal_list(card))
    if sentence := describe_spread(card):
        yield sentence
    yield "## Technical assessment"
    yield (
        "Brackets: 95 % intervals, bootstrapped over lesion groups (1,000 draws). One view unless stated otherwise. Refused "
        "images count like all others, except where refusals are the figure. A calibration error that is near zero can lie "
        "below its own interval, because every resample adds error. Data sets and diagnoses with few images have no row."
        + (
            f" How often `test` was evaluated, and which choices knew its figures: [{EXPERIMENTS}]({EXPERIMENTS})."
            if has_experiments
            else ""
        )
    )
    for split in ("test", "val"):
        yield f"### {split}"
        yield "\n".join(performance_table(metrics[split]))
    for name, part in _parts_by_type(metrics["test"]).items():
        yield f"Test, {name}:"
        yield "\n".join(_further_figures(part))
    if "image_type_detection" in metrics["test"]:
        yield describe_detection(metrics["test"]["image_type_detection"])
    if "eight_views_gain" in metrics["test"]:
        yield _eight_views(metrics["test"]["eight_views_gain"], has_own_points=card.format != "1")
        one, eight = metrics["test"]["all"], metrics["test"]["eight_views"]
        yield (
            f"Refused with one and with eight views: {format_percent(one['refused'])} and "
            f"{format_percent(eight['refused'])} of the images, {one['malignant_among_refused']} and "
            f"{eight['malignant_among_refused']} malignant ones."
        )
    yield "![ROC](roc.png) ![Reliability](reliability.png)"
    if sources := metrics.get("sources"):
        yield "### Refused and detected, per source"
        yield "\n".join(source_table(sources))
    yield "### Per diagnosis (test)"
    yield "\n".join(diagnosis_table(metrics["test"]["diagnoses"], metrics.get("diagnoses_by_type", {}).get("test", {})))
    if subgroups := metrics["test"].get("subgroups"):
        yield "### Per group of people (test)"
        yield "\n".join(subgroup_table(subgroups))
        yield dark_skin_sentence(metrics)
    yield "![Confusion](confusion.png)"
    yield "### Predictive values at the threshold (test)"
    yield (
        "Sensitivity and specificity of `test` at other prevalences. Most of these lesions were suspicious enough to be "
        "examined or removed; among the lesions of a population both may differ."
    )
    yield "\n".join(
        [
            "| images | prevalence | of 100 above the threshold, malignant | of 100 below the threshold, benign |",
            "|---|---|---|---|",
            *(
                f"| {name} | {float(prevalence):.0%} | {format_per_hundred(entry['positive'], 1)} "
                f"| {format_per_hundred(entry['negative'], 2)} |"
                for name, values in _predictive_values(metrics["test"])
                for prevalence, entry in values.items()
            ),
        ]
    )
    if "strangers" in metrics:
        yield "### Out-of-distribution images"
        yield "\n".join(_out_of_distribution_table(metrics["strangers"]))
        if fitted := card.about.get("fitted_ood_images"):
            counts = ", ".join(f"{count} of {name}" for name, count in fitted.items())
            yield f"Other images of the same folders fitted the limits ({counts}); the network was trained on none."
    if metrics.get("unseen_cameras"):
        yield (
            "Images of a data set that was left out of the OOD statistics, refused as `not_a_lesion`: "
            + "; ".join(
                f"{name} {format_percent(parts['all']['refused'])} of {parts['all']['n']}, "
                f"{format_percent(parts['unseen']['refused'])} of the {parts['unseen']['n']} outside the training images"
                for name, parts in metrics["unseen_cameras"].items()
            )
            + "."
        )
    if metrics.get("unseen_sources"):
        yield "### Images of an unknown source"
        one_head = "have one head for both image types, " if "heads" in card.about["training"] else ""
        yield (
            "What it costs that a source is not in the training data: a short training with all data sets, and one without "
            "each of the larger ones in turn, with calibration, threshold and sets fitted to the others "
            f"(`python -m export unseen {metrics.get('unseen_training', '')}`). The networks are not those of this file, "
            f"{one_head}and those without a large data set had fewer images and steps. The last two columns are on `val`, "
            "the others on `train` and `val` of the data set that was left out. Calibration also suffers where its share of "
            "malignant images differs from the others'. The sets aim at 0.90, and at the threshold's 0.95 where it is lower "
            "than theirs."
        )
        yield "\n".join(unseen_table(metrics["unseen_sources"]))
    if "stress" in metrics:
        yield "### Robustness to re-encoding, resizing and cropping (test, one view unless it says eight)"
        yield "![Robustness](stress.png)"
        yield "\n".join(robustness_table(metrics["stress"]))
        yield (
            "Flipped: the other side of the threshold than the unchanged image, refused or not. A change that has most "
            "images refused therefore shows flips that no user sees."
        )
    if "formats" in metrics:
        yield "### Numeric precision: float32, float16, int8 (val, one view, one thread)"
        yield "\n".join(precision_table(metrics["formats"]))
    if "evidence" in metrics:
        yield "### Saliency faithfulness: deletion, weight randomisation, localisation (test)"
        yield "\n".join(faithfulness_list(metrics["evidence"]))


def _parts_by_type(split: Figures) -> Figures:
    """Return name -> figures: those of each image type, whose limits and mixtures differ, or those of all images."""
    types = {f"{image_type} images": part for image_type, part in split.get("types", {}).items()}
    return types or {"all images": {**split["all"], "predictive_values": split["predictive_values"]}}


def _predictive_values(split: Figures) -> Iterator[tuple[str, Figures]]:
    """Yield name and predictive values of each part of `_parts_by_type`, and of the same images with eight views."""
    for name, part in _parts_by_type(split).items():
        yield name, part["predictive_values"]
        if eight_views := part.get("eight_views"):
            yield f"{name}, eight views", all_predictive_values(eight_views)


def _out_of_distribution_table(folders: Figures) -> Iterator[str]:
    has_eight = all("eight_views" in entry for entry in folders.values())
    eight = " refused with eight views |" if has_eight else ""
    yield f"| folder | images | refused |{eight} AUROC of the OOD score (`distance`) against val |"
    yield "|---|---|---|---|" + ("---|" if has_eight else "")
    for name, entry in folders.items():
        also = f" {entry['eight_views']['refused']:.1%} |" if has_eight else ""
        yield f"| {name} | {entry['n']} | {entry['refused']:.1%} |{also} {entry['distance_auroc']:.3f} |"


def _further_figures(part: Figures) -> Iterable[str]:
    """Yield the lines of a list: the figures of a part of the test images that the tables do not contain."""
    pair, coverage = part["melanoma_nevus"], part["coverage"]
    # A data set without one of the two says nothing about them.
    if 0 < pair["melanoma"] < pair["n"]:
        yield f"- Melanoma against nevus (n = {pair['n']}): {_pair_figures(pair)} (2019 app, on an easier split: 0.820)."
    if 0 < pair["melanoma"] < pair["n"] and (restricted := pair.get("as_one_of_both")):
        yield f"- The same, classification restricted to melanoma and nevus: {_pair_figures(restricted)}."
    # Releases before 2.1.2 have no such figure.
    if (melanomas := part.get("melanoma_sensitivity", {})).get("value") is not None:
        eight = part.get("eight_views", {}).get("melanoma_sensitivity")
        also = f"; with eight views {format_interval(eight)}" if eight else ""
        yield f"- Melanomas above the threshold: {format_interval(melanomas)}{also}."
    yield f"- Balanced accuracy over the diagnoses: {format_interval(part['balanced_accuracy'])}."
    yield (
        f"- Expected calibration error: {format_interval(part['calibration_error'])}; perfectly calibrated probabilities "
        f"would show {format_interval(part['calibration_error_if_right'])} by chance."
        + (" The probabilities are off by more than chance." if _exceeds_chance(part) else "")
    )
    # Releases before 2.0.0 have no slope.
    if slope := part.get("calibration_slope"):
        yield f"- Calibration slope: {format_interval(slope)}; 1 is ideal, below 1 the probabilities are too extreme."
    yield (
        f"- Coverage of the prediction sets: {format_interval(coverage['malignant'])} of the malignant and "
        f"{format_interval(coverage['benign'])} of the benign images; {format_interval(part['uncertain'])} of the sets "
        "contain both."
    )
    yield f"- Refused: {format_interval(part['refused'])}, {part['malignant_among_refused']} malignant images among them."


def _exceeds_chance(part: Figures) -> bool:
    """Return whether the calibration error is above what right probabilities would show on as many images."""
    return bool(part["calibration_error"]["value"] > part["calibration_error_if_right"]["high"])


def _pair_figures(pair: Figures) -> str:
    sensitivity = format_interval(pair["sensitivity_at_specificity_0926"])
    return f"AUC {format_interval(pair['auc'])}, sensitivity {sensitivity} at specificity 0.926"


def _eight_views(gain: Figures, *, has_own_points: bool) -> str:
    of_one = "Calibration and threshold are those of one view."
    limits = "Each has its own calibration and threshold." if has_own_points else of_one
    better = gain["auc"]["low"] is not None and gain["auc"]["low"] > 0
    verdict = "Eight views have a higher AUC than one" if better else "Eight views are not significantly better than one"
    auc, specificity, error = (
        format_change(gain[key]) for key in ("auc", "specificity_at_95_sensitivity", "calibration_error")
    )
    return (
        f"{verdict}: on the same images of `test` the AUC differs by {auc}, the specificity at 95 % sensitivity by "
        f"{specificity}, the calibration error by {error}. {limits}"
    )
