"""Metrics of any labelled images: all, and briefly by diagnosis, source, image type and split; nothing is left out."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from lesion.inference.card import Card
from lesion.inference.decision import Refusal, decide

from export.arrays import Array, Mask
from export.data.splits import SPLITS
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.image_set import image_set_metrics, rate_interval
from export.evaluation.predictions import Predictions
from export.evaluation.schema import DiagnosisMetrics, ImageSetMetrics, IntervalJson
from export.evaluation.split_report import diagnosis_metrics


class PartMetrics(TypedDict):
    """Metrics of a part of the images, which may be small."""

    n: int
    malignant: int
    auc: IntervalJson
    sensitivity: IntervalJson
    specificity: IntervalJson
    refused: IntervalJson


class OwnReport(TypedDict):
    """Metrics of labelled images; `all` has an unrounded AUC, which a computation from the predictions confirms."""

    all: ImageSetMetrics
    diagnoses: dict[str, DiagnosisMetrics]
    sources: dict[str, PartMetrics]
    image_types: dict[str, PartMetrics]
    splits: dict[str, PartMetrics]
    refusals: dict[str, int]


def own_report(predictions: Predictions, card: Card) -> OwnReport:
    """Return the metrics of labelled images.

    Args:
        predictions: of at least one image.
        card: of the model file.
    """
    above = predictions.above_threshold(card)
    decisions = [decide(output, own) for output, own in zip(predictions.outputs, predictions.cards_of(card), strict=True)]
    codes = np.array([one.code if isinstance(one, Refusal) else "" for one in decisions])
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
        "refusals": {str(code): int((codes == code).sum()) for code in sorted(set(codes) - {""})},
    }


def part_metrics(predictions: Predictions, above: Mask, refused: Mask, own: Mask) -> PartMetrics:
    """Return the metrics of a part of N images.

    Args:
        predictions: of all N images.
        above: whether each reaches its threshold, (N,).
        refused: (N,).
        own: which images belong to the part, (N,).
    """
    score, malignant, groups = predictions.scalar("probability")[own], predictions.malignant[own], predictions.groups[own]

    def auc(weights: Array) -> float:
        return metrics.auc(score, malignant, weights)

    return {
        "n": int(own.sum()),
        "malignant": int(malignant.sum()),
        "auc": bootstrap_interval(auc, groups).json(),
        "sensitivity": rate_interval(above[own], malignant, groups),
        "specificity": rate_interval(~above[own], ~malignant, groups),
        "refused": rate_interval(refused[own], np.ones(len(score), bool), groups),
    }
