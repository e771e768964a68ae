"""Contenders of the benchmarks: the 2019 application, current serving tools and this project, each in an own environment."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import onnx
import onnx.utils
from lesion.inference.model import Model

from tests.support.paths import REPOSITORY

ONE_VIEW = "/api/classify"
EIGHT_VIEWS = "/api/classify?views=8"
ENVIRONMENTS = REPOSITORY / "build" / "bench"
MODEL = REPOSITORY / "models" / "lesion.onnx"
_TORCH = ("torch==2.14.1", "torchvision==0.29.1", "pillow==13.0.0")
_WEB = ("fastapi==0.165.0", "python-multipart==0.0.34", "uvicorn==0.54.0")
_ONNX = ("onnxruntime==1.32.0", "numpy==2.4.6", "pillow==13.0.0")
_OURS = ("-r", str(REPOSITORY / "lambda" / "requirements.txt"))
# PyTorch's wheel on the package index brings libraries for graphics cards, on machines without one too.
_GRAPHICS = re.compile(r"cuda|nvshmem")
_UVICORN = ("{bin}/uvicorn", "--port", "{port}", "--workers", "{workers}", "--log-level", "warning")


class CannotInstall(Exception):
    """Raised when a contender cannot be installed here; says why, for the report."""


@dataclass(frozen=True)
class Contender:
    """One way to serve.

    Attributes:
        name: label in the report.
        folder: environment, shared by contenders with the same packages.
        requirements: packages, one pip call per group, because pip checks hashes for all packages of a call or none.
        command: starts its server; {bin} is its environment's, {port} and {workers} are filled in. Empty: it answers
            `lesion_inside`'s protocol.
        environment: additional environment variables.
        path, part: path of the route with its query, and name of the form field.
        network: the network that it runs.
    """

    name: str
    folder: str
    requirements: tuple[tuple[str, ...], ...]
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/predict"
    part: str = "file"
    network: str = "ours"

    @property
    def python(self) -> Path:
        return ENVIRONMENTS / self.folder / "bin" / "python"

    def install(self) -> None:
        """Create the environment unless it exists.

        Raises:
            CannotInstall: pip failed.
        """
        folder = ENVIRONMENTS / self.folder
        wanted = json.dumps(self.requirements)
        stamp = folder / "installed"
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for group in self.requirements:
            done = subprocess.run(
                [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *group],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise CannotInstall((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        stamp.write_text(wanted)

    def sizes(self) -> tuple[int, int]:
        """Return the installed bytes without pip, and the part that only GPUs need."""
        [site] = (ENVIRONMENTS / self.folder / "lib").glob("python*/site-packages")
        whole = graphics = 0
        for entry in site.iterdir():
            if entry.name.startswith("pip"):
                continue
            for file in _files(entry):
                size = file.stat().st_size
                whole += size
                if entry.name.startswith(("nvidia", "cuda", "triton")) or _GRAPHICS.search(file.name):
                    graphics += size
        return whole, graphics

    def variables(self, workers: int = 1) -> dict[str, str]:
        """Return its environment variables."""
        card = Model(MODEL).card
        return {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(ENVIRONMENTS),
            "LESION_MODEL": str(MODEL),
            "LESION_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "BENTOML_DO_NOT_TRACK": "True",
            "BENCH_PLAIN": str(_plain()),
            "BENCH_NETWORK": card.architecture,
            "BENCH_SIDE": str(card.input_size),
            "BENCH_WORKERS": str(workers),
            **self.environment,
        }


@cache
def _plain() -> Path:
    """Write the network of the model file, from views to logits; OpenVINO cannot read the branch that selects views."""
    path = ENVIRONMENTS / "network.onnx"
    whole = onnx.shape_inference.infer_shapes(onnx.load(MODEL))
    [batch] = (info for info in whole.graph.value_info if info.name == "batch")
    side = Model(MODEL).card.input_size
    for size, dimension in zip((1, 3, side, side), batch.type.tensor_type.shape.dim, strict=True):
        dimension.dim_value = size
    # With a head for each image type, these are the network's own outputs.
    has_types = any("cells_by_type" in node.output for node in whole.graph.node)
    outputs = [f"{name}_by_type" if has_types else name for name in ("cells", "class_logits")]
    onnx.save(onnx.utils.Extractor(whole).extract_model(["batch"], outputs), path)
    return path


def _files(entry: Path) -> list[Path]:
    return [entry] if entry.is_file() else [file for file in entry.rglob("*") if file.is_file() and not file.is_symlink()]


OLD = "2019: Flask, PyTorch, DenseNet161"
INSIDE = "this project, in process"
INSIDE_EIGHT = "this project, in process, eight views"
EMULATED = "this project, the Lambda runtime"

_LESION = {"PYTHONPATH": f"{REPOSITORY / 'lambda'}:{REPOSITORY}"}


def _this_project(name: str, *command: str, path: str = ONE_VIEW) -> Contender:
    packages = (_OURS, ("uvicorn==0.54.0",))
    return Contender(name, "lesion", packages, command, _LESION, path=path)


CONTENDERS = (
    Contender(
        OLD,
        "flask",
        (("flask==3.1.3", "gunicorn==27.0.1", *_TORCH),),
        ("{bin}/gunicorn", "-b", "127.0.0.1:{port}", "-w", "{workers}", "-t", "120", "flask_densenet:app"),
        network="DenseNet161",
    ),
    Contender("FastAPI, PyTorch eager", "torch", ((*_WEB, *_TORCH, "timm==1.0.31"),), (*_UVICORN, "fastapi_torch:app")),
    Contender(
        "FastAPI, torch.compile",
        "torch",
        ((*_WEB, *_TORCH, "timm==1.0.31"),),
        (*_UVICORN, "fastapi_torch:app"),
        {"BENCH_COMPILE": "1"},
    ),
    Contender(
        "LitServe, ONNX Runtime",
        "litserve",
        (("litserve==0.2.19", "python-multipart==0.0.34", *_ONNX),),
        ("{bin}/python", "litserve_onnx.py", "{port}", "{workers}"),
        part="request",
    ),
    Contender(
        "BentoML, ONNX Runtime",
        "bentoml",
        (("bentoml==1.4.40", *_ONNX),),
        ("{bin}/bentoml", "serve", "bentoml_onnx:Lesion", "--port", "{port}"),
    ),
    Contender(
        "FastAPI, OpenVINO as it comes",
        "openvino",
        ((*_WEB, "openvino==2026.4.1", "numpy==2.4.6", "pillow==13.0.0"),),
        (*_UVICORN, "fastapi_openvino:app"),
    ),
    Contender(
        "FastAPI, OpenVINO in float32",
        "openvino",
        ((*_WEB, "openvino==2026.4.1", "numpy==2.4.6", "pillow==13.0.0"),),
        (*_UVICORN, "fastapi_openvino:app"),
        {"BENCH_PRECISION": "f32"},
    ),
    _this_project(INSIDE),
    _this_project(INSIDE_EIGHT, path=EIGHT_VIEWS),
    _this_project("this project, uvicorn", *_UVICORN, "lesion_uvicorn:app"),
    _this_project(
        EMULATED, sys.executable, "-m", "tests.benchmarks.peers.lesion_emulated", "{bin}/python", "{port}", "{workers}"
    ),
)
