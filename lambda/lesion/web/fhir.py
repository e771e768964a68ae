"""The answer as a FHIR R4 RiskAssessment (https://hl7.org/fhir/R4/riskassessment.html), for clinical software.

The service knows neither a patient nor an order, and keeps no image: the subject and the photograph are named in words, and
whoever files the resource refers to its own. The status is always `preliminary`: nobody has reviewed the assessment.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from lesion.inference.card import Card
from lesion.inference.schemas import Classification, ImageAnswer, ImageInfo, LesionClassification, Prediction

MEDIA_TYPE = "application/fhir+json"

_OUTCOME = "Malignant skin lesion"
_METHOD = "Calibrated probability by a neural network from photographs of one skin lesion; research demonstration"
_DEVICE = "model"

Answer = Classification | LesionClassification


def accepts_fhir(accept: str | None) -> bool:
    """Return whether a client prefers FHIR to JSON, by its header Accept (RFC 9110, 12.5.1).

    Args:
        accept: the header's value, or None.
    """
    qualities = {"application/json": 0.0, MEDIA_TYPE: 0.0}
    ranges: list[tuple[int, str, float]] = []
    for part in (accept or "*/*").split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        # A range with a version of FHIR that is not R4 asks for something else.
        if any(value.startswith("fhirversion=") and not value.startswith("fhirversion=4.0") for value in parameters):
            continue
        try:
            ranges.append((media_range.count("*"), media_range, float(quality)))
        except ValueError:
            continue
    # The most specific range counts, so it comes last.
    for _, media_range, quality_value in sorted(ranges, key=lambda entry: -entry[0]):
        for media_type in qualities:
            if media_range in (media_type, "application/*", "*/*"):
                qualities[media_type] = quality_value
    return qualities[MEDIA_TYPE] > qualities["application/json"]


def to_fhir(answer: Answer, card: Card) -> bytes:
    """Serialise an answer as a RiskAssessment, compact JSON in UTF-8.

    Args:
        answer: the answer for one image or one lesion.
        card: of the model that answered.

    Raises:
        ValueError: a number in it is not finite.
    """
    resource = risk_assessment(answer, card)
    return json.dumps(resource, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def risk_assessment(answer: Answer, card: Card) -> dict[str, Any]:
    """Return an answer as the JSON object of a RiskAssessment.

    A refusal has no prediction, only notes. `probabilityDecimal` is a probability from 0 to 1, as in the API's own answer.

    Args:
        answer: the answer for one image or one lesion.
        card: of the model that answered.
    """
    resource: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "contained": [
            {
                "resourceType": "Device",
                "id": _DEVICE,
                "identifier": [{"type": {"text": "SHA-256 of the model file"}, "value": answer.model.sha256}],
                "deviceName": [{"name": f"Skin lesion classifier, {card.architecture}", "type": "model-name"}],
                "version": [{"value": answer.model.version}],
            }
        ],
        "status": "preliminary",
        "method": {"text": _METHOD},
        "code": {"text": f"Probability: {_OUTCOME.lower()}"},
        "subject": {"display": "The person in the photographs, who is not known to the service"},
        "performer": {"reference": f"#{_DEVICE}"},
        "basis": [{"display": _describe_image(image)} for image in _images(answer)],
    }
    if answer.prediction is not None:
        resource["prediction"] = _predictions(answer.prediction, card)
    return resource | {"note": [{"text": text} for text in _notes(answer)]}


def _images(answer: Answer) -> Sequence[ImageInfo]:
    return [answer.image] if isinstance(answer, Classification) else [one.image for one in answer.images]


def _describe_image(image: ImageInfo) -> str:
    return (
        f"{image.type.capitalize()} photograph (type {image.type_source}), {image.width} x {image.height} pixels, "
        f"{image.format}; not kept by the service"
    )


def _predictions(prediction: Prediction, card: Card) -> list[dict[str, Any]]:
    side = "At or above" if prediction.decision == "above_threshold" else "Below"
    probability, sides = prediction.malignant_probability, " and ".join(prediction.prediction_set)
    whole = {
        "outcome": {"text": _OUTCOME},
        "probabilityDecimal": probability,
        "qualitativeRisk": {"text": f"{side} the operating threshold"},
        "rationale": (
            f"Probability {100 * probability:.3g} %, operating threshold {100 * prediction.threshold:.3g} %. Conformal "
            f"prediction set: {sides}."
        ),
    }
    names = {entry.code: entry.name for entry in card.classes}
    classes = [
        {"outcome": {"text": names[entry.code]}, "probabilityDecimal": entry.probability} for entry in prediction.classes
    ]
    return [whole, *classes]


def _notes(answer: Answer) -> Iterator[str]:
    if answer.refusal is not None:
        yield f"Not assessed ({answer.refusal.code}): {answer.refusal.message}"
    if isinstance(answer, LesionClassification):
        yield from _notes_on_images(answer.images, answer.agreement)
    yield answer.disclaimer


def _notes_on_images(images: Sequence[ImageAnswer], agreement: str | None) -> Iterator[str]:
    for number, image in enumerate(images, 1):
        if image.prediction is not None:
            yield f"Photograph {number} alone: probability {100 * image.prediction.malignant_probability:.3g} %."
        elif image.refusal is not None:
            yield f"Photograph {number} was left out ({image.refusal.code}): {image.refusal.message}"
    if agreement is not None:
        verb = "agree" if agreement == "agree" else "disagree"
        yield f"The photographs {verb} about the side of the operating threshold."
