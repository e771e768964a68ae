"""First weights of a network that is trained: from ImageNet, a checkpoint or a model file."""

from collections.abc import Sequence
from pathlib import Path

from export.checkpoints.body_weights import load_body_weights
from export.checkpoints.from_onnx import prepare_for_training
from export.checkpoints.reader import read_checkpoint, read_state_dict
from export.data.labels import LabelledImage
from export.errors import CheckpointError
from export.nn.ensemble import Ensemble
from export.nn.imagenet import load_imagenet_weights
from export.nn.lesion_net import LesionNet
from export.nn.network import Network
from export.nn.typed_heads import TypedHeads


def initialise(network: LesionNet, start: Path | None, rows: Sequence[LabelledImage]) -> str:
    """Give a network its first weights.

    Args:
        network: with random weights, which classes and heads that the start lacks keep.
        start: checkpoint or model file with one network of that architecture, or weights of timm or torchvision for its
            body; None for ImageNet weights, if any exist.
        rows: training images, from which the batch-norm statistics of a model file are restored.

    Returns:
        Where the weights come from: "ImageNet", "random", or the path of the start.

    Raises:
        CheckpointError: `start` cannot be read, or has no network of that architecture, or several.
    """
    if start is None:
        return "ImageNet" if load_imagenet_weights(network) else "random"
    arch, state = network.spec.arch, read_state_dict(start)
    if state is not None:
        load_body_weights(network.body, arch, state)
        return f"{start}, without its classifier,"
    source = read_checkpoint(start).network
    base = source.base if isinstance(source, TypedHeads) else source
    members = base.networks if isinstance(base, LesionNet | Ensemble) else []
    matching = [member for member in members if member.spec.arch == arch]
    if len(matching) != 1:
        raise CheckpointError(f"--start is {source.spec.arch}; exactly one of its networks must be a {arch}. Check --arch.")
    network.load_shared_weights(matching[0])
    if start.suffix == ".onnx":
        prepare_for_training(network, rows)
    return str(start)


def read_teachers(paths: Sequence[Path], classes: Sequence[str]) -> list[Network]:
    """Read the networks of teachers.

    Args:
        paths: their checkpoints or model files.
        classes: codes of the diagnoses that the trained network distinguishes.

    Raises:
        CheckpointError: a file cannot be read, or its network has other classes.
    """
    networks = [read_checkpoint(path).network for path in paths]
    for path, network in zip(paths, networks, strict=True):
        if network.spec.classes != tuple(classes):
            raise CheckpointError(
                f"The teacher {path} has the classes {list(network.spec.classes)}, and the training images "
                f"{list(classes)}. Teach with networks of the same classes."
            )
    return networks
