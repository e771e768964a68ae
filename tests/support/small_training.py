"""Options of a small training run and of the conversion of its checkpoint."""

import argparse
from pathlib import Path

from export.commands import train

ARCHITECTURE = "test_efficientnet"
"""timm's own for tests: 0.4 million weights, the shape of an EfficientNet."""


def training_options(archive: Path, out: Path, *, resume: bool = False) -> argparse.Namespace:
    """The options of a training run of two epochs that takes seconds."""
    given = ["--data", str(archive), "--out", str(out), "--arch", ARCHITECTURE, "--workers", "0", "--size", "96"]
    given += ["--phases", "64:2:4", *(["--resume"] if resume else [])]
    return train.options().parse_args(given)


def conversion_options(checkpoint: Path, archive: Path, out: Path, **told: object) -> argparse.Namespace:
    """The options of a conversion; `told` is what a person says about other people's checkpoints, and `numbers`.

    float16 where nothing is told: whether int8 passes on a dozen photographs is luck.
    """
    options = {"arch": "", "classes": [], "malignant": [], "size": None, "numbers": "float16", **told}
    return argparse.Namespace(checkpoint=[checkpoint], data=archive, out=out, version="0.0.1", **options)
