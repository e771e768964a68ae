"""Options of a small training run and of the conversion of its checkpoint."""

import argparse
from pathlib import Path

from export.commands import train

ARCHITECTURE = "test_efficientnet"
"""timm's own for tests: 0.4 million weights, the shape of an EfficientNet."""


def training_options(archive: Path, out: Path, *, resume: bool = False) -> argparse.Namespace:
    """Return the options of a training run of two epochs, which takes seconds."""
    given = ["--data", str(archive), "--out", str(out), "--arch", ARCHITECTURE, "--workers", "0", "--size", "96"]
    given += ["--phases", "64:2:4", *(["--resume"] if resume else [])]
    return train.options().parse_args(given)


def conversion_options(checkpoint: Path, archive: Path, out: Path, **options: object) -> argparse.Namespace:
    """Return the options of a conversion.

    The precision is float16 by default, because int8 passes its checks on a dozen images only by chance.

    Args:
        checkpoint: the checkpoint to convert.
        archive: the data folder.
        out: the model file to write.
        options: other options of the command, such as `arch`, `classes` and `numbers`.
    """
    defaults: dict[str, object] = {
        "arch": "",
        "classes": [],
        "malignant": [],
        "weights": [],
        "size": None,
        "numbers": "float16",
        "int8_seconds": 900.0,
        "strangers": [],
        "label_column": "",
        "image_column": "",
        "class_map": None,
        "yes": False,
    }
    return argparse.Namespace(checkpoint=[checkpoint], data=[archive], out=out, version="0.0.1", **(defaults | options))
