"""The network among what training programs save beside it, and heads that were replaced."""

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import ResNet, mobilenet_v2
from torchvision.models.resnet import BasicBlock

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import Checkpoint, read_checkpoint
from export.errors import ArchitectureError, CheckpointError, HeadError

CLASSES = ("benign", "malignant")
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def whole() -> nn.Module:
    """Return a small ResNet with statistics as after training, which is recognised by its tensors."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network: nn.Module = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=2)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
                part.running_mean.normal_(0, 0.05)
                part.running_var.uniform_(0.8, 1.2)
    return network.eval()


def read(content: object, folder: Path, arch: str = "") -> Checkpoint:
    torch.save(content, folder / "checkpoint.pth")
    return read_checkpoint(folder / "checkpoint.pth", ReaderOptions(arch, CLASSES, size=64))


def require_logits_of(network: nn.Module, checkpoint: Checkpoint) -> None:
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        torch.testing.assert_close(checkpoint.network(images)[1], network(images), atol=1e-4, rtol=1e-4)


def under(prefix: str, network: nn.Module) -> Tensors:
    return {f"{prefix}{name}": value for name, value in network.state_dict().items()}


BESIDE: dict[str, Tensors] = {
    "class weights": {"criterion.weight": torch.tensor([0.3, 0.7])},
    "a scalar weight": {"loss_fn.pos_weight": torch.tensor(3.2)},
    "weights of a focal loss": {"focal.alpha": torch.tensor([0.25, 0.75]), "focal.gamma": torch.tensor(2.0)},
    "a matrix of costs": {"criterion.cost": torch.eye(2)},
    "metrics": {"val_acc.tp": torch.zeros(2, dtype=torch.long), "val_cm.confmat": torch.zeros(2, 2, dtype=torch.long)},
    "a collection of metrics": {"test_metrics.MulticlassF1Score.fp": torch.zeros(2, dtype=torch.long)},
    "counters": {"ema.num_updates": torch.tensor(7), "step": torch.tensor(7)},
    "unknown numbers": {"log_vars": torch.zeros(3), "seen": torch.zeros(2, 2, dtype=torch.long)},
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("prefix", ["model.", "module.net.", "classifier_of_mine."])
def test_tensors_beside_the_network_do_not_hinder(name: str, prefix: str, whole: nn.Module, tmp_path: Path) -> None:
    checkpoint = read({"state_dict": BESIDE[name] | under(prefix, whole)}, tmp_path)
    require_logits_of(whole, checkpoint)
    for tensor in BESIDE[name]:
        assert tensor in str(checkpoint), "what is set aside is said"


@pytest.mark.parametrize("prefix", ["resnet.", "cnn.", "module.base_model.", "a.b.c.d."])
def test_any_shared_prefix_is_removed(prefix: str, whole: nn.Module, tmp_path: Path) -> None:
    require_logits_of(whole, read(under(prefix, whole), tmp_path))


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize(
    "names", [("mean", "std"), ("model.normalize.mean", "model.normalize.std"), ("pixel_mean", "pixel_std")]
)
def test_buffers_are_the_normalisation(names: tuple[str, str], scale: int, whole: nn.Module, tmp_path: Path) -> None:
    mean, std = (scale * torch.tensor(value).reshape(1, 3, 1, 1) for value in ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)))
    checkpoint = read(under("model.net.", whole) | dict(zip(names, (mean, std), strict=True)), tmp_path)
    assert checkpoint.network.spec.mean == pytest.approx((0.1, 0.2, 0.3))
    assert checkpoint.network.spec.std == pytest.approx((0.4, 0.5, 0.6))
    require_logits_of(whole, checkpoint)


def test_recognised_network_is_described(whole: nn.Module, tmp_path: Path) -> None:
    assert str(read(whole.state_dict(), tmp_path)) == "resnet, 2 classes, ImageNet normalisation, 64 x 64 pixels"
    plain = {"mean": torch.zeros(3), "std": torch.ones(3)}
    assert "2 classes, no normalisation" in str(read(under("model.", whole) | plain, tmp_path))


@pytest.mark.parametrize(
    "beside",
    [
        {"myfc.weight": torch.zeros(2, 512), "myfc.bias": torch.zeros(2)},
        {"norm.weight": torch.ones(512), "norm.bias": torch.zeros(512)},
        {"projection": torch.zeros(512, 16)},
        {"temperature": torch.ones(1)},
    ],
)
def test_tensors_of_a_head_are_never_left_out(beside: Tensors, whole: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"can belong to its head.*{next(iter(beside))}"):
        read(under("encoder.", whole) | beside, tmp_path)


def test_network_without_its_head_names_the_rest(tmp_path: Path) -> None:
    body = timm.create_model("test_efficientnet", num_classes=0)
    own = {"module.myfc.weight": torch.zeros(2, 256), "module.myfc.bias": torch.zeros(2)}
    with pytest.raises(CheckpointError, match=r"myfc\.weight, myfc\.bias"):
        read(under("module.enet.", body) | own, tmp_path, "test_efficientnet")


def test_two_networks_are_ambiguous(whole: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"several networks, under student\., teacher\."):
        read(under("student.", whole) | under("teacher.", whole), tmp_path)


def test_moving_average_precedes_the_network(whole: nn.Module, tmp_path: Path) -> None:
    other = {name: value + 1 for name, value in under("model.", whole).items()}
    for prefix in ("ema_model.", "model_ema.module.", "averaged_model.", "swa_model."):
        require_logits_of(whole, read(other | under(prefix, whole), tmp_path))


def replaced(whole: nn.Module, *layers: nn.Module) -> ResNet:
    network = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=2)
    network.load_state_dict(whole.state_dict())
    network.fc = nn.Sequential(*layers)
    return network.eval()


HEADS: dict[str, Callable[[], list[nn.Module]]] = {
    "dropout": lambda: [nn.Dropout(), nn.Linear(512, 2)],
    "one hidden layer": lambda: [nn.Linear(512, 16), nn.ReLU(), nn.Linear(16, 2)],
    "hidden layer with dropout": lambda: [nn.Dropout(), nn.Linear(512, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 2)],
    "batch norm": lambda: [nn.BatchNorm1d(512), nn.Linear(512, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)],
    "two linear layers": lambda: [nn.Linear(512, 16, bias=False), nn.Linear(16, 2)],
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("pickled", [False, True])
def test_replaced_head_is_read(name: str, pickled: bool, whole: nn.Module, tmp_path: Path) -> None:
    network = replaced(whole, *HEADS[name]())
    checkpoint = read(network if pickled else network.state_dict(), tmp_path)
    require_logits_of(network, checkpoint)
    assumed = not pickled and any(isinstance(layer, nn.ReLU) for layer in network.fc.children())
    assert ("ReLU is assumed" in str(checkpoint)) == assumed


def test_classifier_of_torchvision_is_replaced_as_a_whole(tmp_path: Path) -> None:
    network = mobilenet_v2(weights=None, num_classes=2).eval()
    network.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, 8), nn.ReLU(), nn.Linear(8, 2))
    require_logits_of(network, read(network.state_dict(), tmp_path, "mobilenet_v2"))


@pytest.mark.parametrize(
    ("layers", "pickled", "sentence"),
    [
        ([nn.Linear(512, 16), nn.Tanh(), nn.Linear(16, 2)], True, "Tanh"),
        ([nn.LayerNorm(512), nn.Linear(512, 2)], False, r"fc\.0 of a kind that is not read"),
    ],
)
def test_other_layers_of_a_head_are_refused(
    layers: list[nn.Module], pickled: bool, sentence: str, whole: nn.Module, tmp_path: Path
) -> None:
    network = replaced(whole, *layers)
    with pytest.raises(HeadError, match=sentence):
        read(network if pickled else network.state_dict(), tmp_path)


def test_another_architecture_is_still_an_error(whole: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match="not those of mobilenetv2_035"):
        read(under("model.", whole), tmp_path, "mobilenetv2_035")


@pytest.mark.parametrize("name", ["weights.pth", "weights.SAFETENSORS", "weights"])
def test_safetensors_are_recognised_by_content(name: str, whole: nn.Module, tmp_path: Path) -> None:
    save_file(whole.state_dict(), tmp_path / name)
    require_logits_of(whole, read_checkpoint(tmp_path / name, ReaderOptions(classes=CLASSES, size=64)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "It is empty"),
        (b"\n\n", "It is empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras file"),
        (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64, "Git LFS pointer.*git lfs pull"),
        (b"\xef\xbb\xbf<!DOCTYPE html><title>Sign in</title>", "a web page"),
        (b'\n <html lang="en">', "a web page"),
        (b'{"error": "not found"}', "a JSON document"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "an image"),
    ],
)
def test_other_files_are_refused_by_their_name(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "weights.pth")


def test_folder_names_the_files_in_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="folder without a checkpoint"):
        read_checkpoint(tmp_path)
    (tmp_path / "best.ckpt").touch()
    with pytest.raises(CheckpointError, match=r"a folder\. Name the file in it: best\.ckpt"):
        read_checkpoint(tmp_path)
    (tmp_path / "best.ckpt").unlink()
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(CheckpointError, match="a folder of TensorFlow"):
        read_checkpoint(tmp_path)
