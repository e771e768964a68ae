"""Interface of every network that the serving graph is built around, its specification and its input normalisation.

Every network returns its last feature map, middle ones, and an evidence map whose mean plus a bias is the malignant logit.
`export.nn.lesion_net` is the network that is trained here, `export.nn.third_party` those of timm, torchvision and fastai.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from export.nn.white_balance import IlluminantModel, WhiteBalance, parse_illuminant

TOLERANCE = 1e-3
"""Largest difference of logits, relative to the largest logit, that counts as float32 rounding."""


@dataclass(frozen=True)
class Spec:
    """All that is needed to build a network; every checkpoint contains it.

    Attributes:
        arch: name of the architecture in timm or torchvision.
        size: side of the square input in pixels.
        classes: codes of the diagnoses, in the order of the outputs.
        malignant: whether each class counts as malignant.
        mean, std: of the channels, for values of 0..1, as the body expects them.
        colour_constancy: order of the Minkowski norm in `Normalise`; None leaves colours unchanged.
        illuminant: images outside of this distribution are corrected; None leaves colours unchanged.
        detects_type: whether the network has a head that distinguishes clinical from dermoscopic images.
    """

    arch: str
    size: int
    classes: tuple[str, ...]
    malignant: tuple[bool, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    colour_constancy: float | None = None
    illuminant: IlluminantModel | None = None
    detects_type: bool = False

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Spec":
        """Return the specification that `record` returned; fields that an earlier version did not write have their defaults.

        Raises:
            KeyError, TypeError, ValueError: the record has other keys or values.
        """
        values = dict(record)
        illuminant = parse_illuminant(values.pop("light", None))
        return cls(**values, illuminant=illuminant)

    def record(self) -> dict[str, Any]:
        """Return the specification as built-in types, for checkpoints.

        The key of the illuminant is `light`, as in all earlier checkpoints.
        """
        values = asdict(self)
        illuminant = values.pop("illuminant")
        return {**values, "light": illuminant}

    def is_recorded_as(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record, of this or an earlier version, is of this specification."""
        try:
            return Spec.parse(record) == self
        except (KeyError, TypeError, ValueError):
            return False


class Normalise(nn.Module):
    """Convert pixels to the input of the body; training and the serving graph use the same module.

    With colour constancy, every channel is scaled so that its Minkowski norm is the mean of the three, which removes the
    colour of the illuminant (Shades of Gray, Finlayson & Trezzi 2004; for dermoscopy Barata et al. 2015).
    """

    def __init__(self, spec: Spec) -> None:
        """Create the normalisation of one specification."""
        super().__init__()
        self.norm = spec.colour_constancy
        self.balance = WhiteBalance(spec.illuminant) if spec.illuminant else nn.Identity()
        self.mean = nn.Buffer(torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.std = nn.Buffer(torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return normalised images (N, 3, S, S) of pixels (N, 3, S, S), float 0..255."""
        images: torch.Tensor = self.balance(pixels / 255)
        if self.norm is not None:
            # The offset keeps the norm of a black image above zero.
            illuminant = ((images + 1e-3) ** self.norm).mean((2, 3), keepdim=True) ** (1 / self.norm)
            images = images * (illuminant.mean(1, keepdim=True) / illuminant)
        return (images - self.mean) / self.std


class Explanation(NamedTuple):
    """Logits of N views and the evidence map that they are the sum of.

    All but `pooled` have a second axis, the image type, where the network has heads for each of T types.

    Attributes:
        cells: evidence, (N, R, C) or (N, T, R, C); its mean plus `bias` is the malignant logit.
        bias: (N,) or (N, T).
        class_logits: (N, K) or (N, T, K).
        pooled: input of the head, (N, F).
    """

    cells: torch.Tensor
    bias: torch.Tensor
    class_logits: torch.Tensor
    pooled: torch.Tensor


class Prediction(NamedTuple):
    """Logits of N images.

    Attributes:
        malignant: malignant against benign, (N,).
        classes: of the diagnoses, (N, K).
        clinical: clinical against dermoscopic, (N,); None for a network without a head for it.
    """

    malignant: torch.Tensor
    classes: torch.Tensor
    clinical: torch.Tensor | None = None

    def to_float32(self) -> "Prediction":
        """Return the same logits in float32."""
        return Prediction(*(logits.float() for logits in self if logits is not None))


class Network(nn.Module, ABC):
    """A classifier with an exact evidence map.

    Attributes:
        spec: its specification.
        middle_channels: number of channels of all middle feature maps.
        explains: whether the evidence map shows where the logit comes from. Otherwise the last feature map has one cell, as
            the class token of a vision transformer, and the map says nothing.
        has_head_per_type: whether `explain` returns the answers of a head for each image type.
    """

    spec: Spec
    middle_channels: int
    explains: bool = True
    has_head_per_type: bool = False

    @property
    @abstractmethod
    def constant_bias(self) -> float | None:
        """Return the bias of `explain` where it is the same for every image, otherwise None."""

    @abstractmethod
    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the last feature map (N, F, R, C) and middle ones, each (N, M, P, Q), of normalised images (N, 3, S, S)."""

    @abstractmethod
    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence of the last feature map (N, F, R, C), computed without automatic differentiation."""

    @abstractmethod
    def forward(self, images: torch.Tensor, clinical: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the malignant logit (N,) and the class logits (N, K) of normalised images.

        Args:
            images: (N, 3, S, S).
            clinical: (N,), 1 for a clinical image, 0 for a dermoscopic one; None where it is not known. It chooses the head
                where the network has one for each type; others ignore it.
        """


def probe_images(spec: Spec) -> torch.Tensor:
    """Return two fixed images of noise, (2, 3, S, S), that test a network; the global random state stays unchanged."""
    return torch.randn(2, 3, spec.size, spec.size, generator=torch.Generator().manual_seed(1))


def logits_agree(actual: torch.Tensor, expected: torch.Tensor) -> bool:
    """Return whether two tensors of logits have one shape and differ by no more than `TOLERANCE`."""
    tolerance = TOLERANCE * float(expected.abs().max())
    return actual.shape == expected.shape and torch.allclose(actual, expected, atol=tolerance)
