"""Heads for each image type, from a checkpoint over a model file to a further training."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from lesion.imaging.decode import Pixels, decode
from lesion.inference.model import Model

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint, read_checkpoints
from export.checkpoints.recipe import Phase
from export.checkpoints.writer import file_sha256
from export.commands import convert, heads, train
from export.errors import CheckpointError, DataError
from export.graph.assemble import NetworkCore, assemble, export_network, restore_float32_network
from export.graph.parameters import GraphParameters
from export.graph.quantize import quantise_network
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise
from export.nn.typed_heads import TypedHeads
from export.reporting.card_training import describe_recipes
from export.training.typed_heads import PENALTIES
from tests.support.paths import SAMPLES
from tests.support.small_training import conversion_options, training_options


def fit(checkpoints: list[Path], archive: Path, out: Path, *options: str) -> Path:
    """Return the checkpoint that `python -m export heads` writes."""
    given = [*map(str, checkpoints), "--data", str(archive), "--out", str(out), *options]
    heads.main(heads.options().parse_args(given))
    return out / "checkpoint.pt"


@pytest.fixture(scope="module")
def trained(typed_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the checkpoints of two trainings on both image types."""
    paths = []
    for seed in (1, 2):
        options = training_options(typed_archive, tmp_path_factory.mktemp(f"seed-{seed}"))
        options.seed, options.phases = seed, [Phase(64, 1, 4)]
        train.main(options)
        paths.append(options.out / "checkpoint.pt")
    return paths


@pytest.fixture(scope="module")
def fitted(trained: list[Path], typed_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(trained, typed_archive, tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="module")
def released(fitted: Path, typed_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model file, which `convert` has compared with PyTorch on images of both types."""
    options = conversion_options(fitted, typed_archive, tmp_path_factory.mktemp("model") / "lesion.onnx")
    convert.main(options)
    path: Path = options.out
    return path


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return decode((SAMPLES / "ISIC_0010021.jpg").read_bytes(), at_least=200).pixels


def test_graph_answers_with_the_heads_of_the_used_type(fitted: Path, released: Path, pixels: Pixels) -> None:
    network, model = read_checkpoint(fitted).network, Model(released)
    assert isinstance(network, TypedHeads) and model.card.bias is None
    square = torch.from_numpy(np.ascontiguousarray(pixels[:, 64:448].transpose(2, 0, 1)))[None].float()
    square = torch.nn.functional.interpolate(square, (96, 96), mode="bilinear", antialias=True)
    logits = []
    for image_type in model.card.image_types:
        for views in (1, 8):
            outputs = model.run(pixels, views=views, image_type=image_type)
            assert outputs.evidence.mean() + outputs.bias == pytest.approx(outputs.logit, abs=1e-4)
            logits.append(outputs.logit)
        outputs = model.run(pixels, image_type=image_type)
        with torch.inference_mode():
            expected = network(Normalise(network.spec)(square), torch.tensor([image_type == "clinical"]))[0]
        # The file stores weights in float16.
        assert outputs.logit == pytest.approx(float(expected), abs=0.02)
    assert abs(logits[0] - logits[2]) > 0.02, "the types have different heads"
    detected = model.run(pixels)
    given = model.run(pixels, image_type=detected.image_type)
    assert (detected.logit, detected.bias) == (given.logit, given.bias)


def test_model_file_has_the_network_and_its_record(fitted: Path, released: Path) -> None:
    own, found = read_checkpoint(fitted), read_checkpoint(released)
    assert isinstance(found.network, TypedHeads) and found.trained_here
    assert found.provenance == {**own.provenance, "released": "0.0.1"}
    assert found.provenance["heads"].keys() == {"dermoscopic", "clinical"}
    assert all(fit["inverse_penalty"] in PENALTIES for fit in found.provenance["heads"].values())
    described = describe_recipes(found.provenance, "")
    assert described.index("for dermoscopic images, last layers") < described.index("; for clinical images, last layers")
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    types = torch.tensor([0, 1])
    with torch.inference_mode():
        logits = [one.network(Normalise(own.network.spec)(pixels), types) for one in (own, found)]
    for expected, actual in zip(*logits, strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=0.02)


def test_heads_are_fitted_to_a_model_file_with_heads(released: Path, typed_archive: Path, tmp_path: Path) -> None:
    """Its batch norms are those of real images again, so that a training can start from it."""
    network = read_checkpoint(fit([released], typed_archive, tmp_path)).network
    assert isinstance(network, TypedHeads)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all(norm.running_mean is not None and norm.running_mean.abs().max() > 0 for norm in norms)


def test_training_does_not_choose_between_two_networks(released: Path, typed_archive: Path, tmp_path: Path) -> None:
    options = training_options(typed_archive, tmp_path)
    options.start = released
    with pytest.raises(CheckpointError, match="exactly one of its networks must be"):
        train.main(options)


def test_types_that_are_left_out_keep_the_heads_of_the_networks(
    trained: list[Path], typed_archive: Path, tmp_path: Path
) -> None:
    """A second fit keeps what the first one changed."""
    first = fit(trained, typed_archive, tmp_path / "first", "--types", "dermoscopic", "--malignant-weights", "none")
    record, networks = read_checkpoint(first).provenance, [read_checkpoint(path).network for path in (*trained, first)]
    assert record["heads"].keys() == {"dermoscopic"} and record["heads"]["dermoscopic"]["images"] == 12
    assert record["heads"]["dermoscopic"]["malignant_weights"] == "none"
    described = describe_recipes(record, "")
    assert "for dermoscopic images, last layers of their own (heads) on the features of 2 networks: logistic" in described
    assert "malignancy without weights, diagnoses weighted by class, L2 penalty" in described
    assert f"networks of the files with sha256 `{file_sha256(trained[0])[:12]}` and " in described
    assert "for clinical images, the mean of the logits of 2 networks." in described
    again = read_checkpoint(fit([first], typed_archive, tmp_path / "second", "--types", "clinical"))
    second, kept = again.network, again.provenance["heads"]
    assert kept["clinical"]["malignant_weights"] == "classes"
    assert kept["dermoscopic"] == record["heads"]["dermoscopic"] and kept["clinical"]["networks"] == [file_sha256(first)]
    pixels = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    images, clinical = Normalise(networks[0].spec)(pixels), torch.ones(2)
    with torch.inference_mode():
        one, other, both = (network(images, clinical)[0] for network in networks)
        torch.testing.assert_close(both, (one + other) / 2)
        torch.testing.assert_close(second(images, 0 * clinical)[0], networks[2](images, 0 * clinical)[0])
        assert (second(images, clinical)[0] - both).abs().min() > 1e-3


def test_heads_of_one_network_are_a_start(trained: list[Path], typed_archive: Path, tmp_path: Path) -> None:
    options = training_options(typed_archive, tmp_path / "run")
    options.start, options.phases, options.rate = fit(trained[:1], typed_archive, tmp_path), [Phase(64, 1, 4)], 0.0
    options.teachers, options.teachers_share = [options.start], 0.5
    train.main(options)
    network, source = (read_checkpoint(path).network for path in (tmp_path / "run" / "checkpoint.pt", options.start))
    assert isinstance(network, LesionNet) and isinstance(source, TypedHeads)
    torch.testing.assert_close(network.malignant.weight[0], source.malignant.weight.mean(0))


def test_heads_refuse_what_they_cannot_be_fitted_to(
    trained: list[Path], fitted: Path, checkpoint: Path, archive: Path, typed_archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="need dermoscopic and clinical images"):
        fit(trained, archive, tmp_path / "one-type")
    with pytest.raises(CheckpointError, match="trained on other images"):
        fit([checkpoint], typed_archive, tmp_path / "other")
    with pytest.raises(CheckpointError, match="checkpoint of another run"):
        fit(trained, typed_archive, fitted.parent)
    with pytest.raises(CheckpointError, match="Only checkpoints of `python -m export train` can be joined"):
        read_checkpoints([trained[0], fitted], ReaderOptions())


def test_heads_stay_in_float32_in_an_int8_file(fitted: Path, pixels: Pixels) -> None:
    network = read_checkpoint(fitted).network
    core = NetworkCore(network)
    bare = assemble(export_network(core), network, GraphParameters.placeholder(core.features))
    quantised = quantise_network(bare, [pixels])
    tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
    assert any(tensor.data_type == onnx.TensorProto.INT8 for tensor in tensors.values())
    [head] = [node for node in quantised.graph.node if "cells_by_type" in node.output]
    assert head.op_type == "Conv" and tensors[head.input[1]].data_type == onnx.TensorProto.FLOAT


def test_other_checkpoint_of_a_file_with_heads_is_refused(trained: list[Path], released: Path) -> None:
    network = read_checkpoints(trained).network
    with pytest.raises(CheckpointError, match="converted from another checkpoint"):
        restore_float32_network(onnx.load(released), export_network(NetworkCore(network)))
