"""Training writes checkpoints, and resumes from them as if it had not been interrupted."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase
from export.commands.train import config_of, main, options
from export.console import main as run
from export.data.tables import read_table
from export.errors import ArchitectureError, CheckpointError, DataError
from export.nn.imagenet import create_spec
from export.nn.lesion_net import LesionNet, create_lesion_net
from export.reporting.card_training import describe_recipes
from export.training.trainer import Trainer
from tests.support.small_training import training_options


def test_checkpoint_contains_network_and_provenance(checkpoint: Path) -> None:
    found = read_checkpoint(checkpoint)
    assert (found.network.spec.size, found.network.spec.classes[0]) == (96, "melanoma")
    assert not found.network.training
    assert found.provenance["images"] == 12
    assert found.provenance["recipe"]["phases"] == [{"size": 64, "epochs": 2, "batch": 4}]


def test_read_checkpoint_accepts_another_input_size(checkpoint: Path) -> None:
    larger, own = read_checkpoint(checkpoint, ReaderOptions(size=128)).network, read_checkpoint(checkpoint).network
    assert (larger.spec.size, own.spec.size) == (128, 96)
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in larger.state_dict().items())


def test_resume_equals_an_uninterrupted_run(
    archive: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Trainer.save

    def save_and_die(self: Trainer) -> None:
        save(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            main(training_options(archive, tmp_path))
    main(training_options(archive, tmp_path, resume=True))

    broken, unbroken = (torch.load(path, weights_only=True) for path in (tmp_path / "checkpoint.pt", checkpoint))
    assert [entry["loss"] for entry in broken["training"]["history"]] == [
        entry["loss"] for entry in unbroken["training"]["history"]
    ]
    assert all(torch.equal(broken["weights"][name], value) for name, value in unbroken["weights"].items())


def test_train_starts_from_a_checkpoint_with_teachers(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.phases, options.start, options.teachers = [Phase(64, 1, 4)], checkpoint, [checkpoint]
    options.mixup, options.colour_constancy = 0.2, 6.0
    options.degraded, options.drawn_on, options.squashed = 0.5, 0.1, 0.4
    main(options)
    found = read_checkpoint(tmp_path / "checkpoint.pt")
    assert found.network.spec.colour_constancy == 6
    recipe = found.provenance["recipe"]
    digest = sha256(checkpoint.read_bytes()).hexdigest()
    assert (recipe["start"], recipe["teachers"], recipe["mixup"]) == (digest, [digest], 0.2)
    assert (recipe["degraded"], recipe["drawn_on"], recipe["squashed"]) == (0.5, 0.1, 0.4)


def test_frozen_body_keeps_its_weights_and_statistics(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.start, options.freeze_body = checkpoint, True
    main(options)
    before, after = (read_checkpoint(path) for path in (checkpoint, tmp_path / "checkpoint.pt"))
    old, new = (found.network.state_dict() for found in (before, after))
    changed = {name for name, value in new.items() if not torch.equal(value, old[name])}
    assert changed == {f"{head}.{part}" for head in ("malignant", "diagnosis") for part in ("weight", "bias")}
    assert "only the last linear layers trained" in describe_recipes(dict(after.provenance), "")


def test_train_refuses_to_freeze_a_random_body(archive: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.freeze_body = True
    with pytest.raises(CheckpointError, match="needs a trained network"):
        main(options)


def test_loss_ignores_labels_where_teachers_share_is_one(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    """Two runs with opposite labels end with the same weights."""
    found = []
    for name, turned in (("own", False), ("turned", True)):
        options = training_options(archive, tmp_path / name)
        options.phases, options.teachers = [Phase(64, 1, 4)], [checkpoint]
        options.teachers_share, options.mixup = 1.0, 1.0
        rows = read_table(archive)
        kept = [replace(row, malignant=row.malignant ^ turned) if row.split == "train" else row for row in rows]
        trainer = Trainer(config_of(options), kept, tmp_path / name)
        trainer.run()
        found.append(read_checkpoint(tmp_path / name / "checkpoint.pt"))
    one, other = (checkpoint.network.state_dict() for checkpoint in found)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert found[0].provenance["recipe"]["teachers_share"] == 1.0


def test_train_refuses_a_start_of_another_architecture(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.start, options.arch = checkpoint, "test_resnet"
    with pytest.raises(CheckpointError, match="exactly one of its networks must be a test_resnet"):
        main(options)


@pytest.mark.parametrize(
    ("arch", "sentence"),
    [
        ("convnext_atto", "its evidence would not add up to its answer.* global average pooling"),
        ("mobilenetv3_small_050", "shapes cannot be multiplied.* global average pooling"),
        ("resnet", "timm has no architecture"),
        ("resnet18.other", "timm has no architecture"),
    ],
)
def test_train_refuses_architectures_without_exact_evidence(arch: str, sentence: str, archive: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.arch = arch
    with pytest.raises(ArchitectureError, match=sentence):
        main(options)


def test_untrained_leaves_weights_and_random_state_unchanged() -> None:
    spec = create_spec("test_efficientnet", 96, {"melanoma": True, "nevus": False})
    found = []
    for make in (LesionNet, create_lesion_net):
        torch.manual_seed(1)
        network = make(spec)
        found.append((network.state_dict(), torch.rand(1)))
    [[own, drawn], [tried, drawn_then]] = found
    assert drawn == drawn_then and all(torch.equal(value, tried[name]) for name, value in own.items())
    assert all(part.training for part in network.modules())


def test_read_checkpoint_refuses_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(tmp_path / "missing.pt")


def test_train_refuses_fewer_images_than_a_batch(archive: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.phases = [Phase(64, 1, 4), Phase(96, 1, 13)]
    with pytest.raises(DataError, match="12 images, and a batch 13"):
        main(options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("changed", ["arch", "training"])
def test_resume_refuses_a_checkpoint_of_another_run(archive: Path, checkpoint: Path, tmp_path: Path, changed: str) -> None:
    state = torch.load(checkpoint, weights_only=True)
    if changed == "training":
        del state["training"]
    else:
        state["spec"]["arch"] = "resnet10t"
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="is not of this training"):
        main(training_options(archive, tmp_path, resume=True))


def test_train_refuses_a_used_folder(archive: Path, checkpoint: Path, tmp_path: Path) -> None:
    shutil.copy(checkpoint, tmp_path)
    before = checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=r"which would be replaced\. Continue a training with `train --resume`"):
        main(training_options(archive, tmp_path))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("seed", 7, "seed is 1 there and 7 here"),
        ("phases", [Phase(64, 3, 4)], "phases is 64:2:4 there and 64:3:4 here"),
        ("data", None, r"its training images have the hash \w{12} \(12 images\), these \w{12} \(10\)"),
    ],
)
def test_resume_refuses_other_options_and_images(
    archive: Path, checkpoint: Path, tmp_path: Path, name: str, value: object, said: str
) -> None:
    shutil.copy(checkpoint, tmp_path)
    options = training_options(archive, tmp_path, resume=True)
    if name == "data":
        lines = (archive / "metadata.csv").read_text().splitlines()
        # A table of its own beside the same images, without two of the training images.
        table = archive / "other.csv"
        table.write_text("\n".join([lines[0], *lines[2:6], *lines[7:]]) + "\n")
        options.data = [table]
    else:
        setattr(options, name, value)
    with pytest.raises(CheckpointError, match=said):
        main(options)
    (archive / "other.csv").unlink(missing_ok=True)


def test_checkpoint_records_its_first_weights(checkpoint: Path) -> None:
    """timm's small network for tests has no ImageNet weights here, and the card does not claim them."""
    recipe = read_checkpoint(checkpoint).provenance["recipe"]
    assert recipe["first_weights"] == "random"
    assert "start from random weights" in describe_recipes({"recipe": recipe}, "")
    assert "ImageNet start" in describe_recipes({"recipe": {**recipe, "first_weights": "ImageNet"}}, "")
    assert "start not recorded" in describe_recipes({"recipe": {**recipe, "first_weights": ""}}, "")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["evaluate", "--data", "ARCHIVE", "--model", "nowhere.onnx", "--out", "OUT"], "Put a model there"),
        (
            ["train", "--data", "ARCHIVE", "--out", "OUT", "--phases", "64:1:4", "--arch", "resnt50"],
            "timm has no architecture 'resnt50'",
        ),
        (["train", "--data", "ARCHIVE", "--out", "OUT"], "a batch 48: nothing would be learnt"),
    ],
)
def test_main_explains_errors_of_its_input_in_one_line(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    places = {"ARCHIVE": str(archive), "OUT": str(tmp_path)}
    assert run([places.get(word, word) for word in command]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_phase_option_refuses_malformed_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["train", "--data", "x", "--out", "y", "--phases", "64:1"])
    assert "'64:1' is not SIZE:EPOCHS:BATCH" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--workers", "-1"], "'-1' is not a whole number from 0 on"),
        (["--rate", "-1"], "'-1' is not a number above 0"),
        (["--rate", "nan"], "'nan' is not a number above 0"),
        (["--phases", "8:1:8"], "'8' is not a whole number from 32 on"),
        (["--size", "0"], "'0' is not a whole number from 32 on"),
        (["--degraded", "1.5"], "'1.5' is not a number from 0 on, at most 1"),
        (["--scale", "0", "1"], "'0' is not a number above 0"),
        (["--mixup", "inf"], "'inf' is not a number from 0 on"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_refuse_numbers_outside_their_limits(
    option: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(["train", "--data", "x", "--out", "y", *option])
    assert sentence in capsys.readouterr().err


def test_scale_may_be_given_in_any_order() -> None:
    args = options().parse_args(["--data", "x", "--out", "y", "--scale", "1.1", "0.5", "--device", "cpu"])
    assert config_of(args).scale == (0.5, 1.1)
