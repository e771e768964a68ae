"""The card's figures by source, diagnosis and label count every image once, and agree with the answers."""

from pathlib import Path

import numpy as np
import pytest
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model

from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.evaluation.image_set import image_set_metrics
from export.evaluation.predictions import Predictions, predict
from export.evaluation.source_report import diagnoses_by_type, label_counts, source_figures
from export.reporting.card_tables import diagnosis_table, label_table, source_table


@pytest.fixture(scope="module")
def model(converted_types: Path) -> Model:
    return Model(converted_types)


@pytest.fixture(scope="module")
def one_view(model: Model, typed_rows: list[LabelledImage]) -> Predictions:
    return predict(model, select_split(typed_rows, "val"))


def test_sources_have_the_refusals_of_both_numbers_of_views(
    model: Model, one_view: Predictions, typed_rows: list[LabelledImage]
) -> None:
    eight_views = predict(model, select_split(typed_rows, "val"), views=8)
    figures = source_figures(one_view, eight_views, model.card)
    assert sum(entry["n"] for entry in figures.values()) == len(one_view.rows) and len(figures) >= 2
    for key, predictions in (("refused", one_view), ("refused_eight_views", eight_views)):
        for name, entry in figures.items():
            own = predictions.select(one_view.source == name)
            share = np.mean([isinstance(decide(output, model.card), Refusal) for output in own.outputs])
            assert entry[key]["value"] == pytest.approx(share, abs=1e-3)
    for name, entry in figures.items():
        own = one_view.select(one_view.source == name)
        right = [output.image_type == row.image_type for output, row in zip(own.outputs, own.rows, strict=True)]
        assert entry["type_detected"]["value"] == pytest.approx(np.mean(right), abs=1e-3)
    [_, _, first, *_] = source_table({"val": figures})
    assert first.startswith(f"| val | {next(iter(figures))} | ") and first.count("%") == 9


def test_diagnoses_of_both_types_add_up(model: Model, one_view: Predictions) -> None:
    by_type = diagnoses_by_type(one_view, model.card)
    assert set(by_type) == {"dermoscopic", "clinical"}
    assert sum(entry["n"] for part in by_type.values() for entry in part.values()) == len(one_view.rows)
    only = one_view.select(one_view.image_type == "clinical")
    assert diagnoses_by_type(only, model.card) == {}
    code = next(iter(by_type["clinical"]))
    entry = by_type["clinical"][code]
    lines = list(diagnosis_table({code: entry, "absent": entry}, {"clinical": by_type["clinical"]}))
    assert lines[0].endswith("| clinical images, above |") and f"| {entry['n']}: " in lines[2]
    assert lines[3].endswith("| - |")


def test_labels_are_counted_by_split_and_type(model: Model, typed_rows: list[LabelledImage]) -> None:
    counts = label_counts(typed_rows, model.card)
    assert list(counts) == [entry.code for entry in model.card.classes]
    for split in ("train", "val", "test"):
        known = [row for row in typed_rows if row.split == split and row.diagnosis in counts]
        assert sum(sum(by_split[split].values()) for by_split in counts.values()) == len(known) > 0
    [head, _, first, *_] = label_table(counts)
    assert "`train`, dermoscopic | `train`, clinical" in head and first.count("|") == head.count("|")


def test_melanomas_above_the_threshold_are_those_of_the_diagnosis(model: Model, one_view: Predictions) -> None:
    for name, part in diagnoses_by_type(one_view, model.card).items():
        own = image_set_metrics(one_view.select(one_view.image_type == name), model.card)
        assert own["melanoma_sensitivity"] == part["melanoma"]["above_threshold"]
    nevi = image_set_metrics(one_view.select(one_view.diagnosis == "nevus"), model.card)
    assert nevi["melanoma_sensitivity"]["value"] is None
