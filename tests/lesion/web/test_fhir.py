"""Answers as FHIR R4 resources: valid, with the numbers of the API's own answer, on every path."""

import io
import json
from typing import Any

import pytest
from fhir.resources.R4B.riskassessment import RiskAssessment
from lesion import fast_path
from lesion.inference.classify import classify
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from lesion.web.fhir import MEDIA_TYPE, accepts_fhir, risk_assessment
from PIL import Image
from starlette.testclient import TestClient

from tests.support.lambda_runtime.events import Request, version_2

FHIR = {"accept": MEDIA_TYPE}


def png(red: int, green: int = 20, blue: int = 20) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (red, green, blue)).save(buffer, "PNG")
    return buffer.getvalue()


def validated(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that R4's definitions accept; R4B's RiskAssessment is that of R4."""
    RiskAssessment.model_validate(resource)
    return resource


@pytest.mark.parametrize("red", [5, 51])
def test_prediction_has_the_numbers_of_the_answer(two_types: Model, red: int) -> None:
    answer = classify(png(red), two_types)
    assert answer.prediction is not None
    resource = validated(risk_assessment(answer, two_types.card))
    assert resource["status"] == "preliminary"
    whole, *classes = resource["prediction"]
    assert whole["probabilityDecimal"] == answer.prediction.malignant_probability
    above = answer.prediction.decision == "above_threshold"
    assert whole["qualitativeRisk"]["text"] == f"{'At or above' if above else 'Below'} the operating threshold"
    expected = [entry.probability for entry in answer.prediction.classes]
    assert [entry["probabilityDecimal"] for entry in classes] == expected
    assert {entry["outcome"]["text"] for entry in classes} == {entry.name for entry in two_types.card.classes}
    [device] = resource["contained"]
    assert device["version"] == [{"value": "stand-in"}] and device["identifier"][0]["value"] == two_types.sha256
    assert resource["basis"] == [
        {"display": "Dermoscopic photograph (type detected), 64 x 48 pixels, PNG; not kept by the service"}
    ]
    assert resource["note"][-1]["text"] == answer.disclaimer


def test_refusal_is_a_note_without_a_number(stand_in: Model) -> None:
    answer = classify(png(20, green=250), stand_in)
    assert answer.refusal is not None
    resource = validated(risk_assessment(answer, stand_in.card))
    assert "prediction" not in resource
    assert resource["note"][0]["text"] == f"Not assessed (not_a_lesion): {answer.refusal.message}"


def test_several_images_are_one_assessment(two_types: Model) -> None:
    client = TestClient(create_app(Settings(), two_types))
    sent = [("file", png(51)), ("file", png(10)), ("file", png(20, green=250))]
    own = client.post("/api/classify", files=sent).json()
    resource = validated(client.post("/api/classify", files=sent, headers=FHIR).json())
    assert resource["prediction"][0]["probabilityDecimal"] == own["prediction"]["malignant_probability"]
    notes = [note["text"] for note in resource["note"]]
    assert notes[0].startswith("Photograph 1 alone: probability ") and notes[1].startswith("Photograph 2 alone")
    assert notes[2].startswith("Photograph 3 was left out (not_a_lesion): ")
    assert notes[3] == f"The photographs {own['agreement']} about the side of the operating threshold."
    assert len(resource["basis"]) == 3


def test_all_routes_negotiate(stand_in: Model) -> None:
    client = TestClient(create_app(Settings(), stand_in))
    for response in (
        client.post("/api/classify", content=png(51), headers=FHIR),
        client.get("/api/classify?sample=ISIC_0000030", headers=FHIR),
    ):
        assert response.headers["content-type"] == MEDIA_TYPE and response.headers["cache-control"] == "no-store"
        validated(response.json())
    problem = client.post("/api/classify", content=b"no image", headers=FHIR)
    assert problem.headers["content-type"] == "application/problem+json"


def test_fast_path_answers_the_same(stand_in: Model) -> None:
    headers = [("Host", "localhost"), ("Accept", MEDIA_TYPE), ("Content-Type", "image/png")]
    event = version_2(Request("POST", "/api/classify", headers, png(51), "192.0.2.1"))
    answer = fast_path.respond(event, stand_in, Settings())
    assert answer is not None and answer["headers"]["content-type"] == MEDIA_TYPE
    own = TestClient(create_app(Settings(), stand_in)).post("/api/classify", content=png(51), headers=FHIR)
    assert validated(json.loads(answer["body"])) == own.json()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("application/*", False),
        ("application/fhir+json", True),
        ("APPLICATION/FHIR+JSON; fhirVersion=4.0", True),
        ("application/fhir+json; fhirVersion=5.0", False),
        ("application/fhir+json, application/json", False),
        ("application/fhir+json, application/json;q=0.9", True),
        ("application/fhir+json;q=0.5, */*;q=0.8", False),
        ("application/fhir+json, */*;q=0.1", True),
        ("application/fhir+json;q=0", False),
        ("application/fhir+json;q=much", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    ],
)
def test_accept_is_negotiated(accept: str | None, expected: bool) -> None:
    assert accepts_fhir(accept) == expected
