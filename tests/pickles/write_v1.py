"""Writes what the real fastai 1.0.54 exports of small networks, and what it predicts itself, for the readers' tests.

    python tests/pickles/write_v1.py FOLDER     Python 3.6 with the packages of tests/pickles/requirements-v1.txt

PyTorch 1.4 writes the container of 2019: pickles in a row, storages behind them, no zip archive. The files it wrote
are in tests/pickles/recorded, because these releases run on no Python that the project supports.
"""

# These releases of fastai and PyTorch have no types to check against.
# mypy: ignore-errors

import sys
from pathlib import Path

import numpy as np
import torch
import torch.serialization
from PIL import Image
from torch import nn
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, ResNet

torch.gesv = torch.solve  # fastai 1.0.54 looks the old name up, without using it here


def no_source(_module):
    """Old PyTorch puts each class's source text and its path into the file; the place of both stays, empty."""
    raise OSError


torch.serialization.get_source_lines_and_file = no_source

from fastai.vision import ImageDataBunch, cnn_learner, open_image  # noqa: E402

SIDE = 64


def densenet(pretrained=False):
    """Torchvision's DenseNet, 12 layers."""
    return DenseNet(growth_rate=8, block_config=(2, 2, 2, 2), num_init_features=16, bn_size=2)


def resnet(pretrained=False):
    """Torchvision's ResNet, made narrow."""
    network = ResNet(BasicBlock, [1, 1, 1, 1])
    network.inplanes = 64
    for number, width in enumerate((8, 8, 16, 16), 1):
        setattr(network, f"layer{number}", network._make_layer(BasicBlock, width, 1, stride=1 if number == 1 else 2))
    return network


def shake(module):
    """Statistics and weights as after training: nothing is one or zero by accident."""
    generator = torch.Generator().manual_seed(1)

    def uniform(tensor, low, high):
        tensor.data.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            uniform(part.weight, 0.5, 1.5)
            uniform(part.bias, -0.5, 0.5)
            uniform(part.running_mean, -0.5, 0.5)
            uniform(part.running_var, 0.5, 1.5)
        if isinstance(part, nn.Linear):
            uniform(part.weight, -0.5, 0.5)


def images(folder):
    """Write twelve images of noise."""
    rng = np.random.RandomState(0)
    paths = []
    for index in range(12):
        path = folder / f"{index}.png"
        Image.fromarray(rng.randint(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)).save(str(path))
        paths.append(path)
    return paths


def write(folder, name, arch, cut, classes, statistics, whole=False):
    """Build a learner as a user of fastai does, export it (or pickle it whole), and keep what it predicts."""
    paths = images(folder)
    labels = [classes[index % len(classes)] for index in range(len(paths))]
    data = ImageDataBunch.from_lists(
        ".", [str(path) for path in paths], labels, valid_pct=0.25, seed=1, size=SIDE, bs=2, num_workers=0
    )
    if statistics:
        data.normalize(statistics)
    learner = cnn_learner(data, arch, cut=cut, pretrained=False, lin_ftrs=[12])
    learner.loss_func.__doc__ = None  # PyTorch's manual text would be in the file
    shake(learner.model)
    learner.model.eval()
    image = open_image(str(paths[0]))
    with torch.no_grad():
        logits = learner.model(learner.data.one_item(image)[0])[0].numpy()
    probabilities = learner.predict(image)[2].numpy()
    target = (folder / (name + ".pkl")).resolve()
    if whole:
        torch.save(learner, str(target))
    else:
        learner.export(str(target))
    np.savez(
        str(folder / (name + ".npz")),
        image=np.asarray(Image.open(str(paths[0]))),
        logits=logits,
        probabilities=probabilities,
        classes=np.array(data.classes),
    )
    for path in paths:
        path.unlink()


def main(folder):
    """Write all pickles."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    own = ([0.6, 0.5, 0.4], [0.2, 0.25, 0.3])
    write(folder, "v1-densenet", densenet, -1, ["melanoma", "nevus"], own)
    write(folder, "v1-resnet", resnet, -2, ["bcc", "melanoma", "nevus"], None)
    write(folder, "v1-whole", resnet, -2, ["benign", "malignant"], own, whole=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
