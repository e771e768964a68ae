"""Metrics of one set of images: discrimination, calibration, coverage, refusal."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from lesion.inference.card import Card
from lesion.inference.decision import Decision, decide

from export.arrays import Array, Labels, Mask
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval, expected_under_calibration
from export.evaluation.predictions import Predictions
from export.evaluation.schema import ImageSetMetrics, IntervalJson, MelanomaNevus, PairScore
from export.evaluation.thresholds import TARGET_SENSITIVITY

ORIGINAL_SPECIFICITY = 0.926
"""Specificity of the 2019 app for melanoma against nevus, at which its sensitivity was 0.820."""


def image_set_metrics(predictions: Predictions, card: Card) -> ImageSetMetrics:
    """Return the metrics of one set of images.

    Args:
        predictions: of N images.
        card: of the model file, for classes, thresholds, prediction sets and refusal rules.
    """
    score, malignant, groups = predictions.scalar("probability"), predictions.malignant, predictions.groups
    above = predictions.above_threshold(card)
    everything, ones = np.ones(len(score), bool), np.ones(len(score))
    refused = predictions.refused(card)
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
        "sensitivity": rate_interval(above, malignant, groups),
        "specificity": rate_interval(~above, ~malignant, groups),
        "melanoma_sensitivity": rate_interval(above, predictions.diagnosis == "melanoma", groups),
        "specificity_at_95_sensitivity": interval(
            lambda weights: metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, malignant, weights)
        ),
        "calibration_error": interval(lambda weights: metrics.calibration_error(score, malignant, weights)),
        "calibration_error_if_right": expected_under_calibration(
            lambda labels: metrics.calibration_error(score, labels, ones), score
        ).json(),
        "calibration_slope": interval(lambda weights: metrics.calibration_slope(score, malignant, weights)),
        "melanoma_nevus": melanoma_nevus(predictions, codes.tolist()),
        "balanced_accuracy": interval(balanced_accuracy),
        "coverage": {
            "malignant": rate_interval(covered, malignant, groups),
            "benign": rate_interval(covered, ~malignant, groups),
        },
        "uncertain": rate_interval(both, everything, groups),
        "refused": rate_interval(refused, everything, groups),
        "malignant_among_refused": int((refused & malignant).sum()),
    }


def _prediction_sets(predictions: Predictions, card: Card) -> list[frozenset[str]]:
    """Return the prediction set of every image, refused ones included."""
    # Cards are compared by identity: those of a fold are one object.
    without_refusal = {id(one): _without_refusal(one) for one in predictions.cards_of(card)}
    decisions = (
        decide(output, without_refusal[id(own)])
        for output, own in zip(predictions.outputs, predictions.cards_of(card), strict=True)
    )
    return [frozenset(one.prediction_set) if isinstance(one, Decision) else frozenset() for one in decisions]


def _without_refusal(card: Card) -> Card:
    points = {
        image_type: {views: replace(point, refusal=()) for views, point in by_views.items()}
        for image_type, by_views in card.operating_points.items()
    }
    return replace(card, operating_points=points)


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


def rate_interval(flag: Mask, among: Mask, groups: Labels) -> IntervalJson:
    """Return the share of images with a flag among some images, with its interval.

    Args:
        flag: (N,).
        among: images that count, (N,).
        groups: lesion group of every image (N,).
    """
    return bootstrap_interval(lambda weights: metrics.rate(flag, among, weights), groups).json()
