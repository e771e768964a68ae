"""What a caller states about a checkpoint that does not describe itself."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ReaderOptions:
    """What the caller states about a checkpoint; it takes precedence over the file.

    Attributes:
        arch: name of the architecture in timm or torchvision; empty to use the file's.
        classes: names of the classes in the order of the outputs; empty to use the file's.
        malignant: names of the malignant classes; empty to use the file's.
        size: side of the input in pixels; None to use the file's.
        weights: of the logits of several checkpoints; empty for their mean.
    """

    arch: str = ""
    classes: Sequence[str] = ()
    malignant: Sequence[str] = ()
    size: int | None = None
    weights: Sequence[float] = ()
