"""Metadata of a model file."""

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
import numpy as np
import onnx
import torch
from lesion.inference.model import FORMAT, Model, RefusalRule
from export.checkpoints.reader import Checkpoint, add_options, read_checkpoints, told_in
from export.evaluation.precision import compare
from export.data.isic import Labelled, of_split, read_table
from export.data.transforms import centre_square, read_pixels, resize
from export.errors import ClassesError
from export.evaluation.bootstrap import interval
from export.evaluation.metrics import auc
from export.evaluation.ood import drawn, features_of, principal
from export.evaluation.predictions import Answers, answer
from export.evaluation.thresholds import COVERAGE, refusal_rules, set_limits, threshold
from export.graph.assemble import Core, Familiarity, assemble, export_core
from export.graph.calibration import Calibration, Platt, choose, cross_validated
from export.graph.quantize import calibration_pictures, quantised
from export.graph.weight_storage import halved, transplanted
from export.nn.network import Network, Normalise
from export.reporting.writer import claim


def stamp(model: onnx.ModelProto, metadata: dict[str, Any]) -> None:
    """Write metadata into a model, every value as JSON; other keys stay."""
    merged = {prop.key: prop.value for prop in model.metadata_props}
    merged |= {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()} | {"lesion_format": FORMAT}
    onnx.helper.set_model_props(model, merged)
