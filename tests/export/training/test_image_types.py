"""Training on both image types, with images prepared in workers or on the device."""

from pathlib import Path

import pytest
import torch

from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase
from export.commands.train import main
from export.data.labels import CLASSES
from export.data.tables import read_table
from export.errors import CheckpointError
from export.nn.lesion_net import LesionNet
from export.training import trainer
from tests.support.small_training import training_options


@pytest.fixture(scope="module")
def both_types(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a training on dermoscopic images and on clinical ones of a further class."""
    folder = tmp_path_factory.mktemp("both")
    clinical = folder / "clinical"
    clinical.mkdir()
    malignant = {row.isic_id for row in read_table(archive) if row.malignant}
    lines = ["image,patient,diagnosis,dataset,split"]
    for file in sorted(archive.glob("*.jpg")):
        name = f"clinical-{file.stem}"
        (clinical / f"{name}.jpg").symlink_to(file)
        code = "scc" if file.stem in malignant else "nevus"
        lines.append(f"{name},{name},{code},PAD-UFES-20,{file.stem.split('-')[0]}")
    (clinical / "metadata.csv").write_text("\n".join(lines) + "\n")
    options = training_options(archive, folder / "run")
    options.data, options.scale = [archive, clinical], [0.4, 1.1]
    options.phases, options.mixup = [Phase(64, 1, 4)], 0.2
    main(options)
    return folder / "run" / "checkpoint.pt"


def test_train_on_both_types_adds_a_head(both_types: Path, checkpoint: Path) -> None:
    """The checkpoint has the head and the further class; one image type alone has neither."""
    network, own = read_checkpoint(both_types).network, read_checkpoint(checkpoint).network
    assert isinstance(network, LesionNet) and network.spec.detects_type
    assert network.spec.classes == (*CLASSES, "squamous_cell_carcinoma")
    assert network.predict(torch.zeros(2, 3, 96, 96)).clinical is not None
    assert own.spec.classes == tuple(CLASSES) and not own.spec.detects_type


def test_history_has_figures_by_source(both_types: Path) -> None:
    state = torch.load(both_types, weights_only=True)
    [epoch] = state["training"]["history"]
    assert {"score", "val_auc", "type_accuracy", "sources"} <= epoch.keys()
    assert 0 <= epoch["type_accuracy"] <= 1
    assert state["provenance"]["recipe"]["scale"] == [0.4, 1.1]


def test_resume_accepts_a_checkpoint_without_the_field(
    archive: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Earlier versions did not record whether the network detects the image type. All epochs are finished here."""
    state = torch.load(checkpoint, weights_only=True)
    bias = state["training"]["network"]["malignant.bias"]
    del state["spec"]["detects_type"]
    torch.save(state, tmp_path / "checkpoint.pt")
    main(training_options(archive, tmp_path, resume=True))
    assert "resuming after epoch 1\nnothing is left to do: all epochs (2) are finished\n" in capsys.readouterr().out
    assert torch.equal(
        torch.load(tmp_path / "checkpoint.pt", weights_only=True)["training"]["network"]["malignant.bias"], bias
    )


def test_train_starts_from_other_classes_but_refuses_them_as_teacher(
    archive: Path, both_types: Path, tmp_path: Path
) -> None:
    options = training_options(archive, tmp_path)
    options.phases, options.start, options.rate = [Phase(64, 1, 12)], both_types, 0.0
    main(options)
    started, source = read_checkpoint(tmp_path / "checkpoint.pt").network, read_checkpoint(both_types).network
    assert isinstance(started, LesionNet) and isinstance(source, LesionNet)
    assert torch.equal(started.diagnosis.weight, source.diagnosis.weight[: len(CLASSES)])
    options.teachers, options.out = [both_types], tmp_path / "taught"
    with pytest.raises(CheckpointError, match=r"has the classes .* networks of the same classes"):
        main(options)


def test_device_preparation_resumes_as_an_uninterrupted_run(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches as on a GPU, run on the CPU: an interrupted run ends with the weights of an uninterrupted one."""
    found = []
    for name in ("unbroken", "broken"):
        options = training_options(archive, tmp_path / name)
        options.prepare, options.mixup, options.scale, options.balance = "device", 0.2, (0.4, 1.1), "sources"
        options.phases = [Phase(64, 1, 4), Phase(96, 1, 4)]
        if name == "broken":
            with monkeypatch.context() as patch:
                patch.setattr(trainer, "epochs", lambda phases: iter([(0, phases[0])]))
                main(options)
            options.resume = True
        main(options)
        found.append(torch.load(tmp_path / name / "checkpoint.pt", weights_only=True))
    unbroken, broken = found
    assert [entry["epoch"] for entry in broken["training"]["history"]] == [0, 1]
    assert all(torch.equal(value, broken["weights"][name]) for name, value in unbroken["weights"].items())
    assert unbroken["provenance"]["recipe"]["prepare"] == "device"
