"""The checkpoints of other people's training programs beside the repository are read or refused as its table says."""

import fnmatch
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from export.checkpoints.options import ReaderOptions
from export.checkpoints.reader import read_checkpoint
from export.errors import CheckpointError

BINARY = ("benign", "malignant")
NINE = (
    *("actinic keratosis", "basal cell carcinoma", "dermatofibroma", "melanoma", "nevus", "pigmented benign keratosis"),
    *("seborrheic keratosis", "squamous cell carcinoma", "vascular lesion"),
)
OPTIONS = {
    "timm_hub.safetensors": ReaderOptions("efficientnet_b0", BINARY),
    "kaggle2020.pth": ReaderOptions("efficientnet_b0", NINE),
    "wrong_count.pth": ReaderOptions(classes=("nevus", "melanoma", "bcc")),
}
READ = (
    *("lightning_*.ckpt", "dataparallel.pth", "compiled.pth", "compiled_ddp.pth", "swa.pth", "whole_*.pth"),
    *("timm_*", "own_wrapper_*.pth", "hf_timmwrapper.safetensors", "dropout_fc.pth"),
)
REFUSED = {
    "kaggle2020.pth": r"myfc\.weight, myfc\.bias",
    "imagenet1000.pth": "1000 outputs for 2 classes",
    "wrong_count.pth": "2 outputs for 3 classes",
    "torchscript.pt": "TorchScript",
    "keras.h5": "Keras",
    "lfs.pth": "git lfs pull",
    "page.pth": "web page",
    "empty.pth": "empty",
    "folder": "folder",
}
REFERENCE_IS_ROUNDED = 3e-3
"""The script rounds the weights of its ResNet to half precision after it has written most files, and before it computes the
reference logits. With the rounded weights the logits are equal, with those in the files they agree to this."""


@pytest.fixture(scope="module")
def folder(shared_cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoints that the script of the cases writes."""
    folder = tmp_path_factory.mktemp("checkpoints")
    script = shared_cases / "checkpoints" / "make.py"
    subprocess.run([sys.executable, "-W", "ignore", str(script)], cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "timm_hub.safetensors", folder / "renamed.pth")
    return folder


@pytest.mark.slow
def test_every_checkpoint_is_read_or_refused_as_expected(folder: Path) -> None:
    reference = torch.load(folder / "reference.pt")
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(7))
    read = [path for path in sorted(folder.iterdir()) if any(fnmatch.fnmatch(path.name, pattern) for pattern in READ)]
    assert len(read) > 15
    for path in read:
        network = read_checkpoint(path, OPTIONS.get(path.name, ReaderOptions(classes=BINARY))).network
        with torch.inference_mode():
            logits = network(images)[1]
        expected = reference[path.name]
        if expected.shape[1] == 1:
            logits = logits[:, 1:] - logits[:, :1]
        torch.testing.assert_close(logits, expected, atol=REFERENCE_IS_ROUNDED, rtol=1e-3, msg=path.name)
    normalised = read_checkpoint(folder / "lightning_normbuffers.ckpt", ReaderOptions(classes=BINARY)).network.spec
    assert (normalised.mean, normalised.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert read_checkpoint(folder / "renamed.pth", OPTIONS["timm_hub.safetensors"]).network.spec.arch == "efficientnet_b0"
    for name, sentence in REFUSED.items():
        with pytest.raises(CheckpointError, match=sentence):
            read_checkpoint(folder / name, OPTIONS.get(name, ReaderOptions(classes=BINARY)))
