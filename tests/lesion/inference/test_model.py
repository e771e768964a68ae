"""The model file contains all numbers of a model; a file that cannot be served is rejected at the start."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from lesion.errors import InferenceError, ModelFileError
from lesion.inference.model import Model, shortest_float

from tests.support import stand_in_model


def pixels(red: int = 100, green: int = 50, blue: int = 25, side: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((side, side + 16, 3), (red, green, blue), np.uint8)


def test_run_returns_the_outputs_of_the_graph(stand_in: Model) -> None:
    outputs = stand_in.run(pixels(), views=8)
    assert outputs.logit == pytest.approx(8 * 100 / 255 - 1, abs=1e-6)
    assert outputs.probability == pytest.approx(1 / (1 + np.exp(-outputs.logit)), abs=1e-6)
    assert outputs.evidence.mean() + outputs.bias == pytest.approx(outputs.logit, abs=1e-6)
    assert outputs.classes.sum() == pytest.approx(1, abs=1e-6)
    assert (outputs.distance, outputs.spread) == pytest.approx((50 / 255, 7 * 25 / 255), abs=1e-6)
    assert (outputs.sharpness, outputs.brightness, outputs.size) == pytest.approx((75 / 255, 175 / 3 / 255, 2), abs=1e-6)


def test_run_uses_one_view_by_default(stand_in: Model) -> None:
    assert stand_in.run(pixels()).spread == 0


def test_shortest_float_loses_nothing() -> None:
    assert shortest_float(np.float32(0.48)) == 0.48
    assert shortest_float(np.float32(1e-12)) == 1e-12
    assert np.float32(shortest_float(np.float32(np.pi))) == np.float32(np.pi)


def test_card_has_the_metadata_of_the_file(stand_in: Model) -> None:
    card = stand_in.card
    assert (card.version, card.input_size, card.format) == ("stand-in", 32, "1")
    assert [entry.code for entry in card.classes if entry.malignant] == ["melanoma", "basal_cell_carcinoma"]
    assert card.about["intended_use"] == "Tests."


def test_card_of_another_model_has_its_own_classes(tmp_path: Path) -> None:
    classes = [{"code": f"class_{n}", "name": f"Class {n}", "malignant": n == 0} for n in range(3)]
    model = Model(stand_in_model.build(tmp_path / "m.onnx", classes=classes, threshold=0.125, version="7"))
    assert [entry.code for entry in model.card.classes] == ["class_0", "class_1", "class_2"]
    assert (model.card.default_point.threshold, model.card.version) == (0.125, "7")


def test_model_rejects_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Put a model there, or set LESION_MODEL"):
        Model(tmp_path / "nowhere.onnx")


def test_model_rejects_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        Model(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_model_rejects_a_truncated_file(stand_in_file: Path, tmp_path: Path, share: float) -> None:
    data = stand_in_file.read_bytes()
    half = tmp_path / "half.onnx"
    half.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelFileError, match=r"not a complete ONNX file|not a model of this project|cannot be used"):
        Model(half)


def test_model_rejects_other_bytes(tmp_path: Path, image_bytes: bytes) -> None:
    (tmp_path / "photo.onnx").write_bytes(image_bytes)
    with pytest.raises(ModelFileError, match="not a complete ONNX file"):
        Model(tmp_path / "photo.onnx")


def test_model_rejects_onnx_of_other_projects(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="not a model of this project"):
        Model(stand_in_model.build(tmp_path / "m.onnx", without={"lesion_format"}))


def test_model_rejects_a_later_format(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="lesion_format is '3', not '1' or '2'"):
        Model(stand_in_model.build(tmp_path / "m.onnx", lesion_format=3))


@pytest.mark.parametrize("name", ["probability", "logit", "classes", "evidence", "distance", "spread", "quality"])
def test_model_names_a_missing_output(tmp_path: Path, name: str) -> None:
    # Removed from the outputs only, because metadata of the same name may exist.
    path = stand_in_model.build(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.output.remove(next(output for output in model.graph.output if output.name == name))
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match=rf"lacks \['{name}'\]"):
        Model(path)


def test_model_requires_a_bias(tmp_path: Path) -> None:
    """In the metadata or as an output."""
    with pytest.raises(ModelFileError, match=r"lacks \['bias'\]"):
        Model(stand_in_model.build(tmp_path / "m.onnx", without={"bias"}))


@pytest.mark.parametrize(
    "name", ["version", "architecture", "input_size", "classes", "threshold", "prediction_sets", "refusal"]
)
def test_model_names_missing_metadata(tmp_path: Path, name: str) -> None:
    path = stand_in_model.build(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.metadata_props.remove(next(entry for entry in model.metadata_props if entry.key == name))
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match=f"cannot be used.*{name}"):
        Model(path)


def test_model_rejects_metadata_that_is_not_json(tmp_path: Path) -> None:
    path = stand_in_model.build(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.metadata_props.add(key="note", value="free text")
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match="metadata that cannot be used"):
        Model(path)


def test_model_rejects_rules_on_unknown_measures(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="hair"):
        Model(stand_in_model.build(tmp_path / "m.onnx", refusal=[{"code": "hairy", "measure": "hair", "above": 1}]))


def test_model_rejects_a_wrong_number_of_classes(tmp_path: Path) -> None:
    classes = [*stand_in_model.METADATA["classes"], {"code": "wart", "name": "Wart", "malignant": False}]
    with pytest.raises(ModelFileError, match="for 4 classes"):
        Model(stand_in_model.build(tmp_path / "m.onnx", classes=classes))


def test_model_rejects_nan_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="trial image"):
        Model(stand_in_model.build(tmp_path / "m.onnx", gain=float("inf")))


def test_run_raises_on_nan(tmp_path: Path) -> None:
    # The sum of sixteen cells is finite for the grey trial image and infinite for a white one.
    model = Model(stand_in_model.build(tmp_path / "m.onnx", gain=3e37))
    with pytest.raises(InferenceError, match="NaN or infinity"):
        model.run(pixels(255, 255, 255))
