"""Figures for the model card alone: refusals and detected type by source, decisions by diagnosis and type, label counts."""

from collections.abc import Sequence

import numpy as np
from lesion.inference.card import IMAGE_TYPES, Card

from export.arrays import Figures
from export.data.labels import LabelledImage
from export.data.splits import SPLITS
from export.evaluation.image_set import rate_interval
from export.evaluation.predictions import Predictions, with_model_labels
from export.evaluation.schema import DiagnosisMetrics
from export.evaluation.split_report import diagnosis_metrics


def source_figures(one_view: Predictions, eight_views: Predictions | None, card: Card) -> Figures:
    """Return the refusals with one and with eight views, and how often the type is detected, of each source.

    Args:
        one_view: predictions for N images.
        eight_views: predictions for the same images with eight views; None omits their refusals.
        card: of the model file.

    Returns:
        Source -> "n", "refused", "refused_eight_views" and, where the model detects types, "type_detected". Every source has
        an entry, however few images it has.
    """
    figures: Figures = {}
    for name in sorted(set(one_view.source)):
        own = one_view.source == name
        single = one_view.select(own)
        everything = np.ones(len(single.rows), bool)
        entry: Figures = {"n": len(single.rows), "refused": rate_interval(single.refused(card), everything, single.groups)}
        if eight_views is not None:
            mean = eight_views.select(own).refused(card)
            entry["refused_eight_views"] = rate_interval(mean, everything, single.groups)
        if all(output.clinical_probability is not None for output in single.outputs):
            right = np.array(
                [output.image_type == row.image_type for output, row in zip(single.outputs, single.rows, strict=True)]
            )
            entry["type_detected"] = rate_interval(right, everything, single.groups)
        figures[str(name)] = entry
    return figures


def diagnoses_by_type(predictions: Predictions, card: Card) -> dict[str, dict[str, DiagnosisMetrics]]:
    """Return the metrics of `diagnosis_metrics` for the images of each recorded type; empty where there is only one."""
    types = [name for name in IMAGE_TYPES if (predictions.image_type == name).any()]
    if len(types) == 1:
        return {}
    return {name: diagnosis_metrics(predictions.select(predictions.image_type == name), card) for name in types}


def label_counts(rows: Sequence[LabelledImage], card: Card) -> Figures:
    """Return class code -> split -> image type -> number of images, for the classes of a model.

    Args:
        rows: of all splits.
        card: of the model file.
    """
    known = with_model_labels(rows, card)
    types = [name for name in IMAGE_TYPES if any(row.image_type == name for row in known)]
    return {
        entry.code: {
            split: {
                name: sum((row.diagnosis, row.split, row.image_type) == (entry.code, split, name) for row in known)
                for name in types
            }
            for split in SPLITS
        }
        for entry in card.classes
    }
