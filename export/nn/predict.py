"""Logits of stored squares, without the serving graph."""

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
from export.checkpoints.writer import write_checkpoint, digest


@torch.inference_mode()
def malignant_logits(network: nn.Module, squares: torch.Tensor, size: int, normalise: Normalise) -> torch.Tensor:
    """Logits (N,) of stored squares, one plain view each."""
    network.eval()
    logits = []
    for chunk in squares.split(64):
        images = normalise(resize(chunk.float(), size))
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(network(images.contiguous(memory_format=torch.channels_last))[0].float())
    return torch.cat(logits)
