"""Heads for each image type, fitted to features whose meaning differs between the types."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lesion.inference.card import ImageType

from export.data.labels import LabelledImage
from export.errors import DataError
from export.nn.imagenet import create_spec
from export.nn.lesion_net import LesionNet
from export.nn.typed_heads import TypedHeads
from export.training import typed_heads
from export.training.typed_heads import Features, fit_heads, predict_with_heads, select_typed_heads

CLASSES = ("melanoma", "nevus", "dermatofibroma")


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
    heads, scores = select_typed_heads(images(200, 1), images(60, 2), CLASSES)
    assert heads[0].malignant[0] > 0 > heads[1].malignant[0]
    assert set(scores) == set(typed_heads.PENALTIES) and max(scores.values()) > 0.95
    unseen = images(60, 3)
    prediction = predict_with_heads(heads, unseen)
    malignant = np.array([row.malignant for row in unseen.rows])
    assert ((prediction.malignant.numpy() > 0) == malignant).mean() > 0.9
    likely = prediction.classes.numpy().argmax(1)
    assert [CLASSES[place] for place in likely].count("dermatofibroma") == 0, "without an image of it"
    assert np.mean([CLASSES[place] == row.diagnosis for place, row in zip(likely, unseen.rows, strict=True)]) > 0.9


def test_penalty_is_the_one_with_the_best_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_heads, "PENALTIES", (1e-9, 0.01))
    heads, scores = select_typed_heads(images(200, 1), images(60, 2), CLASSES)
    best = max(scores, key=lambda penalty: scores[penalty])
    for place, image_type in enumerate(("dermoscopic", "clinical")):
        expected = fit_heads(images(200, 1).of_type(image_type), image_type, CLASSES, best)
        np.testing.assert_allclose(heads[place].malignant, expected.malignant)


def test_network_with_the_heads_has_their_logits() -> None:
    """The standardisation of the fit is part of the weights."""
    heads, _ = select_typed_heads(images(100, 1, CLASSES), images(60, 2, CLASSES), CLASSES)
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
    with pytest.raises(DataError, match="clinical images of `train` do not suffice"):
        fit_heads(images(20, 1, diagnoses).of_type("clinical"), "clinical", CLASSES, 0.01)
