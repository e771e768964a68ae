"""Figures by which epochs and runs are compared."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lesion.inference.card import ImageType

from export.data.labels import LabelledImage
from export.nn.network import Prediction
from export.training.selection import figures_by_source, selection_score, type_accuracy, validation_figures

CLASSES = ("melanoma", "nevus", "basal_cell_carcinoma")


def images(count: int, dataset: str, diagnosis: str, image_type: ImageType = "dermoscopic") -> list[LabelledImage]:
    row = LabelledImage("", Path(), diagnosis != "nevus", diagnosis, dataset, "", "val", image_type=image_type)
    return [replace(row, isic_id=str(number), group=str(number)) for number in range(count)]


ROWS = [
    *images(10, "A", "melanoma"),
    *images(20, "A", "nevus"),
    *images(30, "A", "nevus", "clinical"),
    *images(12, "A", "basal_cell_carcinoma", "clinical"),
    *images(9, "B", "melanoma"),
    *images(50, "B", "nevus"),
]


def prediction() -> Prediction:
    """Return logits: malignancy is right except in the clinical images, melanoma against nevus is always wrong."""
    malignant = torch.tensor([1.0 if row.malignant else -1.0 for row in ROWS])
    clinical = torch.tensor([1.0 if row.image_type == "clinical" else -1.0 for row in ROWS])
    malignant = torch.where(clinical > 0, 0.0, malignant)
    classes = torch.tensor([[-1.0, 1.0, 9.0] if row.diagnosis == "melanoma" else [1.0, -1.0, 0.0] for row in ROWS])
    return Prediction(malignant, classes, clinical)


def test_figures_by_source_need_ten_of_each_side() -> None:
    found = figures_by_source(ROWS, prediction(), CLASSES)
    assert set(found) == {"A dermoscopic", "A clinical"}
    assert (found["A dermoscopic"].malignant, found["A dermoscopic"].melanoma_nevus) == (1.0, 0.0)
    assert (found["A clinical"].malignant, found["A clinical"].melanoma_nevus) == (0.5, None)
    assert found["A clinical"].images == 42


def test_selection_score_counts_sources_once() -> None:
    assert selection_score(figures_by_source(ROWS, prediction(), CLASSES)) == pytest.approx((0.5 + 0.5) / 2)
    assert math.isnan(selection_score({}))


def test_type_accuracy_needs_the_head() -> None:
    right = prediction()
    assert type_accuracy(ROWS, right) == 1
    assert type_accuracy(ROWS, right._replace(clinical=None)) is None
    assert right.clinical is not None
    assert type_accuracy(ROWS, right._replace(clinical=-right.clinical)) == 0


def test_validation_figures_are_json_without_a_source() -> None:
    few = [*ROWS[:3], *ROWS[10:13]]
    chosen = [*range(3), *range(10, 13)]
    logits = prediction()
    figures = validation_figures(few, Prediction(logits.malignant[chosen], logits.classes[chosen]), CLASSES)
    assert json.loads(json.dumps(figures)) == {"val_auc": 1.0, "score": None, "type_accuracy": None, "sources": {}}


def test_figures_by_source_of_own_classes() -> None:
    """A class map may have no class called nevus: only the pair has no figure."""
    found = figures_by_source(ROWS, prediction(), ("melanoma", "naevus", "carcinoma"))
    assert (found["A dermoscopic"].malignant, found["A dermoscopic"].melanoma_nevus) == (1.0, None)
