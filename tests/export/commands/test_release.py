"""A release classifies like the service, and writes the model card, the plots and metrics.json."""

import argparse
import json
import shutil
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from lesion.imaging.decode import decode
from lesion.inference.card import DiagnosisClass
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model
from PIL import Image

from export.commands import release
from export.data.labels import LabelledImage
from export.data.ood_images import fits_limits
from export.errors import ReportError
from export.evaluation.image_set import image_set_metrics
from export.evaluation.ood_report import FITTED_OOD_IMAGES, evaluate_ood
from export.evaluation.predictions import Predictions, predict
from export.evaluation.split_report import eight_views_gain, split_report
from export.graph.metadata import write_metadata
from export.reporting.model_card import render_card, write_card
from export.reporting.plots import write_plots


@pytest.fixture(scope="module")
def published(converted: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    for name in ("lesion.onnx", "metrics.json"):
        shutil.copy(converted.parent / name, folder)
    (folder / "others").mkdir()
    Image.effect_noise((300, 200), 90).convert("RGB").save(folder / "others" / "noise.png")
    (folder / "others" / "metadata.csv").write_text("no,image\n")
    options = {"data": [archive], "model": folder / "lesion.onnx", "splits": ["val", "test"], "one_view": False, "yes": True}
    options |= {"strangers": [folder / "others"], "label_column": "", "image_column": "", "class_map": None}
    release.main(argparse.Namespace(**options))
    return folder


def test_release_metrics_equal_the_predictions(published: Path, rows: list[LabelledImage]) -> None:
    model = Model(published / "lesion.onnx")
    answers = predict(model, [row for row in rows if row.split == "test"])
    above = answers.above_threshold(model.card)
    found = json.loads((published / "metrics.json").read_text())["test"]["all"]
    assert (found["n"], found["malignant"]) == (12, 6)
    assert found["sensitivity"]["value"] == pytest.approx(np.mean(above[answers.malignant]), abs=1e-4)
    assert found["specificity"]["value"] == pytest.approx(np.mean(~above[~answers.malignant]), abs=1e-4)


def test_release_writes_metrics_into_the_model_file(published: Path) -> None:
    model, written = Model(published / "lesion.onnx"), json.loads((published / "metrics.json").read_text())
    assert model.card.about["metrics"]["test"] == written["test"]
    assert model.sha256 == written["sha256"]


def test_card_contains_metrics_and_limits_of_use(published: Path) -> None:
    card = (published / "README.md").read_text()
    figures = json.loads((published / "metrics.json").read_text())["test"]["all"]
    assert f"{figures['auc']['value']:.3f}" in card
    assert "Not a medical device" in card and "brown or black skin" in card
    assert "Licence of the weights: not said by the training images." in card


@pytest.mark.parametrize(("better", "verdict"), [(True, "have a higher AUC"), (False, "are not significantly better")])
def test_card_states_whether_eight_views_are_better(
    published: Path, rows: list[LabelledImage], tmp_path: Path, better: bool, verdict: str
) -> None:
    model = Model(published / "lesion.onnx")
    one = predict(model, [row for row in rows if row.split == "test"])
    # Eight views that equal the labels, or that equal one view.
    exact = [replace(output, probability=float(truth)) for output, truth in zip(one.outputs, one.malignant, strict=True)]
    eight = Predictions(one.rows, tuple(exact)) if better else one
    gain = eight_views_gain(one, eight)
    single = image_set_metrics(one, model.card)["auc"]["value"]
    assert single is not None
    assert gain["auc"]["value"] == pytest.approx(1 - single if better else 0, abs=1e-4)

    written = json.loads((published / "metrics.json").read_text())
    written["test"]["eight_views_gain"] = gain
    assert f"Eight views {verdict} than one" in render_card(model, written)


def test_evaluate_ood_skips_files_that_are_no_images(published: Path, rows: list[LabelledImage]) -> None:
    model = Model(published / "lesion.onnx")
    noise = model.run(decode((published / "others" / "noise.png").read_bytes()).pixels)
    familiar = predict(model, [row for row in rows if row.split == "val"]).scalar("distance")
    found = json.loads((published / "metrics.json").read_text())["strangers"]["others"]
    assert found["n"] == 1
    assert found["refused"] == isinstance(decide(noise, model.card), Refusal)
    assert found["distance_auroc"] == pytest.approx(np.mean(noise.distance > familiar), abs=1e-4)
    assert found["eight_views"]["refused"] in {0, 1}


def test_evaluate_ood_leaves_out_what_fitted_the_limits(published: Path, rows: list[LabelledImage], tmp_path: Path) -> None:
    for number in range(12):
        shutil.copy(published / "others" / "noise.png", tmp_path / f"{number}.png")
    model = Model(published / "lesion.onnx")
    val = predict(model, [row for row in rows if row.split == "val"])
    assert evaluate_ood(model, tmp_path, val)["n"] == 12
    about = model.card.about | {FITTED_OOD_IMAGES: {tmp_path.name: 6}}
    model.card = replace(model.card, about=about)
    figures = evaluate_ood(model, tmp_path, val)
    assert figures["n"] == sum(not fits_limits(path) for path in tmp_path.iterdir())
    assert 0 < figures["n"] < 12


def test_card_states_that_third_party_training_is_unknown(published: Path, tmp_path: Path) -> None:
    proto = onnx.load(published / "lesion.onnx")
    write_metadata(
        proto,
        {
            "training": {
                "checkpoint": "model.pkl",
                "kind": "fastai 1",
                "checkpoint_sha256": "ab",
                "distance_fitted_on": {"CC0": 12},
            }
        },
    )
    onnx.save(proto, tmp_path / "lesion.onnx")
    metrics = json.loads((published / "metrics.json").read_text())
    write_card(tmp_path / "README.md", Model(tmp_path / "lesion.onnx"), metrics)
    assert "`model.pkl` (fastai 1" in (tmp_path / "README.md").read_text()


def test_plots_are_png_files(published: Path) -> None:
    for name in ("roc", "reliability", "confusion"):
        assert (published / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_release_of_val_alone_writes_nothing(published: Path, archive: Path, tmp_path: Path) -> None:
    shutil.copy(published / "lesion.onnx", tmp_path)
    options = {"data": [archive], "model": tmp_path / "lesion.onnx", "splits": ["val"], "one_view": True, "strangers": []}
    options |= {"yes": False, "label_column": "", "image_column": "", "class_map": None}
    release.main(argparse.Namespace(**options))
    assert [path.name for path in tmp_path.iterdir()] == ["lesion.onnx"]
    assert (tmp_path / "lesion.onnx").read_bytes() == (published / "lesion.onnx").read_bytes()


def with_classes(model: Model, **malignant: bool) -> Model:
    """Return the model with other classes; the order of its outputs stays."""
    names = list(malignant.items())
    entries = tuple(DiagnosisClass(code, code, side) for code, side in names)
    changed = copy(model)
    changed.card = replace(model.card, classes=entries)
    return changed


def test_split_report_omits_diagnoses_without_a_class(converted: Path, rows: list[LabelledImage], tmp_path: Path) -> None:
    model = with_classes(Model(converted), benign=False, malignant=True)
    answers = predict(model, [row for row in rows if row.split == "test"])
    found = split_report(answers, None, model.card)
    assert found["all"]["balanced_accuracy"]["value"] is None
    assert found["all"]["auc"]["value"] is not None
    assert set(found["diagnoses"]) == set(answers.diagnosis)
    release.show("test", found)
    write_plots(tmp_path, answers, model.card)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reliability.png", "roc.png"]


def test_predict_uses_the_models_malignant_classes(converted: Path, rows: list[LabelledImage]) -> None:
    model = with_classes(Model(converted), melanoma=False, nevus=True)
    answers = predict(model, [row for row in rows if row.split == "test"])
    labels = dict(zip(answers.diagnosis, answers.malignant, strict=True))
    assert (labels["melanoma"], labels["nevus"]) == (False, True)
    # A diagnosis without a class keeps the label of the table.
    assert not any(labels[code] for code in set(labels) - {"melanoma", "nevus"})


def test_release_requires_val_for_ood_folders(converted: Path, archive: Path, tmp_path: Path) -> None:
    options = release.options().parse_args(
        ["--data", str(archive), "--model", str(converted), "--splits", "test", "--strangers", str(tmp_path)]
    )
    with pytest.raises(ReportError, match="--splits val test"):
        release.main(options)


@pytest.mark.slow
def test_release_reports_each_image_type(
    converted_types: Path, typed_archive: Path, typed_rows: list[LabelledImage], tmp_path: Path
) -> None:
    """Figures of detected types, in metrics.json, the model file and the card."""
    for name in ("lesion.onnx", "metrics.json"):
        shutil.copy(converted_types.parent / name, tmp_path)
    command = ["--data", str(typed_archive), "--model", str(tmp_path / "lesion.onnx"), "--yes"]
    release.main(release.options().parse_args(command))
    model, test = Model(tmp_path / "lesion.onnx"), [row for row in typed_rows if row.split == "test"]
    found = json.loads((tmp_path / "metrics.json").read_text())["test"]
    assert list(found["types"]) == ["dermoscopic", "clinical"]
    answers = predict(model, test)
    for image_type, figures in found["types"].items():
        own = answers.select(answers.image_type == image_type)
        above = own.above_threshold(model.card)
        assert (figures["n"], figures["eight_views"]["n"]) == (12, 12)
        assert figures["sensitivity"]["value"] == pytest.approx(np.mean(above[own.malignant]), abs=1e-4)
    right = [output.image_type == row.image_type for output, row in zip(answers.outputs, test, strict=True)]
    assert found["image_type_detection"]["accuracy"]["value"] == pytest.approx(np.mean(right), abs=1e-4)
    card = (tmp_path / "README.md").read_text()
    for image_type in model.card.image_types:
        for views in (1, 8):
            assert f"| {image_type} | {views} | " in card
        assert f"| {image_type} images, eight views | 12 |" in card
    assert "Image type detected correctly" in card
    assert "dermoscopic and clinical images" in card


def test_predict_gives_the_recorded_type(converted_types: Path, typed_rows: list[LabelledImage]) -> None:
    swapped = [
        replace(row, image_type="clinical" if row.image_type == "dermoscopic" else "dermoscopic") for row in typed_rows[:6]
    ]
    model = Model(converted_types)
    given = predict(model, swapped, image_types="recorded")
    assert [output.image_type for output in given.outputs] == [row.image_type for row in swapped]
    detected = predict(model, swapped)
    assert [output.image_type for output in detected.outputs] != [row.image_type for row in swapped]


def test_predict_of_a_missing_type_detects(converted: Path, typed_rows: list[LabelledImage]) -> None:
    """A model of dermoscopic images has no point for a row that is recorded as clinical."""
    clinical = [row for row in typed_rows if row.image_type == "clinical"][:2]
    answers = predict(Model(converted), clinical, image_types="recorded")
    assert [output.image_type for output in answers.outputs] == ["dermoscopic", "dermoscopic"]


def test_release_keeps_the_format_of_a_file(converted: Path, tmp_path: Path) -> None:
    proto = onnx.load(converted)
    for entry in proto.metadata_props:
        if entry.key == "lesion_format":
            entry.value = "1"
    write_metadata(proto, {"metrics": {}})
    assert {entry.key: entry.value for entry in proto.metadata_props}["lesion_format"] == "1"
