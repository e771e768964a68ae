"""Third-party checkpoints: the networks have the logits of their own libraries, under the right class names."""

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from lesion.inference.model import Model
from safetensors.torch import save_file
from torch import nn

from export.checkpoints import reader
from export.checkpoints.class_names import class_codes, malignant_flags
from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recorded_objects import iterate_objects
from export.checkpoints.torchfile import read_torch_file
from export.commands import convert, precision, release
from export.commands.options import description_in
from export.console import command_module, main
from export.errors import ArchitectureError, CheckpointError, ClassesError, HeadError
from export.nn.network import Network
from tests.pickles import RECORDED
from tests.support.paths import REPOSITORY
from tests.support.small_training import conversion_options

NAMES = ["Melanoma", "Nevus", "Basal cell carcinoma"]
RECORDINGS = sorted(path.stem for path in RECORDED.glob("*.pkl"))
FRESH = ("v2-bottleneck", "v2-densenet", "v2-resnet", "v2-timm")


@pytest.fixture(scope="session")
def fastai(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pickles that the installed PyTorch and the real fastai v2 wrote."""
    packages, folder = tmp_path_factory.mktemp("fastai"), tmp_path_factory.mktemp("pickles")
    requirements = REPOSITORY / "tests" / "pickles" / "requirements-v2.txt"
    install = ["pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target", str(packages)]
    done = subprocess.run([sys.executable, "-m", *install, "-r", str(requirements)], capture_output=True, text=True)
    if done.returncode:
        sentence = f"fastai cannot be installed here: {done.stderr[-200:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    subprocess.run(
        [sys.executable, "-m", "tests.pickles.write_v2", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(packages), "MPLCONFIGDIR": str(packages)},
        check=True,
    )
    return folder


def require_the_same_answer(path: Path) -> None:
    """Check logits and probabilities against those that fastai itself computed for the image beside the pickle."""
    recorded = np.load(path.with_suffix(".npz"))
    network = read_checkpoint(path).network
    assert network.spec.classes == class_codes([str(name) for name in recorded["classes"]])
    assert network.spec.size == len(recorded["image"])
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (network.spec.mean, network.spec.std))
    image = torch.from_numpy(recorded["image"].transpose(2, 0, 1).copy())[None].float() / 255
    with torch.inference_mode():
        logits = network((image - mean) / std)[1][0]
        explained = network.explain(network.feature_maps((image - mean) / std)[0]).class_logits[0]
    for found in (logits, explained):
        assert np.allclose(found, recorded["logits"], atol=1e-4)
        assert np.allclose(torch.softmax(found, 0), recorded["probabilities"], atol=1e-4)


@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_fastai_pickle_has_fastais_logits(name: str) -> None:
    require_the_same_answer(RECORDED / f"{name}.pkl")


@pytest.mark.slow
@pytest.mark.parametrize("name", FRESH)
def test_new_fastai_pickle_has_fastais_logits(name: str, fastai: Path) -> None:
    require_the_same_answer(fastai / f"{name}.pkl")


def test_fastai_pickles_are_read_without_fastai() -> None:
    assert len(RECORDINGS) >= 5
    assert not any(name.split(".")[0] == "fastai" for name in sys.modules)


def test_learner_without_normalisation_is_read_without() -> None:
    spec = read_checkpoint(RECORDED / "v1-resnet.pkl").network.spec
    assert (spec.mean, spec.std) == ((0, 0, 0), (1, 1, 1))


def test_fastai_v1_body_ends_before_the_last_relu() -> None:
    network = read_checkpoint(RECORDED / "v1-densenet.pkl").network
    with torch.inference_mode():
        assert float(network.feature_maps(torch.randn(1, 3, 64, 64))[0].min()) < 0


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state dict with statistics as after training."""
    generator = torch.Generator().manual_seed(1)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.copy_(torch.rand(part.running_mean.shape, generator=generator) - 0.5)
            part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) + 0.5)
    return network.eval().state_dict()


def require_the_logits_of(whole: nn.Module, network: Network) -> None:
    images = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected, logits = whole(images), network(images)[1]
    assert torch.allclose(logits, expected, atol=1e-4 * max(1, float(expected.abs().max())))


def torchvisions(name: str) -> nn.Module:
    """Return a network of torchvision; the first two are narrow ones of its classes."""
    models = torchvision.models
    if name == "bottlenecks":
        whole: nn.Module = models.ResNet(models.resnet.Bottleneck, [1, 1, 2, 1], 3, groups=4, width_per_group=8)
    elif name == "densenet":
        whole = models.DenseNet(8, (2, 3, 2, 2), 16, bn_size=2, num_classes=3)
    else:
        whole = models.get_model(name, weights=None, num_classes=3)
    weights(whole)
    return whole


@pytest.mark.parametrize(
    ("name", "arch", "found"),
    [
        ("bottlenecks", "", "resnet"),
        ("densenet", "", "densenet"),
        ("resnet18", "", "resnet18"),
        ("resnet18", "resnet18", "resnet18"),
        ("mobilenet_v2", "mobilenet_v2", "mobilenet_v2"),
        pytest.param("regnet_y_400mf", "regnet_y_400mf", "regnet_y_400mf", marks=pytest.mark.slow),
    ],
)
def test_torchvision_state_dict_has_its_logits(name: str, arch: str, found: str, tmp_path: Path) -> None:
    whole = torchvisions(name)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    network = read_checkpoint(tmp_path / "weights.pth", ReaderOptions(arch, NAMES, size=96)).network
    assert network.spec.arch == found
    require_the_logits_of(whole, network)


@pytest.mark.parametrize(
    "arch",
    [
        "test_efficientnet",
        "resnet10t",
        "resnetv2_18",
        *(pytest.param(arch, marks=pytest.mark.slow) for arch in ("mobilenetv2_035", "efficientnet_lite0", "dla46x_c")),
    ],
)
def test_timm_state_dict_has_its_logits(arch: str, tmp_path: Path) -> None:
    """The last two end with a convolution of 1 x 1 in place of a linear layer."""
    whole = timm.create_model(arch, num_classes=3)
    save_file(weights(whole), tmp_path / "model.safetensors")
    network = read_checkpoint(tmp_path / "model.safetensors", ReaderOptions(arch, NAMES, size=96)).network
    require_the_logits_of(whole, network)
    with torch.inference_mode():
        images = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(3))
        explained, [logit, _] = network.explain(network.feature_maps(images)[0]), network(images)
    assert torch.allclose(explained.cells.mean((1, 2)) + explained.bias, logit, atol=1e-4 * max(1, float(logit.abs().max())))


def test_architecture_in_the_file_precedes_recognition(tmp_path: Path) -> None:
    """These two have the same tensors, and one of them blurs."""
    plain, blurred = (timm.create_model(name, num_classes=3) for name in ("resnet18", "resnetblur18"))
    weights(blurred)
    plain.load_state_dict(blurred.state_dict())
    for arch, whole in (("resnetblur18", blurred), ("my own", plain)):
        torch.save({"arch": arch, "classes": NAMES, "state_dict": blurred.state_dict()}, tmp_path / "weights.pth")
        network = read_checkpoint(tmp_path / "weights.pth", ReaderOptions(size=96)).network
        assert network.spec.arch == ("resnet18" if arch == "my own" else arch)
        require_the_logits_of(whole.eval(), network)


def small() -> nn.Module:
    # Some random weights rank malignant images below benign ones so clearly that `convert` refuses them.
    with torch.random.fork_rng():
        torch.manual_seed(1)
        whole: nn.Module = timm.create_model("test_efficientnet", num_classes=3)
    weights(whole)
    return whole


def wrapped(state: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return the containers in which training loops save a network."""
    other = {name: value + 1 for name, value in state.items()}
    return {
        "state_dict": {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
        "model": {"model": state, "args": argparse.Namespace(lr=0.1)},
        "DataParallel": {f"module.{name}": value for name, value in state.items()},
        "compiled Lightning": {"state_dict": {f"model._orig_mod.{name}": value for name, value in state.items()}},
        "timm's moving average": {"state_dict": other, "state_dict_ema": state, "arch": "test_efficientnet"},
        "AveragedModel": {"n_averaged": torch.tensor(3), **{f"module.{name}": value for name, value in state.items()}},
        "an average beside it": {
            **{f"model.{name}": value for name, value in other.items()},
            **{f"ema_model.{name}": value for name, value in state.items()},
        },
        "half precision": {
            "net": {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
        },
    }


@pytest.mark.parametrize("name", wrapped({}))
def test_state_dict_is_found_in_any_container(name: str, tmp_path: Path) -> None:
    whole = small()
    if name == "half precision":
        whole.half().float()
    torch.save(wrapped(whole.state_dict())[name], tmp_path / "checkpoint.pth")
    loaded = read_checkpoint(tmp_path / "checkpoint.pth", ReaderOptions("test_efficientnet", NAMES, size=96))
    require_the_logits_of(whole, loaded.network)


def test_pickled_network_is_read_by_its_tensors(tmp_path: Path) -> None:
    whole = torchvisions("densenet")
    torch.save(whole, tmp_path / "model.pt")
    require_the_logits_of(whole, read_checkpoint(tmp_path / "model.pt", ReaderOptions(classes=NAMES, size=96)).network)


def test_hints_in_the_file_replace_options(tmp_path: Path) -> None:
    whole = small()
    metadata = {
        "arch": "test_efficientnet",
        "class_names": "mel, nv, bcc",
        "input_size": "[3, 96, 96]",
        "mean": "[0.1, 0.2, 0.3]",
    }
    save_file(whole.state_dict(), tmp_path / "model.safetensors", metadata)
    spec = read_checkpoint(tmp_path / "model.safetensors").network.spec
    assert spec.classes == ("melanoma", "nevus", "basal_cell_carcinoma") and spec.malignant == (True, False, True)
    assert (spec.size, spec.mean) == (96, (0.1, 0.2, 0.3))

    args = argparse.Namespace(model="test_efficientnet", img_size=128, num_classes=3)
    beside = {"class_to_idx": {"nevus": 1, "melanoma": 0, "other": 2}, "malignant": ["melanoma"]}
    torch.save({"state_dict": whole.state_dict(), "args": args, **beside}, tmp_path / "checkpoint.pth")
    spec = read_checkpoint(tmp_path / "checkpoint.pth").network.spec
    assert (spec.classes, spec.malignant) == (("melanoma", "nevus", "other"), (True, False, False))
    assert (spec.arch, spec.size) == ("test_efficientnet", 128)


@pytest.mark.parametrize("classes", [{1: "Nevus", 0: "Melanoma", 2: "BCC"}, {"1": "Nevus", "0": "Melanoma", "2": "BCC"}])
def test_classes_by_index_are_read_in_order(classes: dict[Any, str], tmp_path: Path) -> None:
    content = {"state_dict": small().state_dict(), "arch": "test_efficientnet", "classes": classes}
    torch.save(content, tmp_path / "checkpoint.pth")
    spec = read_checkpoint(tmp_path / "checkpoint.pth", ReaderOptions(size=96)).network.spec
    assert spec.classes == ("melanoma", "nevus", "basal_cell_carcinoma")


def test_size_that_is_not_square_is_refused(tmp_path: Path) -> None:
    content = {"state_dict": small().state_dict(), "arch": "test_efficientnet", "classes": NAMES, "img_size": [96, 128]}
    torch.save(content, tmp_path / "checkpoint.pth")
    with pytest.raises(CheckpointError, match="images of 96 x 128 pixels; only squares are read"):
        read_checkpoint(tmp_path / "checkpoint.pth")
    assert read_checkpoint(tmp_path / "checkpoint.pth", ReaderOptions(size=96)).network.spec.size == 96


def test_learner_without_classes_needs_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    path = RECORDED / "v2-resnet.pkl"
    names = read_checkpoint(path).network.spec.classes
    root = read_torch_file(path)
    for part in iterate_objects(root):
        if part.name == "Categorize":
            part.state.pop("vocab")
    monkeypatch.setattr(reader, "read_torch_file", lambda path: root)
    with pytest.raises(ClassesError, match="Give them with --classes"):
        read_checkpoint(path)
    assert read_checkpoint(path, ReaderOptions(classes=names)).network.spec.classes == names


@pytest.mark.parametrize("names", [["benign", "malignant"], ["malignant", "benign"]])
def test_single_output_is_the_malignant_logit(names: list[str], tmp_path: Path) -> None:
    whole = timm.create_model("test_efficientnet", num_classes=1)
    torch.save(weights(whole), tmp_path / "weights.pth")
    network = read_checkpoint(tmp_path / "weights.pth", ReaderOptions("test_efficientnet", names, size=96)).network
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        assert torch.allclose(network(images)[0], whole(images)[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (ReaderOptions("test_efficientnet"), ClassesError, "--classes"),
        (ReaderOptions("", NAMES), ArchitectureError, "does not say which architecture it is.*--arch"),
        (ReaderOptions("resnet1", NAMES), ArchitectureError, "Neither timm nor torchvision"),
        (ReaderOptions("mobilenetv2_035", NAMES), ArchitectureError, "not those of mobilenetv2_035"),
        (ReaderOptions("test_efficientnet", NAMES[:2]), HeadError, "3 outputs for 2 classes"),
        (ReaderOptions("test_efficientnet", ["a", "b", "c"]), ClassesError, "--malignant"),
        (ReaderOptions("test_efficientnet", ["a", "b", "c"], ["d"]), ClassesError, "--malignant names"),
        (ReaderOptions("test_efficientnet", ["a", "b", "c"], ["a", "b", "c"]), ClassesError, "are malignant"),
        (ReaderOptions("test_efficientnet", ["nevus", "mole", "cyst"]), ClassesError, "are benign"),
        (ReaderOptions("test_efficientnet", ["nevus", "Nevus", "melanoma"]), ClassesError, "different names"),
    ],
)
def test_missing_information_names_the_option(
    options: ReaderOptions, error: type[CheckpointError], sentence: str, tmp_path: Path
) -> None:
    torch.save(small().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(error, match=sentence):
        read_checkpoint(tmp_path / "weights.pth", options)


@pytest.mark.parametrize(
    ("arch", "sentence"),
    [
        ("shufflenet_v2_x0_5", "is not read: its body and its classifier cannot be told apart"),
        ("squeezenet1_1", "AdaptiveAvgPool2d"),
        ("poolformer_s12", "is not read: .* no exact evidence map"),
        ("ghostnet_050", "is not read: between its last feature map and its last layer there is more than pooling"),
        ("levit_128s", "is not read: it has more than one classifier"),
    ],
)
def test_network_without_exact_evidence_is_refused(arch: str, sentence: str, tmp_path: Path) -> None:
    library = timm.create_model if timm.is_model(arch) else torchvision.models.get_model
    torch.save(library(arch, num_classes=3).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "weights.pth", ReaderOptions(arch, NAMES, size=224 if arch == "levit_128s" else 160))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"0.0.weight": torch.zeros(1), "1.2.weight": torch.zeros(1)}, "learn.export"),
        ({"epoch": 3}, "no state dict"),
        ([torch.zeros(3)], "no state dict"),
        ({"spec": {"arch": "x"}, "weights": {}, "provenance": {}}, "export"),
    ],
)
def test_other_contents_are_refused_with_a_reason(content: object, sentence: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "file.pth", ReaderOptions("resnet18", NAMES))


def test_diverged_network_is_refused(tmp_path: Path) -> None:
    state = torchvision.models.resnet18(num_classes=3).state_dict()
    state["layer1.0.conv1.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state, tmp_path / "file.pth")
    with pytest.raises(
        CheckpointError, match=r"layer1\.0\.conv1\.weight contains NaN or infinity: the training has diverged"
    ):
        read_checkpoint(tmp_path / "file.pth", ReaderOptions("", NAMES))


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    state = {name: value.to(torch.int8) for name, value in torchvision.models.resnet18(num_classes=3).state_dict().items()}
    torch.save(state, tmp_path / "file.pth")
    with pytest.raises(CheckpointError, match=r"conv1\.weight is of int8: quantised weights"):
        read_checkpoint(tmp_path / "file.pth", ReaderOptions("", NAMES))


def test_integer_indices_beside_weights_are_read(tmp_path: Path) -> None:
    """Swin's indices of relative positions are integers, and no quantised weights."""
    state = torchvision.models.swin_t(num_classes=3).state_dict()
    assert any(not value.is_floating_point() for value in state.values())
    torch.save(state, tmp_path / "file.pth")
    assert read_checkpoint(tmp_path / "file.pth", ReaderOptions("swin_t", NAMES)).network.spec.size == 224


def test_network_without_classifier_is_refused(tmp_path: Path) -> None:
    state = torchvision.models.resnet18(num_classes=3).state_dict()
    torch.save({name: value for name, value in state.items() if not name.startswith("fc.")}, tmp_path / "file.pth")
    with pytest.raises(CheckpointError, match="It is a resnet18 without a classifier"):
        read_checkpoint(tmp_path / "file.pth", ReaderOptions("", NAMES))


def test_torch_file_with_the_suffix_of_safetensors_is_read(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), tmp_path / "file.safetensors")
    assert read_checkpoint(tmp_path / "file.safetensors", ReaderOptions("", NAMES)).network.spec.arch == "resnet18"


def test_message_of_a_server_is_refused_as_text(tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_text("Access denied\n")
    with pytest.raises(CheckpointError, match="It is text, not the weights"):
        read_checkpoint(tmp_path / "file.pth", ReaderOptions("", NAMES))


def test_damaged_safetensors_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match="safetensors"):
        read_checkpoint(tmp_path / "model.safetensors")


def test_class_names_become_codes_and_malignant_flags() -> None:
    names = ["AKIEC", "bcc", "BKL", "df", "mel", "NV", "vasc", "Squamous Cell-Carcinoma", "Seborrheic keratosis", "Naevus"]
    codes = class_codes(names[:-1])
    assert codes[:2] == ("actinic_keratosis", "basal_cell_carcinoma") and codes[7] == "squamous_cell_carcinoma"
    assert malignant_flags(codes) == (True, True, False, False, True, False, False, True, False)
    for unclear in ("non_melanoma", "malignant_or_benign", "unknown"):
        with pytest.raises(ClassesError, match=unclear):
            malignant_flags([unclear, "nevus"])
    assert malignant_flags(["non_melanoma", "melanoma"], ["Melanoma"]) == (False, True)


def pth(folder: Path) -> tuple[Path, dict[str, object]]:
    torch.save({"model": torchvisions("mobilenet_v2").state_dict()}, folder / "weights.pth")
    return folder / "weights.pth", {"arch": "mobilenet_v2", "classes": NAMES, "size": 96}


def safetensors(folder: Path) -> tuple[Path, dict[str, object]]:
    save_file(
        small().state_dict(), folder / "model.safetensors", {"classes": '["x", "y", "z"]', "arch": "test_efficientnet"}
    )
    return folder / "model.safetensors", {"malignant": ["y"], "size": 96}


def recorded(name: str) -> Any:
    return lambda _: (RECORDED / name, {})


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(recorded("v1-densenet.pkl"), marks=pytest.mark.slow),
        pytest.param(recorded("v2-resnet.pkl"), marks=pytest.mark.slow),
        pytest.param(pth, marks=pytest.mark.slow),
        safetensors,
    ],
    ids=["v1", "v2", "pth", "safetensors"],
)
def test_third_party_checkpoint_converts_to_a_model_file(source: Any, archive: Path, tmp_path: Path) -> None:
    path, options = source(tmp_path)
    convert.main(conversion_options(path, archive, tmp_path / "lesion.onnx", **options))
    model = Model(tmp_path / "lesion.onnx")
    assert model.card.bias is None
    assert model.card.about["training"]["checkpoint"] == path.name
    pixels = np.random.default_rng(0).integers(0, 256, (120, 150, 3), np.uint8)
    for views in (1, 8):
        outputs = model.run(pixels, views=views)
        assert outputs.evidence.mean() + outputs.bias == pytest.approx(outputs.logit, abs=1e-4)
        assert outputs.classes.sum() == pytest.approx(1, abs=1e-6) and np.isfinite(outputs.distance)


@pytest.mark.parametrize(("target", "readers"), [("export", ["convert", "formats"]), ("reproduce", ["reproduce"])])
def test_reader_options_reach_every_command_of_make(target: str, readers: list[str]) -> None:
    said = "READ=--arch resnet18 --classes nevus lentigo --malignant lentigo --size 96 --weights 2"
    command = ["make", "--dry-run", target, "DATA=folder", "CHECKPOINT=weights.pth", said]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    options = {}
    for line in done.stdout.splitlines():
        if "-m export " in line:
            name, *words = line.split("-m export ")[1].split()
            args = command_module(name).options().parse_args(words)
            if "checkpoint" in args:
                options[name] = description_in(args, 64)
    assert options == dict.fromkeys(readers, ReaderOptions("resnet18", ["nevus", "lentigo"], ["lentigo"], 96, [2.0]))


def test_formats_reads_checkpoints_at_the_model_files_size(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(small().state_dict(), tmp_path / "weights.pth")
    read: list[Network] = []
    monkeypatch.setattr(precision, "export_network", lambda core: read.append(core.network))
    monkeypatch.setattr(precision, "measure_precisions", lambda *_: {})
    monkeypatch.setattr(precision, "update_report", lambda *_: None)
    model = REPOSITORY / "models" / "lesion.onnx"
    options = ["--data", str(archive), "--model", str(model), "--yes", "--arch", "test_efficientnet", "--classes", *NAMES]
    assert main(["formats", str(tmp_path / "weights.pth"), *options]) == 0
    [spec] = [network.spec for network in read]
    assert (spec.arch, spec.size) == ("test_efficientnet", Model(model).card.input_size)
    assert spec.classes == class_codes(NAMES)


@pytest.mark.slow
def test_model_card_names_the_third_party_checkpoint(archive: Path, tmp_path: Path) -> None:
    source, out = RECORDED / "v1-resnet.pkl", tmp_path / "lesion.onnx"
    convert.main(conversion_options(source, archive, out))
    options = ["--data", str(archive), "--model", str(out), "--yes"]
    release.main(release.options().parse_args(options))
    card = (tmp_path / "README.md").read_text()
    assert "comes from `v1-resnet.pkl` (fastai v1" in card and hashlib.sha256(source.read_bytes()).hexdigest() in card
    assert "datasets" not in Model(out).card.about["training"], "The page would name them as training images."


@pytest.mark.slow
def test_convert_names_missing_classes_without_a_traceback(archive: Path, tmp_path: Path) -> None:
    torch.save(small().state_dict(), tmp_path / "weights.pth")
    command = [sys.executable, "-m", "export", "convert", str(tmp_path / "weights.pth"), "--data", str(archive)]
    done = subprocess.run(
        [*command, "--arch", "test_efficientnet"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "lambda")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().endswith("Name the classes, in order, with --classes.")


@pytest.mark.parametrize("token", [True, False])
def test_vision_transformer_with_average_pooling_is_read_by_name(tmp_path: Path, token: bool) -> None:
    """Its `state_dict` says by its tensors what its creator chose."""
    torch.manual_seed(1)
    arch = "vit_tiny_patch16_224"
    made = timm.create_model(arch, num_classes=2, global_pool="avg", class_token=token).eval()
    torch.save(made.state_dict(), tmp_path / "weights.pth")
    network = read_checkpoint(tmp_path / "weights.pth", ReaderOptions(arch, ("benign", "malignant"))).network
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        logits = made(images)
        assert torch.allclose(network(images)[0], logits[:, 1] - logits[:, 0], atol=1e-5)
