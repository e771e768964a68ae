"""Heads for each image type, fitted to features whose meaning differs between the types."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lesion.inference.card import IMAGE_TYPES, ImageType

from export.data.labels import LabelledImage
from export.errors import DataError
from export.nn.imagenet import create_spec
from export.nn.lesion_net import LesionNet
from export.nn.typed_heads import LinearHeads, TypedHeads
from export.training import typed_heads
from export.training.typed_heads import Features, fit_heads, predict_with_heads, require_images, select_typed_heads

CLASSES = ("melanoma", "nevus", "dermatofibroma")
PRESENT = [
    LinearHeads(np.full(8, place, np.float32), 0.5, np.ones((3, 8), np.float32), np.ones(3, np.float32)) for place in (1, 2)
]


def images(count: int, seed: int, diagnoses: tuple[str, ...] = ("melanoma", "nevus")) -> Features:
    """Return images of both types. The first feature is higher in malignant dermoscopic and in benign clinical ones."""
    rng, rows = np.random.default_rng(seed), []
    pooled = rng.normal(5, 2, (2 * count, 8))
    for place in range(2 * count):
        image_type: ImageType = "clinical" if place % 2 else "dermoscopic"
        code = diagnoses[place // 2 % len(diagnoses)]
        pooled[place, 0] += (3 if code == "melanoma" else -3) * (-1 if image_type == "clinical" else 1)
        rows.append(
            LabelledImage(
                isic_id=f"{seed}-{place}",
                path=Path(f"{place}.jpg"),
                malignant=code == "melanoma",
                diagnosis=code,
                dataset="HAM10000",
                group=f"{seed}-{place}",
                split="train",
                image_type=image_type,
            )
        )
    return Features(rows, pooled.astype(np.float32))


def test_each_type_has_its_own_direction() -> None:
    heads, scores = select_typed_heads(images(200, 1), images(60, 2), CLASSES, PRESENT)
    assert heads[0].malignant[0] > 0 > heads[1].malignant[0]
    assert set(scores) == set(typed_heads.PENALTIES) and max(scores.values()) > 0.95
    unseen = images(60, 3)
    prediction = predict_with_heads(heads, unseen)
    malignant = np.array([row.malignant for row in unseen.rows])
    assert ((prediction.malignant.numpy() > 0) == malignant).mean() > 0.9
    likely = prediction.classes.numpy().argmax(1)
    assert np.mean([CLASSES[place] == row.diagnosis for place, row in zip(likely, unseen.rows, strict=True)]) > 0.9


def test_diagnosis_without_images_is_improbable() -> None:
    """Its softmax share is smaller than that of any other in all but extreme images."""
    [own] = fit_heads(images(200, 1).of_type("clinical"), CLASSES, [0.01]).values()
    logits = predict_with_heads((own, own), images(200, 1)).classes.softmax(1).numpy()
    absent = CLASSES.index("dermatofibroma")
    assert (logits.argmin(1) == absent).mean() > 0.5
    assert (logits.argmax(1) != absent).all()


def test_feature_that_is_zero_in_nearly_all_images_gets_no_large_weight() -> None:
    """Standardised in full, one image in which it is not would make its weight a thousand times that of the others."""
    train = images(200, 1)
    train.pooled[:, 7] = 0
    train.pooled[0, 7] = 1e-3
    [own] = fit_heads(train.of_type("dermoscopic"), CLASSES, [0.01]).values()
    assert np.abs(own.malignant[7]) < np.abs(own.malignant[0])
    assert np.abs(own.diagnosis[:, 7]).max() < np.abs(own.diagnosis[:, 0]).max()


def test_rare_diagnosis_counts_as_in_training() -> None:
    """Melanomas are an eighth of the malignant images: their weight, relative to that of the others, is not an eighth.

    Without weights in the fit of malignancy it is less, and the fit of the diagnoses stays as it is.
    """
    pattern = ("melanoma", *["basal_cell_carcinoma", "nevus"] * 7, "nevus")
    train = images(320, 1, pattern).of_type("dermoscopic")
    classes, codes = ("melanoma", "nevus", "basal_cell_carcinoma"), np.array([row.diagnosis for row in train.rows])
    rows = [replace(row, malignant=row.diagnosis != "nevus") for row in train.rows]
    train.pooled[:] = np.random.default_rng(1).normal(0, 1, train.pooled.shape)
    train.pooled[:, 1] += 2 * (codes == "melanoma")
    train.pooled[:, 2] += 2 * (codes == "basal_cell_carcinoma")

    [weighted] = fit_heads(Features(rows, train.pooled), classes, [0.01]).values()
    [alike] = fit_heads(Features(rows, train.pooled), classes, [0.01], "none").values()
    assert weighted.malignant[1] / weighted.malignant[2] > 1.5 * alike.malignant[1] / alike.malignant[2]
    np.testing.assert_array_equal(weighted.diagnosis, alike.diagnosis)


def test_types_that_are_not_fitted_keep_their_heads() -> None:
    heads, scores = select_typed_heads(images(200, 1), images(60, 2), CLASSES, PRESENT, ["dermoscopic"])
    assert heads[1] is PRESENT[1] and heads[0] is not PRESENT[0]
    assert len(scores) == len(typed_heads.PENALTIES)


def test_penalty_is_the_one_with_the_best_score(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter((0.6, 0.9, 0.7))
    monkeypatch.setattr(typed_heads, "PENALTIES", (1e-5, 1e-3, 1e-1))
    monkeypatch.setattr(typed_heads, "score", lambda _: next(scores))
    heads, found = select_typed_heads(images(100, 1), images(60, 2), CLASSES, PRESENT)
    assert found == {1e-5: 0.6, 1e-3: 0.9, 1e-1: 0.7}
    for place, image_type in enumerate(("dermoscopic", "clinical")):
        [expected] = fit_heads(images(100, 1).of_type(image_type), CLASSES, [1e-3]).values()
        np.testing.assert_allclose(heads[place].malignant, expected.malignant)


def test_network_with_the_heads_has_their_logits() -> None:
    """The standardisation of the fit is part of the weights."""
    heads, _ = select_typed_heads(images(100, 1, CLASSES), images(60, 2, CLASSES), CLASSES, PRESENT)
    base = LesionNet(create_spec("test_efficientnet", 96, {code: code == "melanoma" for code in CLASSES}))
    network = TypedHeads(base)
    network.malignant, network.diagnosis = torch.nn.Linear(8, 2), torch.nn.Linear(8, 6)
    base.malignant, base.diagnosis = torch.nn.Linear(8, 1), torch.nn.Linear(8, 3)
    network.set_heads(heads)
    few = images(5, 4)
    expected = predict_with_heads(heads, few)
    last = torch.from_numpy(few.pooled)[:, :, None, None].expand(-1, -1, 2, 3)
    with torch.inference_mode():
        explanation = network.explain(last)
    types = [int(row.image_type == "clinical") for row in few.rows]
    logit = (explanation.cells.mean((2, 3)) + explanation.bias)[range(10), types]
    torch.testing.assert_close(logit.double(), expected.malignant, rtol=0, atol=1e-4)
    torch.testing.assert_close(explanation.class_logits[range(10), types].double(), expected.classes, rtol=0, atol=1e-4)


@pytest.mark.parametrize("diagnoses", [("melanoma",), ("nevus", "dermatofibroma")])
def test_images_of_one_side_do_not_suffice(diagnoses: tuple[str, ...]) -> None:
    rows = [*images(20, 1).of_type("dermoscopic").rows, *images(20, 1, diagnoses).of_type("clinical").rows]
    with pytest.raises(DataError, match="clinical images of `train` do not suffice"):
        require_images(rows, CLASSES, IMAGE_TYPES)
    require_images(rows, CLASSES, ["dermoscopic"])
