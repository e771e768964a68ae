"""Compare the answers for single images with the combined answers for lesions that have several images.

Combination, decision and refusal are those of the service: `lesion.inference.combine` and `lesion.inference.decision`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from lesion.inference.card import Card
from lesion.inference.combine import CombinedResult, ImageResult, combine
from lesion.inference.decision import Decision, decide
from lesion.inference.model import Outputs
from lesion.web.upload import MAX_IMAGES

from export.arrays import Array, Labels, Mask
from export.data.labels import LabelledImage
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.predictions import Predictions
from export.evaluation.schema import AnswerMetrics, IntervalJson, LesionMetrics
from export.evaluation.thresholds import TARGET_SENSITIVITY


@dataclass(frozen=True)
class _Answers:
    """N answers for labelled lesions; several may be of one lesion.

    Attributes:
        lesion: name of the lesion (N,).
        malignant: labels (N,).
        probability: (N,).
        above: decisions (N,).
        sets: whether the prediction set holds malignant and benign, (N, 2).
        share: weight of each answer, (N,); those of a lesion sum to 1.
    """

    lesion: Labels
    malignant: Mask
    probability: Array
    above: Mask
    sets: Mask
    share: Array


def group_by_lesion(rows: Sequence[LabelledImage], datasets: Sequence[str] = ()) -> list[LabelledImage]:
    """Return the images of the lesions that have several, at most `MAX_IMAGES` of each, in the order of their ids.

    A group whose images have different labels is a patient with several lesions and is left out. Groups of patients whose
    lesions have one label cannot be told from lesions: name the data sets whose groups are lesions.

    Args:
        rows: labelled images; an image that occurs twice counts once.
        datasets: names of data sets to use; empty for all.
    """
    groups: dict[str, dict[str, LabelledImage]] = defaultdict(dict)
    for row in rows:
        if not datasets or row.dataset in datasets:
            groups[row.group].setdefault(row.isic_id, row)
    chosen = []
    for _, images in sorted(groups.items()):
        if len(images) > 1 and len({(row.malignant, row.diagnosis) for row in images.values()}) == 1:
            chosen += [images[name] for name in sorted(images)[:MAX_IMAGES]]
    return chosen


def lesion_metrics(predictions: Predictions, card: Card) -> LesionMetrics:
    """Return the metrics of single images and of combined answers, with 95 % intervals over resampled lesions.

    As in the service, refused images are left out; a lesion whose images are all refused has no answer and counts in neither
    of the two.

    Args:
        predictions: of the images of lesions; `Predictions.groups` are the lesions.
        card: of the model file.
    """
    accepted = np.array([isinstance(decide(output, card), Decision) for output in predictions.outputs], bool)
    kept = predictions.select(accepted)
    single = _single_answers(kept, card)
    combined, agreement = _combined_answers(kept, card)
    types = np.array([output.image_type for output in kept.outputs])
    several = np.array([value is not None for value in agreement], bool)
    agree = np.array([value == "agree" for value in agreement], bool)
    correct = combined.above == combined.malignant
    return {
        "lesions": len(np.unique(predictions.groups)),
        "malignant": len(np.unique(predictions.groups[predictions.malignant])),
        "images": len(predictions.rows),
        "refused_images": int((~accepted).sum()),
        "refused_lesions": len(np.unique(predictions.groups)) - len(combined.lesion),
        "single": _metrics(single),
        "single_by_type": {
            str(name): _metrics(_single_answers(kept.select(types == name), card))
            for name in (np.unique(types) if len(np.unique(types)) > 1 else ())
        },
        "combined": _metrics(combined),
        "gain": _gain(single, combined),
        "agreement": _share(agree, several, combined.lesion),
        "agreeing_correct": _share(correct, agree, combined.lesion),
        "disagreeing_correct": _share(correct, several & ~agree, combined.lesion),
    }


def image_result(output: Outputs, card: Card) -> ImageResult:
    """Return a model's outputs for one image with the limits that apply to them.

    Args:
        output: of the model.
        card: of the model file.
    """
    point = card.point(output.image_type, output.views)
    classes = [float(value) for value in output.classes]
    return ImageResult(output.probability, output.logit, classes, point.threshold, point.set_limits)


def _single_answers(predictions: Predictions, card: Card) -> _Answers:
    results = [combine([image_result(output, card)], _malignant(card)) for output in predictions.outputs]
    _, index, counts = np.unique(predictions.groups, return_inverse=True, return_counts=True)
    return _answers(predictions.groups, predictions.malignant, results, 1 / counts[index])


def _combined_answers(predictions: Predictions, card: Card) -> tuple[_Answers, list[str | None]]:
    """Return the answers for N lesions, and the agreement of the images of each."""
    lesions, first = np.unique(predictions.groups, return_index=True)
    members: dict[str, list[ImageResult]] = defaultdict(list)
    for row, output in zip(predictions.rows, predictions.outputs, strict=True):
        members[row.group].append(image_result(output, card))
    results = [combine(members[str(lesion)], _malignant(card)) for lesion in lesions]
    answers = _answers(lesions, predictions.malignant[first], results, np.ones(len(lesions)))
    return answers, [result.agreement for result in results]


def _malignant(card: Card) -> list[bool]:
    return [entry.malignant for entry in card.classes]


def _answers(lesion: Labels, malignant: Mask, results: Sequence[CombinedResult], share: Array) -> _Answers:
    return _Answers(
        lesion=lesion,
        malignant=malignant,
        probability=np.array([result.probability for result in results]),
        above=np.array([result.above for result in results], bool),
        sets=np.array([[side in result.prediction_set for side in ("malignant", "benign")] for result in results], bool),
        share=share,
    )


def _statistics(answers: _Answers) -> Iterator[tuple[str, Callable[[Array], float]]]:
    """Yield the name of each metric of `AnswerMetrics` and its function from the weights of the answers, (N,)."""
    score, malignant, above, sets = answers.probability, answers.malignant, answers.above, answers.sets
    everything = np.ones(len(score), bool)
    yield "auc", lambda weights: metrics.auc(score, malignant, weights)
    yield "sensitivity", lambda weights: metrics.rate(above, malignant, weights)
    yield "specificity", lambda weights: metrics.rate(~above, ~malignant, weights)
    yield (
        "specificity_at_95_sensitivity",
        lambda weights: metrics.specificity_at_sensitivity(TARGET_SENSITIVITY, score, malignant, weights),
    )
    yield "log_loss", lambda weights: metrics.log_loss(score, malignant, weights)
    yield "coverage_malignant", lambda weights: metrics.rate(sets[:, 0], malignant, weights)
    yield "coverage_benign", lambda weights: metrics.rate(sets[:, 1], ~malignant, weights)
    yield "uncertain", lambda weights: metrics.rate(sets[:, 0] & sets[:, 1], everything, weights)


def _metrics(answers: _Answers) -> AnswerMetrics:
    def interval(statistic: Callable[[Array], float]) -> IntervalJson:
        return bootstrap_interval(lambda weights: statistic(weights * answers.share), answers.lesion).json()

    return cast(AnswerMetrics, {name: interval(statistic) for name, statistic in _statistics(answers)})


def _gain(single: _Answers, combined: _Answers) -> AnswerMetrics:
    """Return the differences combined - single; both have the same lesions."""
    # Index of each lesion's first image: its weight in a resample is that of the lesion.
    _, first = np.unique(single.lesion, return_index=True)

    def interval(before: Callable[[Array], float], after: Callable[[Array], float]) -> IntervalJson:
        def difference(weights: Array) -> float:
            return after(weights[first]) - before(weights * single.share)

        return bootstrap_interval(difference, single.lesion).json()

    pairs = zip(_statistics(single), _statistics(combined), strict=True)
    return cast(AnswerMetrics, {name: interval(before, after) for (name, before), (_, after) in pairs})


def _share(flag: Mask, among: Mask, lesion: Labels) -> IntervalJson:
    return bootstrap_interval(lambda weights: metrics.rate(flag, among, weights), lesion).json()
