"""Parameters and request body of the routes under /api/classify, as FastAPI and OpenAPI describe them."""

from typing import Annotated, Any

from fastapi import Query

from lesion.imaging.formats import FORMATS
from lesion.inference.card import ImageType
from lesion.inference.schemas import ImageTypeChoice, Views
from lesion.web.fhir import MEDIA_TYPE
from lesion.web.upload import FORM_FIELD, MAX_IMAGES

_BINARY = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "description": f"one to {MAX_IMAGES} images of one lesion, each as a form field {FORM_FIELD}",
                    "required": [FORM_FIELD],
                    # OpenAPI sends each item of a list as a part of its own.
                    "properties": {FORM_FIELD: {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": MAX_IMAGES}},
                }
            },
            "image/*": {"schema": {**_BINARY, "description": f"the image's bytes in one of {', '.join(FORMATS)}"}},
            "application/octet-stream": {"schema": {**_BINARY, "description": "the same"}},
        },
    }
}

FHIR_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a prediction or a refusal; as a FHIR R4 RiskAssessment, if the header Accept prefers it",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "description": "https://hl7.org/fhir/R4/riskassessment.html",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"const": "RiskAssessment"}},
                    "additionalProperties": True,
                }
            }
        },
    }
}

ViewsQuery = Annotated[
    Views,
    Query(
        description="1, or 8 to average over quarter turns of image and middle; of format 1, over flips and quarter turns"
    ),
]
EvidenceQuery = Annotated[bool, Query(description="whether the answer contains the evidence map")]
ImageTypeQuery = Annotated[
    ImageTypeChoice,
    Query(description="type of the images, whose calibration, threshold and limits are applied; auto detects that of each"),
]
SampleQuery = Annotated[str | None, Query(description="id of a sample, see /api/samples")]
UrlQuery = Annotated[str | None, Query(description="https address of an image, if the service allows its host")]


def given_type(choice: ImageTypeChoice) -> ImageType | None:
    """Return the image type that a request names, or None if the model should detect it.

    Args:
        choice: value of the parameter `image_type`.
    """
    return None if choice == "auto" else choice
