"""Metrics of one split: of all images, by source, by image type, by diagnosis, and with eight views."""

from collections.abc import Callable
from typing import cast

import numpy as np
from lesion.inference.card import IMAGE_TYPES, Card

from export.arrays import Array, Mask
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.image_set import image_set_metrics, rate_interval
from export.evaluation.image_type import detection_figures
from export.evaluation.parts import subgroup_metrics
from export.evaluation.predictions import Predictions
from export.evaluation.schema import (
    DiagnosisMetrics,
    ImageSetMetrics,
    IntervalJson,
    PredictiveValues,
    SplitMetrics,
    TypeMetrics,
    ViewsGain,
)
from export.evaluation.thresholds import TARGET_SENSITIVITY

PREVALENCES = (0.01, 0.02, 0.05)
"""Shares of malignant images for which predictive values are reported."""

MIN_IMAGES = 50
"""Images that a source needs for metrics of its own."""


def diagnosis_metrics(predictions: Predictions, card: Card) -> dict[str, DiagnosisMetrics]:
    """Return the share of images above the threshold for every recorded diagnosis.

    Args:
        predictions: of N images.
        card: of the model file.

    Returns:
        Diagnosis code -> metrics; in the order of the model's classes, then the diagnoses that are not among them.
    """
    above = predictions.above_threshold(card)
    result: dict[str, DiagnosisMetrics] = {}
    codes = (*(entry.code for entry in card.classes), *sorted(set(predictions.diagnosis) - {""}))
    for code in dict.fromkeys(codes):
        own = predictions.diagnosis == code
        if own.any():
            result[str(code)] = {
                "n": int(own.sum()),
                "malignant": bool(predictions.malignant[own][0]),
                "above_threshold": rate_interval(above, own, predictions.groups),
            }
    return result


def split_report(one_view: Predictions, eight_views: Predictions | None, card: Card) -> SplitMetrics:
    """Return the metrics of one split.

    Args:
        one_view: predictions for its images.
        eight_views: predictions for the same images with eight views; None omits their metrics.
        card: of the model file.
    """
    overall = image_set_metrics(one_view, card)
    sources = one_view.source
    large = [str(name) for name in sorted(set(sources)) if (sources == name).sum() >= MIN_IMAGES]
    score = one_view.scalar("probability")
    report: SplitMetrics = {
        "all": overall,
        "datasets": {name: image_set_metrics(one_view.select(sources == name), card) for name in large},
        "diagnoses": diagnosis_metrics(one_view, card),
        "predictive_values": all_predictive_values(overall),
        "curves": {
            "roc": metrics.roc_points(score, one_view.malignant),
            "reliability": metrics.reliability_points(score, one_view.malignant),
        },
    }
    types = sorted(set(one_view.image_type), key=IMAGE_TYPES.index)
    if len(types) > 1:
        report["types"] = {str(name): _type_metrics(one_view, eight_views, card, name) for name in types}
    if (detection := detection_figures(one_view)) is not None:
        report["image_type_detection"] = detection
    # Files of format 1 were released without these figures.
    if card.format != "1" and (subgroups := subgroup_metrics(one_view, card)):
        report["subgroups"] = subgroups
    if eight_views is not None:
        report["eight_views"] = image_set_metrics(eight_views, card)
        report["eight_views_gain"] = eight_views_gain(one_view, eight_views)
    return report


def _type_metrics(one_view: Predictions, eight_views: Predictions | None, card: Card, image_type: str) -> TypeMetrics:
    """Return the metrics of the images that are recorded as one type."""
    own = one_view.image_type == image_type
    single = one_view.select(own)
    # A TypedDict with further keys.
    figures = cast(TypeMetrics, image_set_metrics(single, card))
    figures["predictive_values"] = all_predictive_values(figures)
    if eight_views is not None:
        mean = eight_views.select(own)
        figures["eight_views"] = image_set_metrics(mean, card)
        figures["eight_views_gain"] = eight_views_gain(single, mean)
    return figures


def all_predictive_values(figures: ImageSetMetrics) -> dict[str, PredictiveValues]:
    """Return prevalence, of `PREVALENCES` -> predictive values at the sensitivity and specificity of a set of images."""
    return {str(prevalence): _predictive_values(figures, prevalence) for prevalence in PREVALENCES}


def _predictive_values(overall: ImageSetMetrics, prevalence: float) -> PredictiveValues:
    sensitivity, specificity = (overall["sensitivity"]["value"], overall["specificity"]["value"])
    if sensitivity is None or specificity is None:
        return {"positive": None, "negative": None}
    values = metrics.predictive_values(sensitivity, specificity, prevalence)
    positive, negative = (None if np.isnan(value) else round(value, 4) for value in values)
    return {"positive": positive, "negative": negative}


def eight_views_gain(one_view: Predictions, eight_views: Predictions) -> ViewsGain:
    """Return the differences of metrics between eight views and one, each with its interval over paired resamples.

    Args:
        one_view: predictions.
        eight_views: predictions for the same images.
    """
    single, mean = one_view.scalar("probability"), eight_views.scalar("probability")
    malignant, groups = one_view.malignant, one_view.groups

    def gain(metric: Callable[[Array, Mask, Array], float]) -> IntervalJson:
        def difference(weights: Array) -> float:
            return metric(mean, malignant, weights) - metric(single, malignant, weights)

        return bootstrap_interval(difference, groups).json()

    def specificity(score: Array, positive: Mask, weights: Array) -> float:
        return metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, positive, weights)

    return {
        "auc": gain(metrics.auc),
        "specificity_at_95_sensitivity": gain(specificity),
        "calibration_error": gain(metrics.calibration_error),
    }
