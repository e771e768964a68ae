"""The skin-lesion classifier: a service, and a package. At the top: entry points, settings, errors and `load`.

from lesion import load
answer = load().classify("photo.jpg")
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesion.classifier import Classifier

__all__ = ["load"]
__version__ = "2.0.0"
"""Version of the code. The model file and the HTTP contract have versions of their own (docs/architecture.md)."""

# ONNX Runtime reads this variable when it is first imported; without it, it sends telemetry and stores a device id on disk.
# Every module of this project that imports ONNX Runtime imports this package first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def load(model: "str | os.PathLike[str] | None" = None, *, threads: int = 1) -> "Classifier":
    """Load a model and return its classifier.

    Args:
        model: path of a model file; None for that of the environment variable LESION_MODEL, otherwise the published one.
        threads: threads that one classification may use.

    Raises:
        ModelFileError: the file is missing, damaged or not of this project.
    """
    # The service starts faster without this module.
    from pathlib import Path

    from lesion.classifier import Classifier
    from lesion.inference.model import Model
    from lesion.settings import read_settings

    return Classifier(Model(read_settings().model if model is None else Path(model), threads=threads))
