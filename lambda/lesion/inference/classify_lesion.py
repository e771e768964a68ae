"""Classify several images of one lesion: each on its own, then combined (see `lesion.inference.combine`)."""

from collections.abc import Sequence
from time import perf_counter

from lesion.errors import RequestError
from lesion.inference.card import Card, ImageType
from lesion.inference.classify import classify, require_image_type
from lesion.inference.combine import CombinedResult, ImageResult, combine
from lesion.inference.messages import image_label
from lesion.inference.model import Model
from lesion.inference.schemas import (
    Classification,
    ClassProbability,
    ImageAnswer,
    LesionClassification,
    Prediction,
    Timing,
)


def classify_lesion(
    images: Sequence[bytes],
    model: Model,
    *,
    views: int = 1,
    evidence: bool = True,
    image_type: ImageType | None = None,
) -> LesionClassification:
    """Classify one lesion from several images of it. Pure CPU work, safe in several threads at once.

    The images are decoded and classified one after another, so that the pixels of only one are in memory, and each has the
    memory limit of a single image. Refused images are listed and left out of the combination.

    Args:
        images: two or more files, as for `lesion.inference.classify.classify`.
        model: the loaded model.
        views: 1, or 8 for test-time augmentation, for every image.
        evidence: whether to return the evidence map of every image.
        image_type: of all images; None to let the model detect it for each, so that they may differ.

    Raises:
        UnsupportedImageType: see `lesion.inference.classify.require_image_type`.
        RequestError: of the first image that cannot be decoded; the message begins with the image's number.
        InferenceError: the model returned NaN or infinity for an image.
    """
    started = perf_counter()
    # Not within the loop, where it would be reported as a problem of the first image.
    require_image_type(model.card, image_type)
    answers = []
    for number, data in enumerate(images, 1):
        try:
            answers.append(classify(data, model, views=views, evidence=evidence, image_type=image_type))
        except RequestError as error:
            raise type(error)(f"{image_label(number, len(images))}: {error}") from error
    results = [result for answer in answers if (result := _result_of(answer, model.card, views)) is not None]
    combined = combine(results, [entry.malignant for entry in model.card.classes]) if results else None
    return LesionClassification(
        status="ok" if combined else "refused",
        refusal=None if combined else answers[0].refusal,
        prediction=_prediction(combined, model) if combined else None,
        evidence=None,
        image=None,
        images=[_image_answer(answer) for answer in answers],
        agreement=combined.agreement if combined else None,
        model=answers[0].model,
        timing_ms=Timing(
            decode=round(sum(answer.timing_ms.decode for answer in answers), 1),
            infer=round(sum(answer.timing_ms.infer for answer in answers), 1),
            total=round(1000 * (perf_counter() - started), 1),
        ),
        disclaimer=answers[0].disclaimer,
    )


def _result_of(answer: Classification, card: Card, views: int) -> ImageResult | None:
    """Return the result of an image that was not refused."""
    prediction = answer.prediction
    if prediction is None:
        return None
    probabilities = {entry.code: entry.probability for entry in prediction.classes}
    return ImageResult(
        probability=prediction.malignant_probability,
        logit=prediction.logit,
        classes=[probabilities[entry.code] for entry in card.classes],
        threshold=prediction.threshold,
        set_limits=card.point(answer.image.type, views).set_limits,
    )


def _prediction(combined: CombinedResult, model: Model) -> Prediction:
    classes = [
        ClassProbability(code=entry.code, malignant=entry.malignant, probability=probability)
        for entry, probability in zip(model.card.classes, combined.classes, strict=True)
    ]
    return Prediction(
        decision="above_threshold" if combined.above else "below_threshold",
        malignant_probability=combined.probability,
        threshold=combined.threshold,
        prediction_set=list(combined.prediction_set),
        logit=combined.logit,
        classes=sorted(classes, key=lambda entry: -entry.probability),
    )


def _image_answer(answer: Classification) -> ImageAnswer:
    return ImageAnswer(
        status=answer.status,
        refusal=answer.refusal,
        prediction=answer.prediction,
        evidence=answer.evidence,
        image=answer.image,
    )
