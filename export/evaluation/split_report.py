"""Metrics of one split: discrimination, calibration, coverage, refusal; by data set, by diagnosis, with eight views."""

from collections.abc import Callable, Sequence

import numpy as np
from lesion.inference.card import Card
from lesion.inference.decision import Decision, decide

from export.arrays import Array, Labels, Mask
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval, expected_under_calibration
from export.evaluation.predictions import Predictions
from export.evaluation.schema import (
    DiagnosisMetrics,
    ImageSetMetrics,
    IntervalJson,
    MelanomaNevus,
    PairScore,
    PredictiveValues,
    SplitMetrics,
    ViewsGain,
)
from export.evaluation.thresholds import TARGET_SENSITIVITY

ORIGINAL_SPECIFICITY = 0.926
"""Specificity of the 2019 app for melanoma against nevus, at which its sensitivity was 0.820."""

PREVALENCES = (0.01, 0.02, 0.05)
"""Shares of malignant images for which predictive values are reported."""

MIN_IMAGES = 100
"""Images that a data set needs for metrics of its own."""


def image_set_metrics(predictions: Predictions, card: Card) -> ImageSetMetrics:
    """Return the metrics of one set of images.

    Args:
        predictions: of N images.
        card: of the model file, for classes, threshold, prediction sets and refusal rules.
    """
    score, malignant, groups = predictions.scalar("probability"), predictions.malignant, predictions.groups
    above = score >= card.threshold
    everything, ones = np.ones(len(score), bool), np.ones(len(score))
    refused = np.array([not isinstance(decide(output, card), Decision) for output in predictions.outputs])
    sets = _prediction_sets(predictions, card)
    covered = np.array(
        [("malignant" if label else "benign") in members for label, members in zip(malignant, sets, strict=True)]
    )
    both = np.array([len(members) == 2 for members in sets])
    codes = np.array([entry.code for entry in card.classes])
    # A diagnosis that is not among the model's classes cannot count as an error of the classification.
    known = np.isin(predictions.diagnosis, codes)

    def interval(statistic: Callable[[Array], float]) -> IntervalJson:
        return bootstrap_interval(statistic, groups).json()

    def balanced_accuracy(weights: Array) -> float:
        predicted = codes[predictions.classes[known].argmax(1)]
        return metrics.balanced_accuracy(predicted, predictions.diagnosis[known], weights[known])

    return {
        "n": len(score),
        "malignant": int(malignant.sum()),
        "groups": len(np.unique(groups)),
        "auc": interval(lambda weights: metrics.auc(score, malignant, weights)),
        "sensitivity": _rate(above, malignant, groups),
        "specificity": _rate(~above, ~malignant, groups),
        "specificity_at_95_sensitivity": interval(
            lambda weights: metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, malignant, weights)
        ),
        "calibration_error": interval(lambda weights: metrics.calibration_error(score, malignant, weights)),
        "calibration_error_if_right": expected_under_calibration(
            lambda labels: metrics.calibration_error(score, labels, ones), score
        ).json(),
        "melanoma_nevus": melanoma_nevus(predictions, codes.tolist()),
        "balanced_accuracy": interval(balanced_accuracy),
        "coverage": {"malignant": _rate(covered, malignant, groups), "benign": _rate(covered, ~malignant, groups)},
        "uncertain": _rate(both, everything, groups),
        "refused": _rate(refused, everything, groups),
        "malignant_among_refused": int((refused & malignant).sum()),
    }


def _prediction_sets(predictions: Predictions, card: Card) -> list[frozenset[str]]:
    """Return the prediction set of every image, refused ones included."""
    without_refusal = Card(**{**vars(card), "refusal": ()})
    decisions = (decide(output, without_refusal) for output in predictions.outputs)
    return [frozenset(one.prediction_set) if isinstance(one, Decision) else frozenset() for one in decisions]


def melanoma_nevus(predictions: Predictions, codes: Sequence[str]) -> MelanomaNevus:
    """Return the metrics of the 2019 app's task: melanoma against nevus, on images with one of these diagnoses.

    Two scores are evaluated: the probability of malignancy, and the classification restricted to melanoma and nevus, which
    is melanoma's share of both probabilities.

    Args:
        predictions: of images with any diagnosis.
        codes: the model's diagnoses, in the order of its classes.
    """
    chosen = predictions.select(np.isin(predictions.diagnosis, ("melanoma", "nevus")))
    melanoma = chosen.diagnosis == "melanoma"

    def pair_score(score: Array) -> PairScore:
        def sensitivity(weights: Array) -> float:
            return metrics.sensitivity_at_specificity(ORIGINAL_SPECIFICITY, score, melanoma, weights)

        return {
            "auc": bootstrap_interval(lambda weights: metrics.auc(score, melanoma, weights), chosen.groups).json(),
            "sensitivity_at_specificity_0926": bootstrap_interval(sensitivity, chosen.groups).json(),
        }

    score = pair_score(chosen.scalar("probability"))
    result: MelanomaNevus = {
        "n": len(melanoma),
        "melanoma": int(melanoma.sum()),
        "auc": score["auc"],
        "sensitivity_at_specificity_0926": score["sensitivity_at_specificity_0926"],
    }
    if len(melanoma) and {"melanoma", "nevus"} <= set(codes):
        pair = chosen.classes[:, [codes.index("melanoma"), codes.index("nevus")]]
        # Both probabilities can be zero in float32.
        result["as_one_of_both"] = pair_score(pair[:, 0] / np.maximum(pair.sum(1), np.finfo(np.float32).tiny))
    return result


def diagnosis_metrics(predictions: Predictions, card: Card) -> dict[str, DiagnosisMetrics]:
    """Return the share of images above the threshold for every recorded diagnosis.

    Args:
        predictions: of N images.
        card: of the model file.

    Returns:
        Diagnosis code -> metrics; in the order of the model's classes, then the diagnoses that are not among them.
    """
    above = predictions.scalar("probability") >= card.threshold
    result: dict[str, DiagnosisMetrics] = {}
    codes = (*(entry.code for entry in card.classes), *sorted(set(predictions.diagnosis) - {""}))
    for code in dict.fromkeys(codes):
        own = predictions.diagnosis == code
        if own.any():
            result[str(code)] = {
                "n": int(own.sum()),
                "malignant": bool(predictions.malignant[own][0]),
                "above_threshold": _rate(above, own, predictions.groups),
            }
    return result


def _rate(flag: Mask, among: Mask, groups: Labels) -> IntervalJson:
    return bootstrap_interval(lambda weights: metrics.rate(flag, among, weights), groups).json()


def split_report(one_view: Predictions, eight_views: Predictions | None, card: Card) -> SplitMetrics:
    """Return the metrics of one split.

    Args:
        one_view: predictions for its images.
        eight_views: predictions for the same images with eight views; None omits their metrics.
        card: of the model file.
    """
    overall, names = image_set_metrics(one_view, card), one_view.dataset
    large = [str(name) for name in sorted(set(names)) if (names == name).sum() >= MIN_IMAGES]
    score = one_view.scalar("probability")
    report: SplitMetrics = {
        "all": overall,
        "datasets": {name: image_set_metrics(one_view.select(names == name), card) for name in large},
        "diagnoses": diagnosis_metrics(one_view, card),
        "predictive_values": {str(prevalence): _predictive_values(overall, prevalence) for prevalence in PREVALENCES},
        "curves": {
            "roc": metrics.roc_points(score, one_view.malignant),
            "reliability": metrics.reliability_points(score, one_view.malignant),
        },
    }
    if eight_views is not None:
        report["eight_views"] = image_set_metrics(eight_views, card)
        report["eight_views_gain"] = eight_views_gain(one_view, eight_views)
    return report


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
