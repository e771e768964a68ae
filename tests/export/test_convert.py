"""A checkpoint becomes a model file that says what it is, and only when it agrees with PyTorch."""

import json
from pathlib import Path

import pytest
import torch
from lesion.model import Model

from export import convert
from export.calibration import Platt
from export.checkpoints import read_checkpoint
from export.data import Labelled, fingerprint
from tests.export.conftest import conversion


def test_the_model_file_says_what_it_is(converted: Path, rows: list[Labelled]) -> None:
    card = Model(converted).card
    assert (card.version, card.architecture, card.input_size) == ("0.0.1", "test_efficientnet", 96)
    assert [entry.code for entry in card.classes if entry.malignant] == [
        "melanoma",
        "basal_cell_carcinoma",
        "actinic_keratosis",
    ]
    assert card.about["training"]["data_sha256"] == fingerprint([row for row in rows if row.split == "train"])
    assert {rule.code for rule in card.refusal} == {"too_small", "too_dark", "too_blurry", "not_a_lesion", "unstable"}
    assert "non-commercial" in card.about["licence"]


def test_parity_is_kept_with_the_figures(converted: Path) -> None:
    found = json.loads((converted.parent / "metrics.json").read_text())["parity"]
    assert found["images"] == convert.PARITY_IMAGES and found["changed_decisions"] == 0
    assert found["max_logit_difference"] < convert.PARITY_LIMIT


def test_a_graph_that_answers_something_else_is_not_written(
    checkpoint: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resize_otherwise(images: torch.Tensor, size: int) -> torch.Tensor:
        return torch.nn.functional.interpolate(images, (size, size), mode="nearest") + 40

    monkeypatch.setattr(convert, "resize", resize_otherwise)
    out = tmp_path / "lesion.onnx"
    with pytest.raises(convert.ParityError, match="nothing was written"):
        convert.main(conversion(checkpoint, archive, out))
    assert not out.exists()


def test_parity_notices_a_decision_that_changes(converted: Path, checkpoint: Path, rows: list[Labelled]) -> None:
    network = read_checkpoint(checkpoint).network
    with pytest.raises(convert.ParityError, match="changed_decisions"):
        convert.parity(Model(converted), network, rows[:4], Platt(0.0, -20.0))


def test_the_model_file_names_no_path_of_the_machine_that_made_it(converted: Path) -> None:
    data = converted.read_bytes()
    assert str(Path(convert.__file__).parents[1]).encode() not in data
    assert b"site-packages" not in data
