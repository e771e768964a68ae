"""Training writes checkpoints, and goes on from them as if it had not been interrupted."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from export.checkpoints import Told, read_checkpoint
from export.data import read_table
from export.errors import CheckpointError
from export.train import Phase, Trainer, main
from tests.export.conftest import training


def test_a_checkpoint_holds_the_network_and_where_it_comes_from(checkpoint: Path) -> None:
    found = read_checkpoint(checkpoint)
    assert (found.network.spec.size, found.network.spec.classes[0]) == (96, "melanoma")
    assert not found.network.training
    assert found.provenance["images"] == 12
    assert found.provenance["recipe"]["phases"] == [{"size": 64, "epochs": 2, "batch": 4}]


def test_a_network_can_serve_at_another_size_than_it_was_trained_for(checkpoint: Path) -> None:
    larger, own = read_checkpoint(checkpoint, Told(size=128)).network, read_checkpoint(checkpoint).network
    assert (larger.spec.size, own.spec.size) == (128, 96)
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in larger.state_dict().items())


def test_a_run_that_was_killed_inside_a_phase_ends_where_an_unbroken_one_does(
    archive: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Trainer.save

    def save_and_die(self: Trainer) -> None:
        save(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            main(training(archive, tmp_path))
    main(training(archive, tmp_path, resume=True))

    broken, unbroken = (torch.load(path, weights_only=True) for path in (tmp_path / "checkpoint.pt", checkpoint))
    assert [entry["loss"] for entry in broken["training"]["history"]] == [
        entry["loss"] for entry in unbroken["training"]["history"]
    ]
    assert all(torch.equal(broken["weights"][name], value) for name, value in unbroken["weights"].items())


def test_training_goes_on_from_another_checkpoint_and_learns_from_teachers(
    archive: Path, checkpoint: Path, tmp_path: Path
) -> None:
    options = training(archive, tmp_path)
    options.phases, options.start, options.teachers = ["64:1:4"], checkpoint, [checkpoint]
    options.mixup, options.colour_constancy = 0.2, 6.0
    options.degraded, options.drawn_on, options.squashed = 0.5, 0.1, 0.4
    main(options)
    found = read_checkpoint(tmp_path / "checkpoint.pt")
    assert found.network.spec.colour_constancy == 6
    recipe = found.provenance["recipe"]
    digest = sha256(checkpoint.read_bytes()).hexdigest()
    assert (recipe["start"], recipe["teachers"], recipe["mixup"]) == (digest, [digest], "0.2")
    assert (recipe["degraded"], recipe["drawn_on"], recipe["squashed"]) == ("0.5", "0.1", "0.4")


def test_where_teachers_have_all_of_the_loss_no_label_is_learnt(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    """Two runs whose labels are each other's opposite end with the same weights."""
    found = []
    for name, turned in (("own", False), ("turned", True)):
        options = training(archive, tmp_path / name)
        options.phases, options.teachers, options.teachers_share, options.mixup = ["64:1:4"], [checkpoint], 1.0, 1.0
        rows = read_table(archive)
        kept = [replace(row, malignant=row.malignant ^ turned) if row.split == "train" else row for row in rows]
        trainer = Trainer(options, [Phase.parse(text) for text in options.phases], kept)
        trainer.run()
        found.append(read_checkpoint(tmp_path / name / "checkpoint.pt"))
    one, other = (checkpoint.network.state_dict() for checkpoint in found)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert found[0].provenance["recipe"]["teachers_share"] == "1.0"


def test_another_architecture_is_not_gone_on_from(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    options = training(archive, tmp_path)
    options.start, options.arch = checkpoint, "test_resnet"
    with pytest.raises(CheckpointError, match="not one alone can go on as a test_resnet"):
        main(options)


def test_another_file_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(tmp_path / "missing.pt")
