"""Errors of reading checkpoints.

CheckpointError
|- UnpickleError        the file is damaged, or asks for what no checkpoint needs
|- ClassesError         it is not clear what the outputs mean
|- HeadError            the head is not piecewise linear
`- ArchitectureError    the body is not one that can be built
"""

import csv
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import numpy.typing as npt
import torch
from lesion.errors import RequestError
from lesion.imaging.decode import Pixels, decode
from tqdm import tqdm
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
from export.graph.metadata import stamp


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read; the message says what is expected instead."""


class UnpickleError(CheckpointError):
    """Raised when a pickle is damaged, or asks for something that no checkpoint needs."""


class ClassesError(CheckpointError):
    """Raised when it is not clear what the outputs of a network mean; the message says which option tells it."""


class HeadError(CheckpointError):
    """Raised when a head is not made of what can be taken apart."""


class ArchitectureError(CheckpointError):
    """Raised when no known architecture has the tensors of a checkpoint, or the one that has them is of another kind."""


class DataError(Exception):
    """Raised when a data folder cannot be used; the message says what is missing or wrong."""


class ParityError(Exception):
    """Raised when the graph does not answer what PyTorch does; nothing is written then."""
