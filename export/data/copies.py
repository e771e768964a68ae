"""Other copies of the same photographs: full frames, squashed or re-encoded files, other crops."""

import argparse
import csv
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
import numpy as np
import numpy.typing as npt
from lesion.imaging.decode import Pixels, decode
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Card, Model, Outputs
from tqdm import tqdm
from export.data.corruptions import CAMERA_SIDE, PAGE_SIDE, PERTURBATIONS, Perturbation, by_page, from_camera
from export.data.isic import SPLITS, Labelled, of_split, read_table
from export.data.transforms import read_pixels
from export.errors import DataError
from export.evaluation import metrics
from export.evaluation.bootstrap import interval
from export.evaluation.predictions import as_counted
from export.reporting.plots import write_stress
from export.reporting.writer import report_on


def read_copies(folder: Path, ids: set[str]) -> dict[str, list[tuple[Path, str]]]:
    """Kind of copy -> (file, isic_id) of those photographs.

    Raises:
        DataError: no metadata.csv, or a file that it names is missing.
    """
    source = folder / "metadata.csv"
    if not source.is_file():
        raise DataError(f"{source} does not exist. Point --copies at a folder with metadata.csv and the copies.")
    files = {path.name: path for path in folder.rglob("*.*")}
    kinds: dict[str, list[tuple[Path, str]]] = {}
    with source.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["isic_id"] in ids:
                if row["file"] not in files:
                    raise DataError(f"{source} names {row['file']}, which is not below {folder}.")
                kinds.setdefault(row["kind"], []).append((files[row["file"]], row["isic_id"]))
    return kinds
