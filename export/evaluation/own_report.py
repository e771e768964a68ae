"""Metrics of any labelled images: all, and briefly by diagnosis, source, image type, split and group of people."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from lesion.inference.card import Card

from export.data.splits import SPLITS
from export.evaluation import metrics
from export.evaluation.image_set import image_set_metrics
from export.evaluation.parts import part_metrics, refusal_codes, subgroup_metrics
from export.evaluation.predictions import Predictions
from export.evaluation.schema import DiagnosisMetrics, ImageSetMetrics, PartMetrics, Subgroups
from export.evaluation.split_report import diagnosis_metrics


class OwnReport(TypedDict):
    """Metrics of labelled images; `all` has an unrounded AUC, which a computation from the predictions confirms."""

    all: ImageSetMetrics
    diagnoses: dict[str, DiagnosisMetrics]
    sources: dict[str, PartMetrics]
    image_types: dict[str, PartMetrics]
    splits: dict[str, PartMetrics]
    subgroups: Subgroups
    refusals: dict[str, int]


def own_report(predictions: Predictions, card: Card) -> OwnReport:
    """Return the metrics of labelled images.

    Args:
        predictions: of at least one image.
        card: of the model file.
    """
    above = predictions.above_threshold(card)
    codes = refusal_codes(predictions, card)
    overall = image_set_metrics(predictions, card)
    exact = metrics.auc(predictions.scalar("probability"), predictions.malignant, np.ones(len(codes)))
    overall["auc"]["value"] = None if np.isnan(exact) else exact

    def parts(name_of: Callable[[int], str]) -> dict[str, PartMetrics]:
        names = np.array([name_of(place) for place in range(len(codes))])
        found = sorted(set(names), key=lambda name: (-int((names == name).sum()), name))
        return {str(name): part_metrics(predictions, above, codes != "", names == name) for name in found}

    rows = predictions.rows
    by_split = parts(lambda place: rows[place].split)
    return {
        "all": overall,
        "diagnoses": diagnosis_metrics(predictions, card),
        "sources": parts(lambda place: f"{rows[place].dataset}, {rows[place].image_type}"),
        "image_types": parts(lambda place: rows[place].image_type),
        "splits": {name: by_split[name] for name in SPLITS if name in by_split},
        "subgroups": subgroup_metrics(predictions, card),
        "refusals": {str(code): int((codes == code).sum()) for code in sorted(set(codes) - {""})},
    }
