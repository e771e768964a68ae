"""Every route answers as the HTTP contract says."""

import dataclasses
import math
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.messages import DISCLAIMER
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web import api
from lesion.web.api import create_app
from PIL import Image
from starlette.testclient import TestClient

from tests.support.gallery import ENTRY, write_gallery


def png(color: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def without_timing(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timing_ms"}


def test_classify_returns_the_whole_answer(client: TestClient, stand_in: Model) -> None:
    # 51 of 255 is a fifth: evidence 8/5 in every cell, logit 8/5 - 1.
    response = client.post("/api/classify", content=png((51, 51, 0)))
    probability = 1 / (1 + math.exp(-0.6))
    answer = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert list(answer) == [
        *("status", "refusal", "prediction", "evidence", "image", "images", "agreement", "model", "timing_ms", "disclaimer")
    ]
    assert answer["images"] is None and answer["agreement"] is None
    assert answer["status"] == "ok"
    assert answer["refusal"] is None
    assert answer["prediction"] == {
        "decision": "above_threshold",
        "malignant_probability": pytest.approx(probability, abs=1e-6),
        "threshold": 0.5,
        "prediction_set": ["malignant"],
        "logit": pytest.approx(0.6, abs=1e-6),
        "classes": [
            {"code": "melanoma", "malignant": True, "probability": pytest.approx(0.75 * probability, abs=1e-6)},
            {"code": "nevus", "malignant": False, "probability": pytest.approx(1 - probability, abs=1e-6)},
            {"code": "basal_cell_carcinoma", "malignant": True, "probability": pytest.approx(0.25 * probability, abs=1e-6)},
        ],
    }
    assert answer["evidence"] == {"rows": 4, "columns": 4, "bias": -1.0, "values": [[pytest.approx(1.6, abs=1e-6)] * 4] * 4}
    assert answer["image"] == {
        "width": 64,
        "height": 48,
        "format": "PNG",
        "type": "dermoscopic",
        "type_source": "assumed",
        "type_probability": None,
    }
    assert answer["model"] == {"version": "stand-in", "sha256": stand_in.sha256}
    assert set(answer["timing_ms"]) == {"decode", "infer", "total"}
    assert answer["disclaimer"] == DISCLAIMER


def test_classify_returns_consistent_numbers(client: TestClient, image_bytes: bytes) -> None:
    answer = client.post("/api/classify", content=image_bytes).json()
    prediction, evidence = answer["prediction"], answer["evidence"]
    values = [value for row in evidence["values"] for value in row]
    malignant = sum(entry["probability"] for entry in prediction["classes"] if entry["malignant"])
    assert sum(values) / len(values) + evidence["bias"] == pytest.approx(prediction["logit"], abs=1e-5)
    assert sum(entry["probability"] for entry in prediction["classes"]) == pytest.approx(1, abs=1e-5)
    assert malignant == pytest.approx(prediction["malignant_probability"], abs=1e-5)
    assert prediction["classes"] == sorted(prediction["classes"], key=lambda entry: -entry["probability"])
    assert (prediction["decision"] == "above_threshold") == (prediction["malignant_probability"] >= prediction["threshold"])


def test_classify_returns_short_numbers(client: TestClient) -> None:
    text = client.post("/api/classify", content=png((51, 51, 0))).text
    assert all(len(number) <= 12 for number in text.replace("[", ",").replace("]", ",").split(",") if number[:1].isdigit())


def test_classify_accepts_form_and_body_alike(client: TestClient, image_bytes: bytes) -> None:
    form = client.post("/api/classify", files={"file": ("photo.jpg", image_bytes, "image/jpeg")}).json()
    body = client.post("/api/classify", content=image_bytes, headers={"content-type": "image/jpeg"}).json()
    plain = client.post("/api/classify", content=image_bytes, headers={"content-type": "application/octet-stream"}).json()
    assert without_timing(form) == without_timing(body) == without_timing(plain)


def test_classify_without_evidence(client: TestClient) -> None:
    answer = client.post("/api/classify?evidence=false", content=png((51, 51, 0))).json()
    assert answer["evidence"] is None
    assert answer["prediction"] is not None


@pytest.mark.parametrize(
    "path", ["/api/ping", "/api/model", "/api/openapi.json", "/api/docs", "/api/docs.css", "/api/nothing"]
)
def test_head_equals_get_without_the_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert got.content and not head.content
    assert (head.status_code, head.headers) == (got.status_code, got.headers)
    assert head.headers["cache-control"] == "no-store"


def test_openapi_does_not_list_head(client: TestClient) -> None:
    operations = {method for path in client.get("/api/openapi.json").json()["paths"].values() for method in path}
    assert operations == {"get", "post"}


def test_classify_passes_views_to_the_model(client: TestClient) -> None:
    # The stand-in's spread between views is its blue channel.
    blue = png((120, 0, 255))
    assert client.post("/api/classify?views=1", content=blue).json()["status"] == "ok"
    assert client.post("/api/classify?views=8", content=blue).json()["refusal"]["code"] == "unstable"


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (png((51, 51, 0), (64, 15)), "too_small"),
        (png((1, 1, 1)), "too_dark"),
        (png((51, 255, 51)), "not_a_lesion"),
    ],
)
def test_refusal_contains_no_prediction(client: TestClient, upload: bytes, code: str) -> None:
    response = client.post("/api/classify", content=upload)
    answer = response.json()
    assert response.status_code == 200
    assert answer["status"] == "refused"
    assert answer["refusal"]["code"] == code
    assert answer["refusal"]["message"].endswith(".")
    assert answer["prediction"] is None
    assert answer["evidence"] is None
    assert answer["disclaimer"] == DISCLAIMER


def test_classify_sample_equals_upload_of_its_file(stand_in: Model, tmp_path: Path, image_bytes: bytes) -> None:
    folder = write_gallery(tmp_path, ENTRY)
    (folder / "one.jpg").write_bytes(image_bytes)
    client = TestClient(create_app(Settings(samples=folder), stand_in))
    answer = client.get("/api/classify?sample=one&evidence=false")
    uploaded = client.post("/api/classify?evidence=false", content=image_bytes)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert without_timing(answer.json()) == without_timing(uploaded.json())
    assert client.get("/api/samples").json() == [ENTRY]


def test_classify_answers_every_sample(client: TestClient) -> None:
    samples = client.get("/api/samples").json()
    statuses = [client.get(f"/api/classify?sample={sample['id']}").status_code for sample in samples]
    assert samples
    assert statuses == [200] * len(samples)


def test_classify_url_fetches_the_image(stand_in: Model, monkeypatch: pytest.MonkeyPatch, image_bytes: bytes) -> None:
    asked: dict[str, Any] = {}

    def fetch(url: str, **options: Any) -> bytes:
        asked.update(options, url=url)
        return image_bytes

    monkeypatch.setattr(api, "fetch", fetch)
    settings = Settings(url_hosts=frozenset({"images.example.org"}))
    response = TestClient(create_app(settings, stand_in)).get("/api/classify?url=https://images.example.org/a.jpg")
    assert response.status_code == 200
    assert asked == {
        "url": "https://images.example.org/a.jpg",
        "hosts": frozenset({"images.example.org"}),
        "max_bytes": 4_500_000,
    }


def typed_client(model: Model, folder: Path, data: bytes) -> TestClient:
    """A client of a service whose gallery has one image."""
    gallery = write_gallery(folder, ENTRY)
    (gallery / "one.jpg").write_bytes(data)
    return TestClient(create_app(Settings(samples=gallery, url_hosts=frozenset({"images.example.org"})), model))


@pytest.mark.parametrize("route", ["upload", "sample", "url"])
def test_classify_image_type_overrides_detection(
    two_types: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """On every route; without blue, the stand-in detects a dermoscopic image."""
    data = png((51, 51, 0))
    monkeypatch.setattr(api, "fetch", lambda url, **_: data)
    client = typed_client(two_types, tmp_path, data)

    def answer(query: str) -> Any:
        if route == "upload":
            return client.post(f"/api/classify?{query}", content=data).json()
        source = "sample=one" if route == "sample" else "url=https://images.example.org/a.jpg"
        return client.get(f"/api/classify?{source}&{query}").json()

    for query in ("", "image_type=auto"):
        found = answer(query)
        assert (found["image"]["type"], found["image"]["type_source"]) == ("dermoscopic", "detected")
        assert (found["image"]["type_probability"], found["prediction"]["threshold"]) == (1.0, 0.5)
    given = answer("image_type=clinical")
    assert (given["image"]["type"], given["image"]["type_source"]) == ("clinical", "given")
    assert (given["image"]["type_probability"], given["prediction"]["threshold"]) == (0.0, 0.3)
    assert given["prediction"]["malignant_probability"] != found["prediction"]["malignant_probability"]


def test_classify_rejects_an_image_type_that_the_model_lacks(
    stand_in: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before an address is fetched."""
    monkeypatch.setattr(api, "fetch", lambda *_, **__: pytest.fail("fetched"))
    client = typed_client(stand_in, tmp_path, png((51, 51, 0)))
    query = "image_type=clinical"
    for response in (
        client.post(f"/api/classify?{query}", content=png((51, 51, 0))),
        client.get(f"/api/classify?sample=one&{query}"),
        client.get(f"/api/classify?url=https://images.example.org/a.jpg&{query}"),
    ):
        assert response.status_code == 422
        assert response.json()["code"] == "unsupported_image_type"
        assert "only dermoscopic ones" in response.json()["detail"]
    assert client.get("/api/classify?sample=one&image_type=dermoscopic").json()["image"]["type_source"] == "given"
    unknown = client.get("/api/classify?sample=one&image_type=histology")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_parameter")


def test_openapi_describes_the_image_type(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    for operation in document["paths"]["/api/classify"].values():
        [parameter] = [each for each in operation["parameters"] if each["name"] == "image_type"]
        assert parameter["schema"]["enum"] == ["auto", "dermoscopic", "clinical"]
        assert (parameter["schema"]["default"], parameter["required"]) == ("auto", False)
        assert "unsupported_image_type" in operation["responses"]["422"]["description"]
    schemas = document["components"]["schemas"]
    assert {"type", "type_source", "type_probability"} <= schemas["ImageInfo"]["properties"].keys()
    assert "operating_points" in schemas["ModelCard"]["properties"]


def test_model_card_has_operating_points(two_types: Model) -> None:
    card = TestClient(create_app(Settings(), two_types)).get("/api/model").json()
    points = card["operating_points"]
    assert {image_type: list(by_views) for image_type, by_views in points.items()} == {
        "dermoscopic": ["1", "8"],
        "clinical": ["1", "8"],
    }
    first = points["dermoscopic"]["1"]
    for name in ("threshold", "set_limits", "refusal"):
        assert card[name] == first[name]
    assert (card["coverage"], first["coverage"]) == (0.9, {"malignant": 0.95, "benign": 0.9})


def test_classes_are_those_of_the_model(client: TestClient) -> None:
    assert client.get("/api/classes").json() == [
        {"code": "melanoma", "name": "Melanoma", "malignant": True},
        {"code": "basal_cell_carcinoma", "name": "Basal cell carcinoma", "malignant": True},
        {"code": "nevus", "name": "Nevus", "malignant": False},
    ]


def test_model_card_has_the_metadata_of_the_file(client: TestClient, stand_in: Model) -> None:
    card = client.get("/api/model").json()
    assert card["version"] == "stand-in"
    assert card["sha256"] == stand_in.sha256
    assert (card["architecture"], card["input_size"], card["threshold"], card["coverage"]) == ("red", 32, 0.5, 0.9)
    assert card["classes"] == client.get("/api/classes").json()
    assert card["metrics"] == {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert (card["training"], card["licence"]) == ({"images": 0}, "MIT")
    assert (card["intended_use"], card["limits_of_use"]) == ("Tests.", ["It only sees red."])


def test_model_card_keeps_the_contract(stand_in: Model) -> None:
    """Metadata under a name of the contract do not replace its members."""
    card = dataclasses.replace(stand_in.card, about={"sha256": "forged", "version": "forged"})
    other = Model.__new__(Model)
    other.__dict__.update(stand_in.__dict__, card=card)
    answer = TestClient(create_app(Settings(), other)).get("/api/model").json()
    assert (answer["version"], answer["sha256"]) == ("stand-in", stand_in.sha256)


def test_config_has_texts_links_and_limits(client: TestClient) -> None:
    config = client.get("/api/config").json()
    assert config["title"] == "Skin-lesion classifier"
    assert config["description"]
    assert DISCLAIMER in config["about"]
    assert config["links"] == {"code": "https://example.org/code"}
    # The stand-in is of format 1.
    assert config["default_views"] == 1
    assert config["limits"] == {
        "max_upload_bytes": 4_500_000,
        "max_images": 5,
        "max_pixels": 50_000_000,
        "max_pixels_of": {"WebP": 20_000_000, "AVIF": 24_000_000},
        "formats": ["JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "HEIC", "AVIF"],
    }


def test_config_without_code_url_has_no_link(stand_in: Model) -> None:
    assert TestClient(create_app(Settings(), stand_in)).get("/api/config").json()["links"] == {}


def test_ping_answers_pong(client: TestClient) -> None:
    assert client.get("/api/ping").json() == "pong"


def test_texts_for_people_claim_no_diagnosis(client: TestClient) -> None:
    config = client.get("/api/config").json()
    shown = " ".join((config["title"], config["description"], *config["about"], DISCLAIMER)).lower()
    assert not [word for word in ("diagnos", "detect cancer", " safe", "low risk", "healthy") if word in shown]
