"""Several images of one lesion in one request: each is answered on its own, then they are combined."""

import json
from io import BytesIO
from typing import Any

import pytest
from lesion.imaging import memory_limit
from lesion.imaging.decode import decode
from lesion.inference.combine import pool
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from lesion.web.upload import MAX_IMAGES, MAX_PARTS
from PIL import Image
from starlette.testclient import TestClient

from tests.support.image_files import encode
from tests.support.multipart import FORM, form, part


def png(color: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


# The stand-in's logit is 8 x red - 1, its threshold 0.5: above from a red of 32.
ABOVE, BELOW, FAR_BELOW = png((51, 51, 0)), png((20, 51, 0)), png((0, 60, 0))
DARK, SMALL, STRANGE = png((1, 1, 1)), png((51, 51, 0), (64, 15)), png((51, 255, 51))
FAILED = "anna-schmidt.jpg"


def send(client: TestClient, *images: bytes, query: str = "") -> Any:
    body = form(*[part("file", data, file=FAILED) for data in images])
    return client.post(f"/api/classify{query}", content=body, headers=FORM)


def single(client: TestClient, data: bytes, query: str = "") -> dict[str, Any]:
    answer = client.post(f"/api/classify{query}", content=data).json()
    return {name: answer[name] for name in ("status", "refusal", "prediction", "evidence", "image")}


def problem(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert FAILED not in response.text
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("images", [[ABOVE, BELOW], [ABOVE, BELOW, FAR_BELOW, ABOVE, ABOVE]])
@pytest.mark.parametrize("query", ["", "?views=8", "?evidence=false", "?views=8&evidence=false"])
def test_lesion_lists_each_image_as_if_sent_alone(client: TestClient, images: list[bytes], query: str) -> None:
    response = send(client, *images, query=query)
    answer = response.json()
    assert response.status_code == 200 and FAILED not in response.text
    assert answer["images"] == [single(client, data, query) for data in images]
    assert (answer["status"], answer["refusal"], answer["evidence"], answer["image"]) == ("ok", None, None, None)
    assert all((each["evidence"] is None) == ("evidence=false" in query) for each in answer["images"])
    assert list(answer) == list(client.post("/api/classify", content=ABOVE).json())


def test_lesion_prediction_is_the_combined_one(client: TestClient) -> None:
    answer = send(client, ABOVE, FAR_BELOW).json()
    prediction, each = answer["prediction"], [image["prediction"] for image in answer["images"]]
    # Logits 0.6 and -1, which the stand-in does not calibrate: the mean is -0.2.
    assert prediction["logit"] == pytest.approx(-0.2, abs=1e-6)
    assert prediction["malignant_probability"] == pool([one["malignant_probability"] for one in each])
    assert prediction["malignant_probability"] == pytest.approx(0.450166, abs=1e-6)
    assert (prediction["decision"], prediction["threshold"]) == ("below_threshold", 0.5)
    assert prediction["prediction_set"] == ["benign", "malignant"]
    assert answer["agreement"] == "disagree"
    assert [(entry["code"], entry["malignant"]) for entry in prediction["classes"]] == [
        ("nevus", False),
        ("melanoma", True),
        ("basal_cell_carcinoma", True),
    ]
    assert sum(entry["probability"] for entry in prediction["classes"]) == pytest.approx(1, abs=1e-6)
    assert send(client, ABOVE, ABOVE).json()["agreement"] == "agree"


def test_lesion_answer_does_not_depend_on_the_order(client: TestClient) -> None:
    first, second = send(client, ABOVE, BELOW, FAR_BELOW).json(), send(client, FAR_BELOW, ABOVE, BELOW).json()
    assert first["prediction"] == second["prediction"] and first["agreement"] == second["agreement"]


@pytest.mark.parametrize("parts", [[("file", ABOVE)], [("note", b"x"), ("file", ABOVE), ("age", b"50")]])
def test_lesion_with_one_image_is_answered_as_an_image(client: TestClient, parts: list[tuple[str, bytes]]) -> None:
    answer = client.post("/api/classify", content=form(*[part(*each) for each in parts]), headers=FORM).json()
    expected = client.post("/api/classify", content=ABOVE).json()
    del answer["timing_ms"], expected["timing_ms"]
    assert answer == expected and answer["images"] is None and answer["agreement"] is None


def test_lesion_leaves_refused_images_out(client: TestClient) -> None:
    answer = send(client, DARK, ABOVE, STRANGE).json()
    assert (answer["status"], answer["refusal"]) == ("ok", None)
    assert [(each["refusal"] or {}).get("code") for each in answer["images"]] == ["too_dark", None, "not_a_lesion"]
    assert [each["prediction"] is None for each in answer["images"]] == [True, False, True]
    assert answer["prediction"] == single(client, ABOVE)["prediction"]
    # One image can neither agree nor disagree.
    assert answer["agreement"] is None
    assert send(client, DARK, ABOVE, BELOW).json()["prediction"] == send(client, ABOVE, BELOW).json()["prediction"]


def test_lesion_refused_by_all_images_has_the_first_refusal(client: TestClient) -> None:
    answer = send(client, SMALL, DARK, STRANGE).json()
    assert answer["status"] == "refused"
    assert answer["refusal"] == single(client, SMALL)["refusal"]
    assert (answer["prediction"], answer["evidence"], answer["agreement"]) == (None, None, None)
    assert [each["status"] for each in answer["images"]] == ["refused"] * 3


def test_lesion_accepts_five_images_and_no_more(client: TestClient) -> None:
    assert len(send(client, *[ABOVE] * MAX_IMAGES).json()["images"]) == MAX_IMAGES == 5
    response = send(client, *[ABOVE] * (MAX_IMAGES + 1))
    assert problem(response) == (422, "too_many_images")
    assert "at most 5" in response.json()["detail"]


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        (b"no image", 415, "unsupported_format"),
        (ABOVE[: len(ABOVE) // 2], 400, "invalid_image"),
        (encode(Image.new("1", (9000, 9000)), "PNG"), 413, "too_large"),
        (b"", 422, "missing_file"),
    ],
    ids=["text", "truncated", "pixels", "empty"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_lesion_with_an_unreadable_image_names_its_number(
    client: TestClient, bad: bytes, status: int, code: str, place: int
) -> None:
    """The other images are not answered, so that no answer rests on fewer images than were sent."""
    images = [ABOVE, BELOW]
    images.insert(place, bad)
    response = send(client, *images)
    assert problem(response) == (status, code)
    assert response.json()["detail"].startswith(f"Image {place + 1} of 3")


def test_lesion_counts_all_images_against_the_upload_limit(stand_in: Model) -> None:
    limit = len(ABOVE) + len(BELOW)
    small = TestClient(create_app(Settings(max_upload_bytes=limit), stand_in))
    assert send(small, ABOVE, BELOW).status_code == 200
    response = send(small, ABOVE, BELOW + b"x")
    assert problem(response) == (413, "too_large")
    assert "all images of a request together" in response.json()["detail"]


def test_lesion_fits_the_overhead_of_five_parts(stand_in: Model) -> None:
    """Long file names and further fields, at the limit of the images."""
    small = TestClient(create_app(Settings(max_upload_bytes=5 * len(ABOVE)), stand_in))
    parts = [part("file", ABOVE, file="n" * 255) for _ in range(MAX_IMAGES)]
    parts += [part(f"note{number}", b"x" * 100, file=None) for number in range(MAX_PARTS - MAX_IMAGES)]
    assert small.post("/api/classify", content=form(*parts), headers=FORM).status_code == 200


def test_lesion_decodes_one_image_at_a_time(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each within the memory limit of one image, which grows with the number of images that are decoded at once."""
    at_once: list[int] = []

    def watched(*arguments: Any, **options: Any) -> Any:
        at_once.append(memory_limit._decoding)
        return decode(*arguments, **options)

    monkeypatch.setattr("lesion.inference.classify.decode", watched)
    send(client, *[ABOVE] * MAX_IMAGES)
    assert len(at_once) == MAX_IMAGES and set(at_once) <= {0, 1}
    assert memory_limit._decoding == 0


def test_lesion_times_are_sums(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    # Each look at the clock is one second later; an image looks four times.
    monkeypatch.setattr("lesion.inference.classify.perf_counter", lambda: next(ticks))
    times = send(client, ABOVE, BELOW, ABOVE).json()["timing_ms"]
    assert (times["decode"], times["infer"]) == (3000, 3000)


def test_lesion_compares_each_image_type_with_its_own_threshold(two_types: Model) -> None:
    """The stand-in takes images with much blue for clinical ones, and adds -0.2 to their logit."""
    with TestClient(create_app(Settings(), two_types)) as client:
        dermoscopic, clinical = png((20, 51, 0)), png((30, 51, 255))
        answer = send(client, dermoscopic, clinical).json()
        as_clinical = send(client, dermoscopic, clinical, query="?image_type=clinical").json()
    each = [image["prediction"] for image in answer["images"]]
    assert [image["image"]["type"] for image in answer["images"]] == ["dermoscopic", "clinical"]
    assert [(one["threshold"], one["decision"]) for one in each] == [(0.5, "below_threshold"), (0.3, "above_threshold")]
    assert answer["prediction"]["threshold"] == pool([0.5, 0.3])
    assert answer["prediction"]["malignant_probability"] == pool([one["malignant_probability"] for one in each])
    # Log-odds 8 x 20 / 255 - 1 and 8 x 30 / 255 - 1.2 against those of 0.5 and 0.3.
    assert (answer["prediction"]["decision"], answer["agreement"]) == ("above_threshold", "disagree")
    assert [image["image"]["type_source"] for image in as_clinical["images"]] == ["given", "given"]
    assert as_clinical["prediction"]["threshold"] == 0.3


def test_lesion_of_an_unsupported_image_type_blames_no_image(client: TestClient) -> None:
    response = send(client, ABOVE, BELOW, query="?image_type=clinical")
    assert problem(response) == (422, "unsupported_image_type")
    assert "Image 1" not in response.json()["detail"]


@pytest.mark.parametrize("query", ["?views=2", "?evidence=maybe"])
def test_lesion_parameters_are_checked(client: TestClient, query: str) -> None:
    assert problem(send(client, ABOVE, BELOW, query=query)) == (422, "invalid_parameter")


@pytest.mark.parametrize("file", ["photo.jpg", "", None])
def test_lesion_parts_may_have_equal_names_or_none(client: TestClient, file: str | None) -> None:
    body = form(part("file", ABOVE, file=file), part("file", BELOW, file=file))
    answer = client.post("/api/classify", content=body, headers=FORM).json()
    assert [each["prediction"]["decision"] for each in answer["images"]] == ["above_threshold", "below_threshold"]


def test_openapi_describes_several_images(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    operation = document["paths"]["/api/classify"]["post"]
    field = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["file"]
    assert (field["type"], field["minItems"], field["maxItems"]) == ("array", 1, MAX_IMAGES)
    assert "too_many_images" in operation["responses"]["422"]["description"]
    assert "too_many_images" not in document["paths"]["/api/classify"]["get"]["responses"]["422"]["description"]
    schemas, answer = document["components"]["schemas"], send(client, ABOVE, BELOW).json()
    assert set(answer) == set(schemas["LesionClassification"]["properties"])
    assert list(schemas["LesionClassification"]["properties"]) == list(schemas["Classification"]["properties"])
    assert set(answer["images"][0]) == set(schemas["ImageAnswer"]["properties"])
    assert json.dumps(schemas["LesionClassification"]["properties"]["agreement"]).count('"disagree"') == 1
