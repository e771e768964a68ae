"""Private mode combines the images of a lesion as the service does: on random numbers, and on answers of a model."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lesion.inference.card import IMAGE_TYPES
from lesion.inference.classify import classify
from lesion.inference.classify_lesion import classify_lesion
from lesion.inference.combine import ImageResult, combine
from lesion.inference.model import Model
from lesion.inference.schemas import to_json
from PIL import Image
from playwright.sync_api import Page

from infra.packaging.bundle import classification_data
from tests.support.image_files import encode
from tests.support.stand_in_model import build

# Private mode downloads and compiles the model; `test_offline.py` has one visit with it in the quick selection.
pytestmark = pytest.mark.slow

COMBINE = """async ([lesions, malignant]) => {
    const { combine } = await import("/js/private/combine.js");
    return lesions.map((results) => combine(results, malignant));
}"""
SUM = """async (lists) => {
    const { fsum } = await import("/js/private/combine.js");
    return lists.map(fsum);
}"""
REFUSED_TYPE = """async (card) => {
    const { InferenceClient } = await import("/js/private/inference-client.js");
    const client = new InferenceClient(card);
    const settings = { views: 1, imageType: "clinical" };
    const asked = client.classify(new Blob(), settings, new AbortController().signal);
    return asked.then(() => "answered", ({ key }) => key).finally(() => client.close());
}"""
COMBINE_ANSWERS = """async ([answers, card, views]) => {
    const { combineAnswers } = await import("/js/private/combine.js");
    return combineAnswers(answers, card, views);
}"""
MALIGNANT = (True, False, False, True)


def _png(pixels: "np.ndarray[Any, Any]") -> bytes:
    return encode(Image.fromarray(pixels.astype(np.uint8)), "PNG")


def shortest(value: float) -> float:
    """Round as the numbers of an answer are rounded."""
    return float(str(np.float32(value)))


def random_result(generator: np.random.Generator) -> ImageResult:
    """Return a result with values at the ends and at equal limits too."""
    probability = shortest(generator.choice([0.0, 1.0, 0.5, generator.random(), generator.beta(0.1, 0.1)]))
    threshold = shortest(generator.choice([0.1, 0.31, probability if 0 < probability < 1 else 0.5]))
    limits = {
        "malignant": shortest(threshold * generator.random()),
        "benign": shortest((1 - threshold) * generator.random()),
    }
    shares = generator.dirichlet([0.3] * len(MALIGNANT))
    return ImageResult(
        probability=probability,
        logit=shortest(generator.normal(0, 3)),
        classes=tuple(shortest(share) for share in shares),
        threshold=threshold,
        set_limits=limits if generator.random() < 0.8 else {"malignant": 0.9, "benign": 0.9},
    )


def test_combination_matches_service_on_random_results(page: Page) -> None:
    """Every number, side and agreement is that of the service, to the last digit."""
    generator = np.random.default_rng(5)
    lesions = [[random_result(generator) for _ in range(generator.integers(1, 6))] for _ in range(2000)]
    # Images that are equal have the values of each.
    lesions += [[results[0]] * len(results) for results in lesions[:50]]
    ours = page.evaluate(COMBINE, [[[vars(result) for result in results] for results in lesions], list(MALIGNANT)])
    theirs = [json.loads(json.dumps(vars(combine(results, MALIGNANT)))) for results in lesions]
    assert ours == theirs
    assert {answer["agreement"] for answer in theirs} == {None, "agree", "disagree"}
    assert {tuple(answer["prediction_set"]) for answer in theirs} == {("benign",), ("malignant",), ("benign", "malignant")}


def test_sum_matches_exact_sum(page: Page) -> None:
    """The sum is rounded once, as by Python's fsum."""
    generator = np.random.default_rng(6)
    lists = [list(generator.normal(0, 1, 8) * 10.0 ** generator.integers(-18, 18, 8)) for _ in range(500)]
    lists += [[1e16, 1.0, 1e-16], [1e100, 1.0, -1e100], [0.1] * 10, [1.0, 2**-53, 2**-106], []]
    # Playwright returns a large whole number as an int.
    assert [float(value) for value in page.evaluate(SUM, lists)] == [math.fsum(values) for values in lists]


def test_type_that_model_lacks_names_its_message(page: Page, tmp_path: Path) -> None:
    """A type that the model has no operating point for is refused as by the service."""
    card = classification_data(build(tmp_path / "m.onnx", image_types=("dermoscopic",)))["card"]
    assert page.evaluate(REFUSED_TYPE, card) == "problems.unsupported_image_type"


@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize("reds", [(25, 60, 200), (2, 2), (2, 60, 32), (60, 60)])
def test_lesion_answer_matches_service(page: Page, tmp_path: Path, reds: tuple[int, ...], views: int) -> None:
    """Of equal answers for the images, the whole answer for the lesion is that of the service, with refused images too."""
    path = build(tmp_path / "m.onnx", image_types=IMAGE_TYPES)
    model = Model(path)
    # Of alternating types.
    files = [_png(np.full((64, 64, 3), (red, 4, 150 * (index % 2)))) for index, red in enumerate(reds)]
    answers = [json.loads(to_json(classify(data, model, views=views))) for data in files]
    theirs = json.loads(to_json(classify_lesion(files, model, views=views)))
    ours = page.evaluate(COMBINE_ANSWERS, [answers, classification_data(path)["card"], views])
    assert list(ours) == list(theirs)

    def untimed(answer: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name != "timing_ms"}

    assert untimed(ours) == untimed(theirs)
    assert list(ours["timing_ms"]) == list(theirs["timing_ms"])
    assert ours["timing_ms"]["infer"] == round(sum(answer["timing_ms"]["infer"] for answer in answers), 1)
    if ours["prediction"]:
        assert list(ours["prediction"]) == list(theirs["prediction"])
    assert len({image["image"]["type"] for image in ours["images"]}) == 2
