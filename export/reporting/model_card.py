"""The model card: models/README.md, written from the model file's metadata and its figures.

Its four parts are those of CLEAR Derm (Daneshjou et al. 2022): data, technique, technical assessment, application.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lesion.inference.model import Model

Figures = dict[str, Any]

TITLE = "# Model card"
"""How a card begins."""

_HEADINGS = ("images", "n", "malignant", "AUC", "sensitivity", "specificity", "specificity at 95 % sensitivity")


def write_card(path: Path, model: Model, metrics: Figures) -> None:
    """Write the card of `model` with the figures of its `metrics.json`."""
    path.write_text(render_card(model, metrics))


def render_card(model: Model, metrics: Figures) -> str:
    """The card as Markdown."""
    return "\n\n".join(_sections(model, metrics)) + "\n"


def _sections(model: Model, metrics: Figures) -> Iterable[str]:
    card, about = model.card, model.card.about
    training, test = about["training"], metrics["test"]["all"]
    yield f"{TITLE}: skin-lesion classifier {card.version}"
    yield (
        f"`lesion.onnx`, sha256 `{model.sha256}`. {card.architecture}, {card.input_size} x {card.input_size} pixels, "
        f"{len(card.classes)} diagnoses. `make export` writes this page; nothing in it is typed by hand."
    )
    yield f"**Licence of the weights: {about['licence']}.** The code around them is MIT."
    yield "## Application"
    yield about["intended_use"]
    yield "\n".join(f"- {limit}" for limit in about["limits_of_use"])
    yield "## Data"
    yield (
        _origin(training) + " Malignant: " + ", ".join(entry.name.lower() for entry in card.classes if entry.malignant) + "."
    )
    yield "## Technique"
    curve = about["calibration"]
    losses = ", ".join(f"{method} {loss:.4f}" for method, loss in curve["cross_validated_log_loss"].items())
    yield (
        f"{_recipe(training)}Calibration: {curve['method']}, by log loss on lesions left out of the fit ({losses}). "
        f"Threshold: {card.threshold:.3f}, the median over draws of lesion groups at which 95 % of the "
        f"malignant images of `val` lie above. Prediction sets: class-conditional split conformal at {card.coverage:.0%}."
    )
    parity = metrics["parity"]
    yield (
        f"Parity with PyTorch on {parity['images']} images: largest logit difference {parity['max_logit_difference']:.1e}, "
        f"{parity['changed_decisions']} decisions changed, "
        f"|mean(evidence) + bias - logit| at most {parity['max_evidence_gap']:.1e}."
    )
    yield "Refused, in this order:"
    yield "\n".join(
        f"- `{rule.code}`: {rule.measure} "
        + (f"below {rule.below:g}" if rule.below is not None else f"above {rule.above:g}")
        for rule in card.refusal
    )
    yield "## Technical assessment"
    yield "Brackets: 95 % intervals from 1,000 draws of lesion groups. One view unless said."
    for split in ("test", "val"):
        yield f"### {split}"
        yield "\n".join(_table(metrics[split]))
    yield f"Test, over all images: {_other_figures(test)}"
    if "eight_views_gain" in metrics["test"]:
        yield _eight_views(metrics["test"]["eight_views_gain"])
    yield "![ROC](roc.png) ![Reliability](reliability.png)"
    yield "### Per diagnosis (test)"
    yield "\n".join(
        [
            "| recorded diagnosis | n | counts as | above the threshold |",
            "|---|---|---|---|",
            *(
                f"| {code.replace('_', ' ')} | {entry['n']} | {'malignant' if entry['malignant'] else 'benign'} | "
                f"{format_interval(entry['above_threshold'])} |"
                for code, entry in metrics["test"]["diagnoses"].items()
            ),
        ]
    )
    yield "![Confusion](confusion.png)"
    yield "### Predictive values at the threshold (test)"
    yield "\n".join(
        [
            "| prevalence | of 100 above the threshold, malignant | of 100 below the threshold, benign |",
            "|---|---|---|",
            *(
                f"| {float(prevalence):.0%} | {_of_hundred(entry['positive'], 1)} | {_of_hundred(entry['negative'], 2)} |"
                for prevalence, entry in metrics["test"]["predictive_values"].items()
            ),
        ]
    )
    if "strangers" in metrics:
        yield "### Pictures that are no dermoscopic image of a lesion"
        yield "\n".join(
            [
                "| folder | pictures | refused | AUROC of `distance` against val |",
                "|---|---|---|---|",
                *(
                    f"| {name} | {entry['n']} | {entry['refused']:.1%} | {entry['distance_auroc']:.3f} |"
                    for name, entry in metrics["strangers"].items()
                ),
            ]
        )
    if metrics.get("unseen_cameras"):
        yield "Dermoscopy of a data set that had no part in fitting the distance, refused as `not_a_lesion`: " + "; ".join(
            f"{name} {_percent(parts['all']['refused'])} of {parts['all']['n']}, "
            f"{_percent(parts['unseen']['refused'])} of the {parts['unseen']['n']} that the network did not learn from"
            for name, parts in metrics["unseen_cameras"].items()
        )
    if "stress" in metrics:
        yield "### The same photograph, stored or sent otherwise (test, one view)"
        yield "![Stress](stress.png)"
        yield "\n".join(_stress(metrics["stress"]))
    if "formats" in metrics:
        yield "### The same network with other numbers (val, one view, one thread)"
        yield "\n".join(_formats(metrics["formats"]))
    if "evidence" in metrics:
        yield "### Is the evidence map what the answer rests on? (test)"
        yield "\n".join(_evidence(metrics["evidence"]))


def _formats(found: Figures) -> Iterable[str]:
    yield "| numbers | MB | one run, ms | AUC (val) | change | decisions that flip | malignant that fall below | gate |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, part in found.items():
        change = part["auc_change"]
        yield (
            f"| {name} | {part['bytes'] / 1e6:.1f} | {part['milliseconds']:.1f} | {part['auc']:.4f} | "
            f"{change['value']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f}) | {part['flips']} | "
            f"{part['malignant_lost']} | {'passes' if part['passes'] else 'fails'} |"
        )


def _stress(found: Figures) -> Iterable[str]:
    yield "| the same photograph | images | AUC | change | decisions that flip | refused as well |"
    yield "|---|---|---|---|---|---|"
    for kind, strengths in found.items():
        for strength, part in strengths.items():
            change, flips = part["auc_change"], _percent(part["flips"])
            yield (
                f"| {kind} {strength} | {part['n']} | {part['auc']['value']:.3f} | {change['value']:+.4f} "
                f"({change['low']:+.4f} to {change['high']:+.4f}) | {flips} | {part['newly_refused']:.1%} |"
            )


def _evidence(found: Figures) -> Iterable[str]:
    for share, part in found["deletion"].items():
        yield (
            f"- {share} of the cells blurred away: the logit moves {format_interval(part['by_evidence'])} towards the other side "
            f"where the map puts most evidence, {format_interval(part['random'])} where cells are drawn at random; further than at "
            f"random in {_percent(part['further_than_random'])} of images."
        )
    yield (
        f"- Rank correlation of the map with that of shuffled weights {format_interval(found['correlation_with_shuffled_weights'])}, "
        f"with that of the mirrored photograph {format_interval(found['correlation_with_mirrored_view'])}."
    )
    lesion = found["lesion"]
    yield (
        f"- {_percent(lesion['evidence_inside'])} of the absolute evidence lies inside the lesion, which takes "
        f"{_percent(lesion['area'])} of the picture: {format_interval(lesion['ratio'])} times what chance would give (mean over the "
        f"{lesion['n']} of {found['n']} images where a threshold finds a plausible lesion)."
    )


def _of_hundred(share: float | None, digits: int) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def _percent(entry: Figures) -> str:
    if entry["value"] is None:
        return "-"
    return f"{entry['value']:.1%} ({entry['low']:.1%}-{entry['high']:.1%})"


def _origin(training: Figures) -> str:
    chosen = (
        "Train, val and test share no lesion. `val` chose calibration, threshold, prediction sets and refusal limits; "
        "`test` only reports."
    )
    datasets = training["datasets"] if "images" in training else training["distance_fitted_on"]
    sources = ", ".join(f"{name} {count}" for name, count in datasets.items())
    if "images" not in training:
        return (
            f"The network comes from `{training['checkpoint']}` ({training['kind']}, sha256 "
            f"`{training['checkpoint_sha256']}`); what it was trained on, its author knows; where "
            "that overlaps with the images below, the figures flatter. The distance was fitted on dermoscopic images "
            f"({sources}). {chosen}"
        )
    return (
        f"Trained on {training['images']} dermoscopic images ({sources}); sha256 of ids and labels "
        f"`{training['data_sha256']}`. {chosen}"
    )


def _recipe(training: Figures) -> str:
    recipes = training.get("recipes") or [training["recipe"]] if {"recipe", "recipes"} & training.keys() else []
    told = [_one_recipe(recipe) for recipe in recipes]
    if not told:
        return ""
    several = f"the mean of the logits of {len(told)} networks. " if len(told) > 1 else ""
    lessons = " ".join(f"({number}) {text}." for number, text in enumerate(told, 1)) if several else f"{told[0]}."
    return f"Training: {several}{lessons} What else was tried: [experiments.md](experiments.md). "


def _one_recipe(recipe: Figures) -> str:
    phases = "; ".join(
        f"{phase['epochs']} epochs at {phase['size']} px (batch {phase['batch']})" for phase in recipe["phases"]
    )
    balance = "balanced over data sets" if recipe.get("balance_datasets") == "True" else "balanced over classes"
    # Checkpoints of before have a rate for each phase instead.
    rate = f", highest rate {recipe['rate']}" if "rate" in recipe else ""
    start = f"start from the checkpoint with sha256 `{recipe['start'][:12]}`" if recipe.get("start") else "ImageNet start"
    parts = [f"{recipe['arch']}: {phases}{rate}", balance, f"seed {recipe['seed']}", start, "moving average of the weights"]
    if recipe.get("mixup", "0.0") != "0.0":
        parts.append(f"mixup {recipe['mixup']}")
    if "degraded" in recipe:
        squashed = f", {float(recipe['squashed']):.0%} squashed" if "squashed" in recipe else ""
        drawn_on = f"{float(recipe['drawn_on']):.0%} drawn on"
        parts.append(f"{float(recipe['degraded']):.0%} of pictures degraded, {drawn_on}{squashed}")
    if recipe.get("colour_constancy", "None") != "None":
        parts.append(f"channels scaled to one Minkowski norm of order {recipe['colour_constancy']}")
    if teachers := recipe.get("teachers"):
        part = f" ({float(recipe['teachers_share']):.0%} of the loss)" if "teachers_share" in recipe else ""
        parts.append(f"taught{part} by the checkpoints with sha256 " + ", ".join(f"`{digest[:12]}`" for digest in teachers))
    if blended := recipe.get("blended"):
        if others := recipe.get("blended_with", []):
            parts.append("; ".join(f"({number}) {_one_recipe(other)}" for number, other in enumerate(others, 2)))
        to = f"the mean of these {len(others) + 1} networks" if others else "the network so trained"
        parts.append(f"and of the way from that start to {to}, {blended:.0%} (`python -m export blend`)")
    if light := recipe.get("light"):
        parts.append(
            f"pictures whose light is more than {light['radius']:g} standard deviations from that of the training images "
            "brought to there (`python -m export whitebalance`)"
        )
    return ", ".join(parts)


def _table(found: Figures) -> Iterable[str]:
    yield "| " + " | ".join(_HEADINGS) + " |"
    yield "|" + "---|" * len(_HEADINGS)
    for name, part in {"all": found["all"], "all, eight views": found["eight_views"], **found["datasets"]}.items():
        keys = ("auc", "sensitivity", "specificity", "specificity_at_95_sensitivity")
        yield (
            f"| {name} | {part['n']} | {part['malignant']} | "
            + " | ".join(format_interval(part[key]) for key in keys)
            + " |"
        )


def _other_figures(part: Figures) -> str:
    pair = part["melanoma_nevus"]
    return (
        f"melanoma against nevus (n = {pair['n']}) AUC {format_interval(pair['auc'])}, sensitivity at specificity 0.926 "
        f"{format_interval(pair['sensitivity_at_specificity_0926'])} (the 2019 app, on an easier split: 0.820)"
        f"{_as_one_of_both(pair)}; "
        f"balanced accuracy over the diagnoses {format_interval(part['balanced_accuracy'])}; "
        f"expected calibration error {format_interval(part['calibration_error'])}, where probabilities that are right would have "
        f"{format_interval(part['calibration_error_if_right'])} by chance; "
        f"prediction sets cover {format_interval(part['coverage']['malignant'])} of the malignant and "
        f"{format_interval(part['coverage']['benign'])} of the benign images and name both for {format_interval(part['uncertain'])}; "
        f"refused {format_interval(part['refused'])}, {part['malignant_among_refused']} malignant among them."
    )


def _eight_views(gain: Figures) -> str:
    better = gain["auc"]["low"] is not None and gain["auc"]["low"] > 0
    verdict = "Eight views tell better than one" if better else "Eight views are not shown to tell better than one"
    auc, specificity, error = (_change(gain[key]) for key in ("auc", "specificity_at_95_sensitivity", "calibration_error"))
    return (
        f"{verdict}: on the same images of `test` their AUC differs by {auc}, their specificity at 95 % sensitivity by "
        f"{specificity}, their calibration error by {error}. Calibration and threshold are those of one view."
    )


def _change(entry: Figures) -> str:
    return "-" if entry["low"] is None else f"{entry['value']:+.3f} ({entry['low']:+.3f} to {entry['high']:+.3f})"


def _as_one_of_both(pair: Figures) -> str:
    if (known := pair.get("as_one_of_both")) is None:
        return ""
    return (
        f", and told that it is one of the two AUC {format_interval(known['auc'])}, sensitivity "
        f"{format_interval(known['sensitivity_at_specificity_0926'])}"
    )


def format_interval(entry: Figures) -> str:
    """A figure with its interval."""
    if entry["value"] is None:
        return "-"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"
