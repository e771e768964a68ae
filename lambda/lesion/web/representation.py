"""The representation of an answer that a client asks for: the API's own JSON, or FHIR."""

from lesion.inference.card import Card
from lesion.inference.schemas import Classification, LesionClassification, to_json
from lesion.web import fhir

JSON = "application/json"


def represent(answer: Classification | LesionClassification, card: Card, accept: str | None) -> tuple[bytes, str]:
    """Return the body of an answer and its media type.

    Args:
        answer: the answer for one image or one lesion.
        card: of the model that answered.
        accept: value of the request's header Accept, or None.

    Raises:
        ValueError: a number in the answer is not finite.
    """
    if fhir.accepts_fhir(accept):
        return fhir.to_fhir(answer, card), fhir.MEDIA_TYPE
    return to_json(answer), JSON
