"""The figures of one split: discrimination, calibration, coverage and refusal, per data set and per diagnosis."""

import numpy as np
import numpy.typing as npt
from lesion.inference.card import Card
from lesion.inference.decision import Decision, decide

from export.arrays import Array, Figures, Mask
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval, expected_under_calibration
from export.evaluation.predictions import Predictions
from export.evaluation.thresholds import TARGET_SENSITIVITY

ORIGINAL_SPECIFICITY = 0.926
"""Of the 2019 app, on melanoma against nevus: where its sensitivity of 0.820 is compared."""

PREVALENCES = (0.01, 0.02, 0.05)


def set_figures(answers: Predictions, card: Card) -> Figures:
    """All figures of one set of images; intervals as {"value", "low", "high"}."""
    score, malignant, groups = answers.scalar("probability"), answers.malignant, answers.groups
    above = score >= card.threshold
    decisions = [decide(output, card) for output in answers.outputs]
    refused = np.array([not isinstance(decision, Decision) for decision in decisions])
    sets = [decide(output, _without_refusal(card)) for output in answers.outputs]
    members = [frozenset(decision.prediction_set) if isinstance(decision, Decision) else frozenset() for decision in sets]
    covered = np.array(
        [("malignant" if truth else "benign") in labels for truth, labels in zip(malignant, members, strict=True)]
    )
    both = np.array([len(labels) == 2 for labels in members])
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
        "auc": bootstrap_interval(lambda weights: metrics.auc(score, malignant, weights), groups).json(),
        "sensitivity": rate(above, malignant),
        "specificity": rate(~above, ~malignant),
        "specificity_at_95_sensitivity": bootstrap_interval(
            lambda weights: metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, malignant, weights), groups
        ).json(),
        "calibration_error": bootstrap_interval(
            lambda weights: metrics.calibration_error(score, malignant, weights), groups
        ).json(),
        "calibration_error_if_right": expected_under_calibration(
            lambda labels: metrics.calibration_error(score, labels, np.ones(len(score))), score
        ).json(),
        "melanoma_nevus": melanoma_nevus(answers, codes.tolist()),
        "balanced_accuracy": bootstrap_interval(
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


def melanoma_nevus(answers: Predictions, codes: list[str]) -> Figures:
    """Return the figures of the 2019 app's task: melanoma against nevus, on images with one of these diagnoses.

    Two scores are evaluated: the probability of malignancy, and the classification restricted to melanoma and nevus:
    melanoma's share of both probabilities. `codes` are the model's diagnoses.
    """
    chosen = answers.select(np.isin(answers.diagnosis, ("melanoma", "nevus")))
    melanoma = chosen.diagnosis == "melanoma"

    def measured(score: Array) -> Figures:
        def sensitivity(weights: Array) -> float:
            return metrics.sensitivity_at_specificity(ORIGINAL_SPECIFICITY, score, melanoma, weights)

        return {
            "auc": bootstrap_interval(lambda weights: metrics.auc(score, melanoma, weights), chosen.groups).json(),
            "sensitivity_at_specificity_0926": bootstrap_interval(sensitivity, chosen.groups).json(),
        }

    figures = {"n": len(melanoma), "melanoma": int(melanoma.sum()), **measured(chosen.scalar("probability"))}
    if len(melanoma) and {"melanoma", "nevus"} <= set(codes):
        pair = chosen.classes[:, [codes.index("melanoma"), codes.index("nevus")]]
        # The smallest float32 in place of zero: both shares can vanish.
        figures["as_one_of_both"] = measured(pair[:, 0] / np.maximum(pair.sum(1), np.finfo(np.float32).tiny))
    return figures


def per_diagnosis(answers: Predictions, card: Card) -> Figures:
    """Return the share of images above the threshold for every recorded diagnosis."""
    above = answers.scalar("probability") >= card.threshold
    shares = {}
    # In the model's order, then the diagnoses that are not among its classes.
    for code in dict.fromkeys((*(entry.code for entry in card.classes), *sorted(set(answers.diagnosis) - {""}))):
        own = answers.diagnosis == code
        if own.any():
            share = _rate(above, own, answers.groups)
            shares[str(code)] = {"n": int(own.sum()), "malignant": bool(answers.malignant[own][0]), "above_threshold": share}
    return shares


def _rate(flag: Mask, among: Mask, groups: npt.NDArray[np.str_]) -> Figures:
    return bootstrap_interval(lambda weights: metrics.rate(flag, among, weights), groups).json()


def split_report(one: Predictions, eight: Predictions | None, card: Card) -> Figures:
    """Figures of one split: all images, each data set with at least 100, each diagnosis, curves, eight views."""
    figures: Figures = {"all": set_figures(one, card)}
    names = np.array([row.dataset for row in one.rows])
    figures["datasets"] = {
        name: set_figures(one.select(names == name), card) for name in sorted(set(names)) if (names == name).sum() >= 100
    }
    figures["diagnoses"] = per_diagnosis(one, card)
    sensitivity, specificity = (figures["all"][name]["value"] for name in ("sensitivity", "specificity"))
    figures["predictive_values"] = {
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
    score = one.scalar("probability")
    figures["curves"] = {
        "roc": metrics.roc_points(score, one.malignant),
        "reliability": metrics.reliability_points(score, one.malignant),
    }
    if eight is not None:
        figures["eight_views"] = set_figures(eight, card)
        figures["eight_views_gain"] = eight_views_gain(one, eight)
    return figures


def eight_views_gain(one: Predictions, eight: Predictions) -> Figures:
    """What eight views have more than one, on the same images drawn."""
    scores, malignant = [answers.scalar("probability") for answers in (one, eight)], one.malignant

    def auc(weights: Array) -> float:
        single, several = (metrics.auc(score, malignant, weights) for score in scores)
        return several - single

    def specificity(weights: Array) -> float:
        single, several = (
            metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, malignant, weights) for score in scores
        )
        return several - single

    def calibration_error(weights: Array) -> float:
        single, several = (metrics.calibration_error(score, malignant, weights) for score in scores)
        return several - single

    measured = {"auc": auc, "specificity_at_95_sensitivity": specificity, "calibration_error": calibration_error}
    return {name: bootstrap_interval(figure, one.groups).json() for name, figure in measured.items()}
