"""Several networks become one: the mean of their logits, with evidence that sums to it."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lesion.imaging.decode import decode
from lesion.inference.model import Model

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint, read_checkpoints
from export.checkpoints.recipe import Phase
from export.commands import convert, train
from export.data.labels import LabelledImage
from export.data.transforms import crop_square, resize
from export.errors import CheckpointError
from export.graph.assemble import NetworkCore
from export.nn.ensemble import Ensemble
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise
from export.nn.typed_heads import TypedHeads
from export.reporting.card_training import describe_recipes
from tests.support.paths import REPOSITORY
from tests.support.small_training import conversion_options, training_options


@pytest.fixture(scope="module")
def pair(checkpoint: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the small network, and another one with colour constancy."""
    out = tmp_path_factory.mktemp("other")
    options = argparse.Namespace(**{**vars(training_options(archive, out)), "seed": 2, "colour_constancy": 6.0})
    train.main(options)
    return [checkpoint, out / "checkpoint.pt"]


@pytest.fixture(scope="module")
def joined(pair: list[Path], archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convert both to one model file."""
    options = conversion_options(pair[0], archive, tmp_path_factory.mktemp("joined") / "lesion.onnx")
    options.checkpoint = pair
    convert.main(options)  # checks parity with PyTorch, evidence included
    path: Path = options.out
    return path


@pytest.mark.slow
def test_ensemble_file_returns_the_mean_logit(pair: list[Path], joined: Path, rows: list[LabelledImage]) -> None:
    both = Model(joined)
    assert both.card.architecture == "test_efficientnet + test_efficientnet"
    assert [recipe["seed"] for recipe in both.card.about["training"]["recipes"]] == [1, 2]
    networks = [read_checkpoint(path).network for path in pair]
    for row in rows[:4]:
        pixels = decode(row.path.read_bytes(), at_least=192).pixels
        square = torch.from_numpy(np.ascontiguousarray(crop_square(pixels).transpose(2, 0, 1)))[None].float()
        small = resize(square, 96)
        with torch.inference_mode():
            single = [float(network(Normalise(network.spec)(small))[0]) for network in networks]
        assert abs(single[0] - single[1]) > 1e-4
        # The file stores weights in float16.
        assert both.run(pixels).logit == pytest.approx(np.mean(single), abs=0.01)


@pytest.mark.slow
@torch.inference_mode()
def test_read_checkpoint_restores_an_ensemble(pair: list[Path], joined: Path) -> None:
    released = read_checkpoint(joined)
    assert released.trained_here and isinstance(released.network, Ensemble)
    assert {**read_checkpoints(pair).provenance, "released": "0.0.1"} == released.provenance
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    for member, path in zip(released.network.networks, pair, strict=True):
        own = read_checkpoint(path).network
        assert member.spec == own.spec
        for found, expected in zip(member(Normalise(own.spec)(pixels)), own(Normalise(own.spec)(pixels)), strict=True):
            # The file has 11 bits of every number of the networks.
            torch.testing.assert_close(found, expected, rtol=0, atol=0.02)


@pytest.mark.slow
def test_train_starts_from_the_ensemble_member_of_its_arch(archive: Path, joined: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.start = joined
    with pytest.raises(CheckpointError, match="exactly one of its networks must be a test_efficientnet"):
        train.main(options)  # both are
    # The released file has one network of each architecture.
    released = REPOSITORY / "models" / "lesion.onnx"
    options.start, options.arch, options.phases, options.rate = (
        released,
        "tf_efficientnet_lite0",
        [Phase(64, 1, 4)],
        1e-6,
    )
    train.main(options)
    trained, whole = (read_checkpoint(path).network for path in (tmp_path / "checkpoint.pt", released))
    assert isinstance(trained, LesionNet)
    base = whole.base if isinstance(whole, TypedHeads) else whole
    assert isinstance(base, LesionNet | Ensemble)
    [own] = [member for member in base.networks if member.spec.arch == trained.spec.arch]
    assert torch.cosine_similarity(trained.malignant.weight, own.malignant.weight)[0] > 0.99


def test_ensemble_refuses_networks_that_do_not_match(pair: list[Path], tmp_path: Path) -> None:
    first = read_checkpoint(pair[0]).network
    assert isinstance(first, LesionNet)
    with pytest.raises(ValueError, match="same classes and the same input size"):
        Ensemble([first, LesionNet(replace(first.spec, size=64))])
    state = torch.load(pair[1], weights_only=True)
    state["provenance"]["data_sha256"] = "other"
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="learnt from different images"):
        read_checkpoints([pair[0], tmp_path / "other.pt"])
    torch.save(torch.nn.Linear(4, 2).state_dict(), tmp_path / "foreign.pth")
    with pytest.raises(CheckpointError):
        read_checkpoints([pair[0], tmp_path / "foreign.pth"], ReaderOptions(classes=("nevus", "melanoma")))


def test_ensemble_normalises_once_where_specs_are_equal(checkpoint: Path) -> None:
    network = read_checkpoint(checkpoint).network
    assert isinstance(network, LesionNet)
    other = LesionNet(network.spec).eval()
    both = Ensemble([network, other]).eval()
    assert both.spec.mean == network.spec.mean
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    images = Normalise(network.spec)(pixels)
    with torch.inference_mode():
        expected = (network(images)[0] + other(images)[0]) / 2
        torch.testing.assert_close(both(Normalise(both.spec)(pixels))[0], expected)


def test_weights_of_an_ensemble_are_those_of_its_logits(pair: list[Path]) -> None:
    alone = [read_checkpoint(path).network for path in pair]
    weighted = read_checkpoints(pair, ReaderOptions(weights=(3, 1)))
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        first, second = (network(Normalise(network.spec)(pixels)) for network in alone)
        found = weighted.network(Normalise(weighted.network.spec)(pixels))
    for logits, one, other in zip(found, first, second, strict=True):
        torch.testing.assert_close(logits, 0.75 * one + 0.25 * other)
    assert weighted.provenance["weights"] == [3, 1]
    assert "the mean of the logits of 2 networks, with weights 3 and 1. (1)" in describe_recipes(weighted.provenance, "")
    with pytest.raises(CheckpointError, match=r"another number of weights \(1\) than checkpoints \(2\)"):
        read_checkpoints(pair, ReaderOptions(weights=(1,)))


def test_middle_features_are_those_of_every_member(checkpoint: Path) -> None:
    """The OOD score and the detector of the image type read them."""
    network = read_checkpoint(checkpoint).network
    assert isinstance(network, LesionNet)
    other = LesionNet(network.spec).eval()
    core = NetworkCore(Ensemble([network, other])).eval()
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features = core(pixels)[core.outputs.index("middle")]
        maps = [one for member in (network, other) for one in member.feature_maps(Normalise(network.spec)(pixels))[1]]
    assert [one.shape[2] for one in maps] == [12, 6, 12, 6], "two resolutions of each member"
    expected = [values for one in maps for values in (one.mean((2, 3)), one.std((2, 3), unbiased=False))]
    torch.testing.assert_close(features, torch.cat(expected, 1))
    assert features.shape[1] == core.features
