"""Writes what the real fastai v2 exports of small networks, and what it predicts itself, for the readers' tests.

    python -m tests.pickles.write_v2 FOLDER        with the packages of tests/pickles/requirements-v2.txt on the path

For every pickle FOLDER/NAME.pkl there is a NAME.npz: an image (uint8, side x side x 3), the logits of fastai's model for
fastai's own batch of it, the probabilities of `Learner.predict`, and the class names in fastai's order.
"""

import sys
import warnings
from pathlib import Path
from types import CodeType
from typing import Any

import cloudpickle
import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.models import DenseNet, densenet161, resnet18

warnings.simplefilter("ignore")  # fastai's and its dependencies' own

from fastai.vision.all import ImageDataLoaders, Normalize, Resize, vision_learner  # noqa: E402
from fastai.vision.learner import model_meta  # noqa: E402
from timm.models.resnet import BasicBlock, Bottleneck, ResNet  # noqa: E402

SIDE = 64
NAMES = ("dermatofibroma", "melanoma", "nevus")


def densenet(**_: Any) -> nn.Module:
    """A DenseNet like torchvision's, 12 layers."""
    network: nn.Module = DenseNet(growth_rate=8, block_config=(2, 2, 2, 2), num_init_features=16, bn_size=2)
    return network


def resnet(**_: Any) -> nn.Module:
    """A ResNet whose tensors are named as torchvision's are."""
    network: nn.Module = ResNet(block=BasicBlock, layers=(1, 1, 2, 1), channels=(8, 8, 16, 16))  # type: ignore[arg-type]
    return network


def bottleneck(**_: Any) -> nn.Module:
    """A ResNet of bottlenecks, with groups."""
    network: nn.Module = ResNet(block=Bottleneck, layers=(1, 1, 1, 1), channels=(4, 4, 8, 8), cardinality=2, base_width=64)  # type: ignore[arg-type]
    return network


def shake(module: nn.Module) -> None:
    """Statistics and weights as after training: nothing is one or zero by accident."""
    generator = torch.Generator().manual_seed(1)

    def uniform(tensor: torch.Tensor, low: float, high: float) -> None:
        tensor.data.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            uniform(part.weight, 0.5, 1.5)
            uniform(part.bias, -0.5, 0.5)
            if part.running_mean is not None and part.running_var is not None:
                uniform(part.running_mean, -0.5, 0.5)
                uniform(part.running_var, 0.5, 1.5)
        if isinstance(part, nn.Linear):
            uniform(part.weight, -0.5, 0.5)


def forget_paths() -> None:
    """cloudpickle writes some functions out, with the path of the file they are from: leave its last part."""
    reduce = cloudpickle.Pickler._dispatch_table[CodeType]
    cloudpickle.Pickler._dispatch_table[CodeType] = lambda code: reduce(
        code.replace(co_filename=Path(code.co_filename).name)
    )
    for name, module in sys.modules.items():
        if name.startswith(("fastai", "__main__")) and getattr(module, "__file__", None):
            module.__file__ = Path(str(module.__file__)).name


def images(folder: Path) -> list[Path]:
    """Write twelve images of noise under the names of three classes."""
    rng = np.random.default_rng(0)
    paths = []
    for index in range(12):
        path = folder / f"{index}.png"
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)).save(path)
        paths.append(path)
    return paths


def write(folder: Path, name: str, arch: Any, classes: tuple[str, ...] = NAMES, **options: Any) -> None:
    """Build a learner as a user of fastai does, export it, and keep what it predicts."""
    paths = images(folder)
    labels = [classes[index % len(classes)] for index in range(len(paths))]
    statistics = Normalize.from_stats([0.6, 0.5, 0.4], [0.2, 0.25, 0.3], cuda=False)
    transforms = {"item_tfms": Resize(SIDE), "batch_tfms": [statistics]}
    loaders = ImageDataLoaders.from_lists(
        Path("."), paths, labels, valid_pct=0.25, seed=1, bs=2, num_workers=0, **transforms
    )
    learner = vision_learner(loaders, arch, pretrained=False, **options)
    shake(learner.model)
    learner.path = folder
    learner.model.eval()
    loader = learner.dls.test_dl(paths[:1])
    with torch.no_grad():
        logits = learner.model(loader.one_batch()[0])[0].numpy()
    with learner.no_bar():
        probabilities = learner.predict(paths[0])[2].numpy()
    learner.path = Path(".")
    learner.export((folder / f"{name}.pkl").absolute())
    np.savez(
        folder / f"{name}.npz",
        image=np.asarray(Image.open(paths[0])),
        logits=logits,
        probabilities=probabilities,
        classes=np.array(list(loaders.vocab)),
    )
    for path in paths:
        path.unlink()


def main(folder: Path) -> None:
    """Write all pickles."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    forget_paths()
    # Where fastai cuts a network is known by the function that builds it.
    model_meta.update({resnet: model_meta[resnet18], bottleneck: model_meta[resnet18], densenet: model_meta[densenet161]})
    write(folder, "v2-resnet", resnet, lin_ftrs=[12])
    write(folder, "v2-bottleneck", bottleneck, ("benign", "malignant"), lin_ftrs=[12, 6], lin_first=True)
    write(folder, "v2-densenet", densenet, lin_ftrs=[12], concat_pool=False)
    write(folder, "v2-timm", "test_efficientnet", lin_ftrs=[12])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
