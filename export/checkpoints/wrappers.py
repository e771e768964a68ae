"""The tensors of the network among those of a training program: wrappers, losses, metrics and averages are taken away.

A state dict often has more than a network: the prefix of a wrapper (DataParallel, torch.compile, Lightning, an own class),
the weights of a loss, states of metrics, the mean and standard deviation of the input, counters of a moving average. What
is known to be one of these is set aside. Nothing else is: a tensor that belongs to the network must not be lost.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

import torch

Tensors = Mapping[str, torch.Tensor]

_AVERAGE = re.compile(r"(^|[._])(ema|averaged?|swa|shadow)([._]|$)", re.IGNORECASE)
"""In the first components of the names of a moving average of the weights."""

_BESIDE = re.compile(
    r"(^|_)(criterions?|criteria|loss(es)?|loss_?f(n|unc|unction|ct)|bce|ce|cross_entropy|focal"
    r"|(class|pos|loss|sample)_?weights?"
    r"|metrics?|acc|accuracy|au(ro)?c|roc|f1|f1_?score|fbeta|precision|recall|specificity|sensitivity|kappa|mcc|ece"
    r"|confmat|confusion(_?matrix)?|cm)\d*($|_)",
    re.IGNORECASE,
)
"""In a component of a name: weights of a loss, states of a metric."""

_METRIC_STATES = frozenset(
    ("tp", "fp", "tn", "fn", "confmat", "preds", "target", "total", "correct", "sum_value", "mean_value", "update_count")
)
"""Last components of the states that torchmetrics registers as buffers."""

_COUNTERS = frozenset(("n_averaged", "num_updates", "initted", "step", "global_step", "decay", "update_count"))

_MEAN = re.compile(r"^(pixel_|image_|img_|data_|norm_|input_)?(mean|mu)$", re.IGNORECASE)
_STD = re.compile(r"^(pixel_|image_|img_|data_|norm_|input_)?(std|sigma)$", re.IGNORECASE)

_SMALLEST_NETWORK = 8
"""Tensors that a part of a state dict needs to be tried as a whole network."""


@dataclass(frozen=True)
class NetworkTensors:
    """The tensors of a network, by the names that the network itself uses.

    Attributes:
        tensors: of the network.
        mean: of the input's channels, in 0..1, where a buffer states them.
        std: the standard deviations.
        prefix: that was removed from their names.
        beside: names of the tensors that were set aside.
    """

    tensors: dict[str, torch.Tensor]
    prefix: str = ""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    beside: tuple[str, ...] = field(default=())


def unwrap(tensors: Tensors) -> NetworkTensors:
    """Set aside what is known not to be of the network, and remove the prefixes that all other names share.

    Of a network and its moving average, the average is kept.

    Args:
        tensors: by name, of a whole state dict.
    """
    mean, std = _normalisation(tensors)
    rest = {name: value for name, value in tensors.items() if not _is_beside(name, value)}
    if mean is not None and std is not None:
        rest = {name: value for name, value in rest.items() if not _is_normalisation(name)}
    own = _averages(rest)
    prefix = shared_prefix(own)
    beside = tuple(name for name in tensors if name not in own)
    return NetworkTensors({name.removeprefix(prefix): value for name, value in own.items()}, prefix, mean, std, beside)


def shared_prefix(names: Iterable[str]) -> str:
    """Return the components that all names begin with, each with its dot; never a whole name."""
    paths = [name.split(".")[:-1] for name in names]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return "".join(f"{parts[0]}." for parts in shared)


def subtrees(tensors: Tensors) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield the parts of a state dict that can be whole networks: their prefix, and their tensors without it.

    Those nearest to the top come first.
    """
    counts: dict[str, int] = {}
    for name in tensors:
        parts = name.split(".")
        for depth in range(1, len(parts)):
            prefix = ".".join(parts[:depth]) + "."
            counts[prefix] = counts.get(prefix, 0) + 1
    for prefix in sorted(counts, key=lambda prefix: (prefix.count("."), prefix)):
        if _SMALLEST_NETWORK <= counts[prefix] < len(tensors):
            yield prefix, {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _is_beside(name: str, value: torch.Tensor) -> bool:
    *path, last = name.split(".")
    # The components of a network's layers are short or its library's words; a wrapper's attribute comes first.
    outermost = path[:2] if path else [last]
    if any(_BESIDE.search(part) for part in outermost) and _squeezed_dimensions(value) <= 2:
        return True
    if last in _METRIC_STATES and len(path) <= 3 and _squeezed_dimensions(value) <= 2 and not value.is_floating_point():
        return True
    return value.numel() == 1 and last in _COUNTERS and len(path) <= 2


def _squeezed_dimensions(value: torch.Tensor) -> int:
    return value.squeeze().ndim


def _is_normalisation(name: str) -> bool:
    *path, last = name.split(".")
    return len(path) <= 3 and bool(_MEAN.match(last) or _STD.match(last))


def _normalisation(tensors: Tensors) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Return mean and standard deviation (3,) of buffers of that name, in 0..1; None where there are not both."""
    found: dict[str, tuple[float, ...]] = {}
    for name, value in tensors.items():
        if value.numel() in (1, 3) and value.is_floating_point() and _is_normalisation(name):
            channels = tuple(float(channel) for channel in value.double().flatten().expand(3))
            found.setdefault("mean" if _MEAN.match(name.rsplit(".", 1)[-1]) else "std", channels)
    if found.keys() < {"mean", "std"} or min(found["std"]) <= 0:
        return None, None
    # Of images of 0..255; their standard deviation is far above that of any image of 0..1.
    scale = 255 if max(found["std"]) > 2 else 1
    mean, std = (tuple(channel / scale for channel in found[key]) for key in ("mean", "std"))
    return mean, std


def _averages(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Return the moving average alone where a state dict has both the network and its average."""
    averaged = {name: value for name, value in tensors.items() if _AVERAGE.search(".".join(name.split(".")[:2]))}
    return averaged or dict(tensors)
