"""Shared fixtures: models, a client in this process, the development server, and images."""

import asyncio
import importlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from starlette.testclient import TestClient

from tests.support.literal_events import Handler
from tests.support.locks import exclusive
from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.stand_in_model import build

if "PYTEST_XDIST_WORKER" in os.environ:
    # One process per core already; threads of PyTorch beyond that only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Before they are imported: else what they assert fails without a word.
pytest.register_assert_rewrite("tests.emulation.alarm_checks", "tests.emulation.checks", "tests.emulation.browser_visit")


@pytest.fixture(scope="session")
def stand_in_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small model file whose outputs can be computed by hand (see `tests.support.stand_in_model`)."""
    return build(tmp_path_factory.mktemp("model") / "stand-in.onnx")


@pytest.fixture(scope="session")
def stand_in(stand_in_file: Path) -> Model:
    return Model(stand_in_file)


@pytest.fixture(scope="session")
def two_types_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stand-in as a file of format 2 that distinguishes dermoscopic and clinical images."""
    return build(tmp_path_factory.mktemp("model") / "two-types.onnx", image_types=("dermoscopic", "clinical"))


@pytest.fixture(scope="session")
def two_types(two_types_file: Path) -> Model:
    return Model(two_types_file)


@pytest.fixture(scope="session")
def model_file(stand_in_file: Path) -> Path:
    """Return the repository's model file, or the stand-in if there is none."""
    return Settings.model if Settings.model.is_file() else stand_in_file


@pytest.fixture(scope="session")
def client(stand_in: Model) -> Iterator[TestClient]:
    """Return a client of the service in this process, with the stand-in model."""
    with TestClient(create_app(Settings(code_url="https://example.org/code"), stand_in)) as client:
        yield client


@pytest.fixture(scope="module")
def event_loop() -> Iterator[None]:
    """Make a new event loop the current one, as the Lambda runtime's thread has it; Mangum takes it from there."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def handler(stand_in_file: Path, event_loop: None) -> Iterator[Handler]:
    """Return `lesion.handler.handler`, imported anew for the module, on the stand-in model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESION_MODEL", str(stand_in_file))
        yield importlib.import_module("lesion.handler").handler
    sys.modules.pop("lesion.handler")


@pytest.fixture(scope="session")
def image_bytes() -> bytes:
    """Return a dermoscopic JPEG image of 1504 x 1129."""
    return (SAMPLES / "ISIC_0000026.jpg").read_bytes()


@pytest.fixture(scope="session")
def environment(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a process that imports the service: only PATH and an empty home."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "lambda"), str(REPOSITORY))),
        "LESION_MODEL": str(model_file),
    }


@pytest.fixture(scope="session")
def base_url(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of `infra.dev.serve` on a free port, without a trailing slash."""
    log = tmp_path_factory.mktemp("serve") / "log"
    with open(log, "w") as output, ExitStack() as starting:
        # Every worker starts one, and all of them assemble the site in the same folder.
        starting.enter_context(exclusive("site"))
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.dev.serve"],
            env={**environment, "PORT": "0"},
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = _ready(process, log)
            starting.close()
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    # Starting takes a second; minutes where the machine is busy with something else and the site is put together for the
    # first time, which compresses 30 MB. As long as the process lives, it is on its way.
    for _ in range(6000):
        lines = log.read_text().splitlines()
        if lines and lines[0].startswith("http://"):
            url = lines[0].rstrip("/")
            with urllib.request.urlopen(f"{url}/api/ping", timeout=30) as answer:
                assert answer.read() == b'"pong"'
            return url
        assert process.poll() is None, f"infra.dev.serve ended: {log.read_text()}"
        time.sleep(0.1)
    raise AssertionError(f"infra.dev.serve does not answer: {log.read_text()}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images beside the repository; skip the test without it."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("The images are not here. Put them in ../shared/data, beside the repository, to run this.")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Return the folder of users' inputs beside the repository; skip the test without it."""
    folder = REPOSITORY.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("The cases are not here. Put them in ../shared/cases, beside the repository, to run this.")
    return folder


@pytest.fixture
def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
