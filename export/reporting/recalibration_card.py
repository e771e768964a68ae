"""Model card of a recalibrated model file: what was refitted, to which images, and the figures of both versions."""

from collections.abc import Iterator

from lesion.inference.model import Model

from export.arrays import Figures
from export.reporting.card_limits import limits_table, refusal_list
from export.reporting.card_training import describe_images
from export.reporting.formatting import format_interval
from export.reporting.model_card import TITLE

_ROWS = {
    "AUC": ("auc",),
    "sensitivity at the threshold": ("sensitivity",),
    "specificity at the threshold": ("specificity",),
    "expected calibration error": ("calibration_error",),
    "coverage of the prediction sets, malignant": ("coverage", "malignant"),
    "coverage of the prediction sets, benign": ("coverage", "benign"),
    "prediction sets with both sides": ("uncertain",),
    "refused": ("refused",),
}
"""Row of the table -> path in the figures of one version."""


def render_recalibration_card(model: Model, name: str) -> str:
    """Return the card as Markdown.

    Args:
        model: the recalibrated model file, with `recalibration` in its metadata.
        name: name of the file.
    """
    return "\n\n".join(_sections(model, name)) + "\n"


def _sections(model: Model, name: str) -> Iterator[str]:
    card, about = model.card, model.card.about
    recalibration = about["recalibration"]
    yield f"{TITLE}: skin-lesion classifier {card.version}"
    yield (
        f"`{name}`, sha256 `{model.sha256}`: version {recalibration['version']} (sha256 `{recalibration['sha256']}`) with "
        "calibration, operating threshold and prediction sets fitted to other images. The network is the same. "
        f"`python -m export recalibrate` wrote this page."
    )
    yield f"**Licence of the weights: {about['licence']}.**"
    yield "## Application"
    yield str(about["intended_use"])
    yield "\n".join(f"- {limit}" for limit in about["limits_of_use"])
    yield "## Data of the recalibration"
    data = recalibration["data"]
    yield (
        f"{recalibration['images']} images, {recalibration['malignant']} malignant, {recalibration['groups']} lesions or "
        f"patients; sha256 of ids and labels `{recalibration['data_sha256']}`. Sources: "
        + "; ".join(f"{source} {part['n']} ({part['malignant']} malignant)" for source, part in data["sources"].items())
        + f". Of {sum(table['rows'] for table in data['tables'])} rows, {data['images']} have a usable label and image."
    )
    yield "## Both versions on these images"
    yield (
        "The figures of the new version are cross-validated: each image is judged by parameters that were fitted without "
        "its lesion group, in five folds. The values in the file are fitted to all of these images. Brackets: 95 % "
        "intervals, bootstrapped over lesion groups."
    )
    for image_type, by_views in recalibration["points"].items():
        for views, change in by_views.items():
            yield f"### {image_type.capitalize()} images, {views} view{'s' if views != '1' else ''}"
            yield "\n".join(_comparison(change))
    if recalibration["unchanged"]:
        yield f"Not refitted, for lack of images: {', '.join(recalibration['unchanged'])} images."
    yield "## Limits"
    yield "\n".join(limits_table(card))
    yield "Refusal rules are those of the earlier version, in this order:"
    yield "\n".join(refusal_list(card))
    yield "## Training of the network"
    yield describe_images(about["training"])


def _comparison(change: Figures) -> Iterator[str]:
    yield f"| {change['before']['n']} images | before | after, cross-validated |"
    yield "|---|---|---|"
    for name, keys in _ROWS.items():
        cells = []
        for version in ("before", "after"):
            entry = change[version]
            for key in keys:
                entry = entry[key]
            cells.append(format_interval(entry))
        yield f"| {name} | {' | '.join(cells)} |"
    yield f"| log loss | {format_interval(change['log_loss_before'])} | {format_interval(change['log_loss_after'])} |"
