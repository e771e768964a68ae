"""A checkpoint is converted to a model file with its metadata, only if it agrees with PyTorch."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lesion.inference.card import VIEWS
from lesion.inference.model import Model

from export.checkpoints.reader import read_checkpoint
from export.commands import convert
from export.data.labels import LabelledImage, fingerprint
from export.data.tables import read_table
from export.errors import ClassesError, DataError, ParityError, ReportError
from export.evaluation import parity
from export.evaluation.operating_point import doubts, fit_operating_points
from export.evaluation.predictions import Predictions, predict
from export.graph.calibration import platt
from export.graph.description import licence_of_weights
from tests.support.predictions import simulated_predictions
from tests.support.small_training import conversion_options


def test_convert_writes_metadata(converted: Path, rows: list[LabelledImage]) -> None:
    card = Model(converted).card
    assert (card.version, card.architecture, card.input_size) == ("0.0.1", "test_efficientnet", 96)
    assert [entry.code for entry in card.classes if entry.malignant] == [
        "melanoma",
        "basal_cell_carcinoma",
        "actinic_keratosis",
    ]
    assert card.about["training"]["data_sha256"] == fingerprint([row for row in rows if row.split == "train"])
    assert card.format == "2" and card.image_types == ("dermoscopic",)
    assert card.about["image_type_detection"] is None
    codes = [rule.code for rule in card.default_point.refusal]
    assert codes[:4] == ["too_small", "too_dark", "too_blurry", "not_a_lesion"]
    # An untrained network's spread predicts nothing, so that no rule refuses images for it.
    assert codes[4:] == (["unstable"] if card.about["errors_by_spread"]["dermoscopic"]["low"] > 0.5 else [])
    assert card.about["licence"] == "not said by the training images"


def test_licence_of_weights_follows_from_the_images(rows: list[LabelledImage]) -> None:
    def said(*licences: str) -> str:
        return licence_of_weights([replace(rows[0], licence=name) for name in licences])

    assert "non-commercial" in said("CC0", "CC BY-NC 4.0")
    assert said("CC BY 4.0", "CC0", "CC0") == "that of the training images (CC BY 4.0, CC0)"
    assert said("CC0", "") == "not said by the training images"


def test_fit_operating_point_detects_swapped_classes() -> None:
    val = simulated_predictions(300, 1)
    turned = Predictions(tuple(replace(row, malignant=not row.malignant) for row in val.rows), val.outputs)
    assert fit_operating_points(val, val)["dermoscopic"][1].threshold > 0
    with pytest.raises(ClassesError, match="in the order of the network's outputs"):
        fit_operating_points(turned, turned)


def test_doubts_name_logits_without_signal() -> None:
    val = simulated_predictions(300, 1)
    assert doubts(val) == []
    constant = Predictions(val.rows, tuple(replace(output, logit=0.25) for output in val.outputs))
    [sentence] = doubts(constant)
    assert "is the same for all 300 dermoscopic images of `val` (logit 0.250): it carries no signal" in sentence
    shuffled = Predictions(val.rows, simulated_predictions(300, 2).outputs)
    [sentence] = doubts(shuffled)
    assert re.search(r"not better than chance \(AUC 0\.[45]\d+ \(0\.4\d+-0\.5\d+\)\)", sentence)


@pytest.mark.slow
def test_convert_warns_of_a_network_without_signal(
    checkpoint: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    for name, values in state["weights"].items():
        if name.startswith(("malignant.", "diagnosis.")):
            values.zero_()
    torch.save(state, tmp_path / "checkpoint.pt")
    out = tmp_path / "model" / "lesion.onnx"
    convert.main(conversion_options(tmp_path / "checkpoint.pt", archive, out, numbers="float32"))
    assert "Warning: The network's output is the same for all 12 dermoscopic images of `val`" in capsys.readouterr().err
    assert Model(out).card.version == "0.0.1"


def test_convert_writes_a_point_for_each_type_and_views(
    converted_types: Path, typed_rows: list[LabelledImage], tmp_path: Path
) -> None:
    """The model file is loaded, and its limits are those that are fitted to its own answers."""
    model = Model(converted_types)
    card = model.card
    assert card.image_types == ("dermoscopic", "clinical") and model.detects_image_type
    val = [row for row in typed_rows if row.split == "val"]
    one_view, eight_views = (predict(model, val, views=views, image_types="recorded") for views in VIEWS)
    points = fit_operating_points(one_view, eight_views)
    for image_type in card.image_types:
        for views in VIEWS:
            written, fitted = card.point(image_type, views), points[image_type][views]
            assert written.threshold == pytest.approx(fitted.threshold, abs=1e-5)
            assert written.set_limits == pytest.approx(fitted.sets.limits, abs=1e-5)
            assert written.calibration["method"] in ("platt", "beta")
    # Each type with its own statistics: otherwise the limits of both would be the same.
    limits = [
        [rule.above for rule in card.point(name, 1).refusal if rule.code == "not_a_lesion"] for name in card.image_types
    ]
    assert limits[0] != limits[1]
    summary = json.loads((converted_types.parent / "metrics.json").read_text())
    assert summary["fitted"]["operating_points"].keys() == {"dermoscopic", "clinical"}
    detection = summary["fitted"]["image_type_detection"]
    assert detection == card.about["image_type_detection"] and detection["accuracy"]["value"] > 0.8
    assert card.about["training"]["image_types"] == {"dermoscopic": 12, "clinical": 12}
    assert "clinical close-up" in card.about["intended_use"]
    assert not [limit for limit in card.about["limits_of_use"] if "Made for" in limit]


@pytest.mark.slow
def test_convert_rejects_a_type_in_one_split_only(
    checkpoint: Path, typed_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in read_table(typed_archive) if (row.split, row.image_type) != ("val", "clinical")]
    monkeypatch.setattr(convert, "read_rows", lambda _: rows)
    with pytest.raises(DataError, match="Only one of `train` and `val` has clinical images"):
        convert.main(conversion_options(checkpoint, typed_archive, tmp_path / "lesion.onnx"))


@pytest.mark.parametrize("beside", ["other.onnx", "README.md"])
def test_convert_refuses_a_folder_with_other_files(checkpoint: Path, archive: Path, tmp_path: Path, beside: str) -> None:
    (tmp_path / beside).write_text("# Mine")
    with pytest.raises(ReportError, match=f"has {beside} already"):
        convert.main(conversion_options(checkpoint, archive, tmp_path / "mine.onnx"))
    assert [path.name for path in tmp_path.iterdir()] == [beside]


def test_convert_writes_parity_to_metrics_json(converted: Path) -> None:
    written = json.loads((converted.parent / "metrics.json").read_text())["parity"]
    assert written["images"] == parity.PARITY_IMAGES and written["changed_decisions"] == 0
    assert written["max_logit_difference"] < parity.MAX_DIFFERENCE


def test_convert_writes_nothing_without_parity(
    checkpoint: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resize_otherwise(images: torch.Tensor, size: int) -> torch.Tensor:
        return torch.nn.functional.interpolate(images, (size, size), mode="nearest") + 40

    monkeypatch.setattr(parity, "resize", resize_otherwise)
    out = tmp_path / "lesion.onnx"
    with pytest.raises(ParityError, match="nothing was written"):
        convert.main(conversion_options(checkpoint, archive, out))
    assert not out.exists()


def test_check_parity_detects_a_changed_decision(converted: Path, checkpoint: Path, rows: list[LabelledImage]) -> None:
    network = read_checkpoint(checkpoint).network
    with pytest.raises(ParityError, match="changed_decisions"):
        parity.check_parity(Model(converted), network, rows[:4], {"dermoscopic": platt(0.0, -20.0)})


def test_model_file_contains_no_path_of_the_machine(converted: Path) -> None:
    data = converted.read_bytes()
    assert str(Path(convert.__file__).parents[2]).encode() not in data
    assert b"site-packages" not in data
