"""Reading of model files: the network has the logits of its checkpoint and can be trained."""

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from export.checkpoints.from_onnx import restore_batch_norm_statistics
from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase
from export.commands.train import main
from export.data.labels import LabelledImage
from export.data.transforms import load_squares, resize
from export.errors import CheckpointError
from export.nn.lesion_net import LesionNet
from export.nn.network import Normalise
from tests.support.paths import REPOSITORY
from tests.support.small_training import ARCHITECTURE, training_options


@pytest.fixture(scope="module")
def images(rows: list[LabelledImage], checkpoint: Path) -> torch.Tensor:
    """Return normalised images of the small network's input size."""
    spec = read_checkpoint(checkpoint).network.spec
    found: torch.Tensor = Normalise(spec)(resize(load_squares(rows[:12], 256).float(), spec.size))
    return found


@torch.inference_mode()
def test_model_file_has_the_logits_of_its_checkpoint(converted: Path, checkpoint: Path, images: torch.Tensor) -> None:
    released, own = read_checkpoint(converted), read_checkpoint(checkpoint)
    assert released.trained_here and not released.network.training
    assert released.network.spec == own.network.spec
    assert released.provenance == {**own.provenance, "released": "0.0.1"}
    for found, expected in zip(released.network(images), own.network(images), strict=True):
        # The file stores 11 bits of every weight.
        torch.testing.assert_close(found, expected, rtol=0, atol=0.01)


@torch.inference_mode()
def test_restored_batch_norms_keep_all_logits(converted: Path, images: torch.Tensor) -> None:
    network = read_checkpoint(converted).network
    before = network(images)[0]
    restore_batch_norm_statistics(network, images.split(5))
    torch.testing.assert_close(network(images)[0], before, rtol=0, atol=1e-4)
    # Without dropout, training mode has the same outputs for the same images.
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    torch.testing.assert_close(network(images)[0], before, rtol=0, atol=0.01)


def test_model_file_is_read_at_another_size(converted: Path) -> None:
    assert read_checkpoint(converted, ReaderOptions(size=128)).network.spec.size == 128


def test_training_starts_from_a_model_file(archive: Path, converted: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.start, options.phases, options.rate = converted, [Phase(64, 1, 4)], 1e-6
    main(options)
    trained, released = (read_checkpoint(path).network for path in (tmp_path / "checkpoint.pt", converted))
    assert isinstance(trained, LesionNet) and isinstance(released, LesionNet)
    assert trained.spec.arch == ARCHITECTURE
    # At a tiny learning rate the weights stay; random ones would differ.
    assert torch.cosine_similarity(trained.malignant.weight, released.malignant.weight)[0] > 0.99


def test_other_files_are_refused_with_a_reason(converted: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.onnx"
    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(nothing)
    nothing.write_bytes(b"no protobuf")
    with pytest.raises(CheckpointError, match="not a model file of"):
        read_checkpoint(nothing)
    model = onnx.load(converted)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    onnx.save(bare, nothing)
    with pytest.raises(CheckpointError, match="not a model file of"):
        read_checkpoint(nothing)
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("conv_stem", "stem")
    onnx.save(model, nothing)
    with pytest.raises(CheckpointError, match="another exporter wrote it"):
        read_checkpoint(nothing)


def test_released_model_is_read() -> None:
    loaded = read_checkpoint(REPOSITORY / "models" / "lesion.onnx")
    assert loaded.provenance["data_sha256"]
    assert sum(value.numel() for value in loaded.network.parameters()) > 3_000_000
