"""A run leaves a table, curves and its best epoch beside the checkpoint, and can stop early."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from export.checkpoints.body_weights import load_body_weights
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase, TrainConfig
from export.checkpoints.statedict import StateDict
from export.commands.train import main, options
from export.console import main as run
from export.errors import CheckpointError, Interrupted
from export.training.records import best_epoch, draw_curves, flat_figures, stops_early
from export.training.trainer import Trainer, stored_side
from tests.support.small_training import ARCHITECTURE, training_options


def epochs(*scores: float) -> list[dict[str, Any]]:
    sources = {"HAM10000 dermoscopic": {"images": 20, "malignant": 0.9, "melanoma_nevus": None}}
    return [{"epoch": n, "loss": 2 - value, "score": value, "sources": sources} for n, value in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "patience", "stops"),
    [
        ((0.8, 0.9, 0.85), None, False),
        ((0.8, 0.9, 0.85), 2, False),
        ((0.8, 0.9, 0.85, 0.9), 2, True),
        ((0.8, 0.9, 0.85, 0.91), 2, False),
        ((), 1, False),
    ],
)
def test_run_stops_when_the_score_has_not_risen(scores: Sequence[float], patience: int | None, stops: bool) -> None:
    assert stops_early(epochs(*scores), patience) == stops


def test_best_epoch_is_the_first_of_equal_ones() -> None:
    assert best_epoch(epochs(0.8, 0.9, 0.9)) == 1
    # Without sources of enough images, the AUC of all images counts.
    assert best_epoch([{"val_auc": 0.7, "score": None}, {"val_auc": 0.8, "score": None}]) == 1


def test_figures_of_sources_have_columns() -> None:
    [epoch] = epochs(0.8)
    assert flat_figures(epoch) == {
        "epoch": 0,
        "loss": 1.2,
        "score": 0.8,
        "HAM10000 dermoscopic malignant": 0.9,
        "HAM10000 dermoscopic melanoma_nevus": None,
    }


def test_curves_show_every_epoch() -> None:
    with Image.open(io.BytesIO(draw_curves(epochs(0.8, 0.9, 0.85)))) as image:
        assert image.format == "PNG" and image.size == (1000, 400)
    assert draw_curves(epochs(0.8, 0.9)) != draw_curves(epochs(0.8, 0.85))


def test_training_writes_its_records(archive: Path, tmp_path: Path) -> None:
    args = training_options(archive, tmp_path)
    args.tensorboard = True
    main(args)
    history = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["training"]["history"]
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [epoch["loss"] for epoch in history]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    best = torch.load(tmp_path / "best.pt", weights_only=True)["training"]
    assert best["epoch"] == best_epoch(history) + 1
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.value for event in events.Scalars("loss")] == pytest.approx([epoch["loss"] for epoch in history])
    assert not list(tmp_path.glob("*.part"))


def test_training_stops_early_and_stays_stopped(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = iter((0.9, 0.8, 0.7))
    monkeypatch.setattr("export.training.trainer.validation_figures", lambda *_: {"score": next(scores), "val_auc": 0.5})
    args = training_options(archive, tmp_path)
    args.phases, args.patience = [Phase(64, 9, 4)], 2
    main(args)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["training"]["epoch"] == 3
    assert "no epoch since 0 has a higher score than 0.9000" in capsys.readouterr().out
    args.resume = True
    main(args)
    assert "no epoch since 0" in capsys.readouterr().out
    assert torch.load(tmp_path / "best.pt", weights_only=True)["training"]["epoch"] == 1


def test_seeds_are_runs_of_their_own(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = training_options(archive, tmp_path)
    args.phases, args.seeds, args.seed = [Phase(64, 1, 4)], 2, 5
    main(args)
    first, second = (read_checkpoint(tmp_path / f"seed-{seed}" / "checkpoint.pt") for seed in (5, 6))
    assert [found.provenance["recipe"]["seed"] for found in (first, second)] == [5, 6]
    assert "best scores of 2 seeds: mean " in capsys.readouterr().out


def test_interrupt_says_how_to_go_on(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save = Trainer.save

    def save_and_stop(self: Trainer) -> None:
        save(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "save", save_and_stop)
    with pytest.raises(Interrupted, match=r"Stopped after 1 epoch\."):
        main(training_options(archive, tmp_path))
    given = [
        "--data",
        str(archive),
        "--out",
        str(tmp_path / "b"),
        "--arch",
        ARCHITECTURE,
        "--workers",
        "0",
        "--phases",
        "64:2:4",
    ]
    assert run(["train", *given]) == 130
    assert capsys.readouterr().err.endswith("Stopped after 1 epoch. Run the same command with --resume to continue.\n")


def test_images_are_kept_at_the_largest_size() -> None:
    assert stored_side(TrainConfig(phases=(Phase(64, 1, 4), Phase(128, 1, 4)), size=96)) == 256
    assert stored_side(TrainConfig(phases=(Phase(64, 1, 4), Phase(384, 1, 4)), size=96)) == 384
    assert stored_side(TrainConfig(phases=(Phase(64, 1, 4),), size=320)) == 320


def state_of(network: nn.Module) -> StateDict:
    return StateDict({f"model.{name}": value for name, value in network.state_dict().items()}, {})


def test_training_starts_from_timm_weights(archive: Path, tmp_path: Path) -> None:
    """ImageNet's thousand classes do not hinder."""
    whole = timm.create_model(ARCHITECTURE, num_classes=1000)
    save_file(whole.state_dict(), tmp_path / "weights.safetensors")
    args = training_options(archive, tmp_path)
    args.start, args.phases, args.rate = tmp_path / "weights.safetensors", [Phase(64, 1, 4)], 1e-9
    main(args)
    body = read_checkpoint(tmp_path / "checkpoint.pt").network.state_dict()
    name = "conv_stem.weight"
    assert torch.allclose(body[f"body.{name}"], whole.state_dict()[name], atol=1e-5)


@pytest.mark.parametrize("arch", ["resnet18", pytest.param("efficientnet_b0", marks=pytest.mark.slow)])
def test_torchvision_weights_are_the_body(arch: str) -> None:
    whole: Any = torchvision.models.get_model(arch, weights=None).eval()
    body: Any = timm.create_model(arch, num_classes=0, global_pool="").eval()
    load_body_weights(body, arch, state_of(whole))
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        layers = nn.Sequential(*list(whole.children())[:-2]) if arch == "resnet18" else whole.features
        assert torch.allclose(body(images), layers(images), atol=1e-4)


def test_weights_of_another_architecture_are_refused() -> None:
    body = timm.create_model("resnet18", num_classes=0, global_pool="")
    with pytest.raises(CheckpointError, match="does not contain the body of a resnet18"):
        load_body_weights(body, "resnet18", state_of(timm.create_model(ARCHITECTURE)))


def test_options_are_those_of_one_run() -> None:
    assert options().parse_args(["--data", "a", "--out", "b"]).seeds == 1
    with pytest.raises(SystemExit):
        options().parse_args(["--data", "a", "--out", "b", "--patience", "0"])
