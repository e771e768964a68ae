"""Write a checkpoint that `export.checkpoints.reader` reads."""

import argparse
import hashlib
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from tqdm import tqdm
from export.checkpoints.from_onnx import unfold
from export.checkpoints.reader import read_checkpoint
from export.data.augment import cut_out, degrade, occlude, random_crops, recolour
from export.data.isic import CLASSES, Labelled, fingerprint, of_split, read_table, targets
from export.data.transforms import STORED_SIDE, load_squares, resize
from export.errors import DataError
from export.data.sampling import sampling_weights
from export.errors import CheckpointError
from export.nn.depthwise import FastDepthwise
from export.nn.losses import Targets, Teachers, label_loss, mix, mixing_share, teacher_loss
from export.nn.network import Ensemble, Normalise, Spec, load_imagenet, spec_for, untrained


def write_checkpoint(
    folder: Path, spec: Spec, weights: Mapping[str, torch.Tensor], provenance: Mapping[str, Any], **more: Any
) -> None:
    """Write `checkpoint.pt` beside itself first, so that a kill never leaves half of one.

    Args:
        folder: made where it does not exist.
        spec, weights: the network that `convert` takes.
        provenance: what is known of the training, JSON values.
        more: what only `--resume` needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "checkpoint.pt"
    torch.save({"spec": asdict(spec), "weights": weights, "provenance": provenance, **more}, target.with_suffix(".part"))
    target.with_suffix(".part").replace(target)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
