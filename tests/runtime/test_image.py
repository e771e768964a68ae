"""The built image as Lambda runs it: answers, file writes, network connections, memory and contents.

Run by `make test-image`, after `make image`.
"""

import io
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.access_log import FIELDS, METRICS
from lesion.web.api import create_app
from PIL import Image as Pillow
from starlette.testclient import TestClient

from infra.packaging.image import build, context_files
from tests.support.image_contents import image_files
from tests.support.lambda_runtime.container import Container, Image, working_copy
from tests.support.lambda_runtime.dockerfile import glibc_tunables
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.gateway import Gateway
from tests.support.lambda_runtime.network import Network
from tests.support.paths import PHONE_IMAGES, REPOSITORY, SAMPLES

pytestmark = pytest.mark.image

IMAGE_FILES = [*sorted(SAMPLES.glob("*.jpg")), *sorted(PHONE_IMAGES.glob("*.heic"))]
PEAK_BYTES = 200_000_000
PEAK_BYTES_OF_EIGHT_VIEWS = 280_000_000
AT_ONCE = 50
PROCESSES = 4
UNCHECKED = 1
"""Flag in byte code that is never compared with its source (PEP 552)."""


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with working_copy() as image:
        yield image


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def own() -> Iterator[TestClient]:
    """Return the same service with the same model in this process."""
    with TestClient(create_app(Settings(), Model(Settings.model))) as client:
        yield client


@pytest.fixture
def probe(image: Image, network: Network) -> Callable[[str], str]:
    """Return a function that runs a program in the image, unprivileged, and returns its output."""

    def run(program: str) -> str:
        with Container(image, network, command=["python3", "-c", program]) as container:
            container.wait()
            return container.log()

    return run


class Stage:
    """One container behind an emulated gateway."""

    def __init__(self, stack: ExitStack, image: Image, network: Network, *, writable: bool = False) -> None:
        self.network = network
        runtime = stack.enter_context(network.call(RuntimeApi))
        self.container = stack.enter_context(Container(image, network, runtime, writable=writable))
        self.url = stack.enter_context(Gateway(runtime, seconds=300)).url

    def post(self, query: str = "", **body: Any) -> Any:
        response = httpx2.post(f"{self.url}/api/classify{query}", timeout=300, **body)
        assert response.status_code == 200, response.text
        return untimed(response.json())


@pytest.fixture
def stage(image: Image, network: Network) -> Iterator[Stage]:
    """Return a container with read-only root and /tmp, no privileges and 1769 MB."""
    with ExitStack() as stack:
        yield Stage(stack, image, network)


def untimed(answer: Any) -> Any:
    answer.pop("timing_ms")
    return answer


def alike(one: Any, other: Any) -> bool:
    """Return whether two answers agree up to the last digits; the C library of the image has another exp and log."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-7)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def visit(stage: Stage, own: TestClient) -> None:
    """Send every image before the framework is imported, then the requests of a visit, then images again."""
    for path in IMAGE_FILES:
        data = path.read_bytes()
        assert alike(stage.post(content=data), untimed(own.post("/api/classify", content=data).json())), path.name
    for route in ("config", "model", "samples", "classes", "docs", "openapi.json", "ping"):
        assert httpx2.get(f"{stage.url}/api/{route}", timeout=300).content == own.get(f"/api/{route}").content, route
    data = IMAGE_FILES[0].read_bytes()
    expected = untimed(own.post("/api/classify", content=data).json())
    assert alike(stage.post(files={"file": ("photo.jpg", data, "image/jpeg")}), expected)
    broken = httpx2.post(f"{stage.url}/api/classify", content=data[:2000], timeout=300)
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_image")


def test_sealed_container_answers_within_its_memory(stage: Stage, own: TestClient) -> None:
    """It answers as this process does, makes no network connection, and logs only allowed fields."""
    before = stage.network.attempts()
    visit(stage, own)
    assert 50_000_000 < stage.container.peak() <= PEAK_BYTES
    # Eight views are one batch of eight images.
    data = IMAGE_FILES[0].read_bytes()
    assert alike(stage.post("?views=8", content=data), untimed(own.post("/api/classify?views=8", content=data).json()))
    assert stage.container.peak() <= PEAK_BYTES_OF_EIGHT_VIEWS
    assert stage.network.attempts() == before
    # One line per request, with allowed fields only.
    for line in stage.container.log().splitlines():
        assert set(json.loads(line)) <= FIELDS.keys() | METRICS.keys() | {"_aws"}


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.create_connection(('192.0.2.1', 443), 2)",
        "import socket; socket.create_connection(('2001:db8::1', 443), 2)",
        "import socket; socket.getaddrinfo('example.org', 443)",
    ],
)
def test_outgoing_connections_are_detected(network: Network, probe: Callable[[str], str], program: str) -> None:
    before = network.attempts()
    assert "Traceback" in probe(program)
    assert network.attempts() > before


def test_function_writes_nothing_to_a_writable_image(network: Network, own: TestClient) -> None:
    with working_copy() as image, ExitStack() as stack:
        stage = Stage(stack, image, network, writable=True)
        visit(stage, own)
        assert image.written() == []
        assert list(stage.container.temporary.iterdir()) == []


def test_writes_are_detected(network: Network) -> None:
    program = "open('/var/task/new', 'w'); open('/tmp/new', 'w'); open('/var/task/lesion/api.py', 'a').write('#')"
    with (
        working_copy() as image,
        Container(image, network, command=["python3", "-c", program], writable=True) as container,
    ):
        container.wait()
        changed = {path.name for path in image.written() if path.is_file()}
        assert (container.log(), changed) == ("", {"new", "api.py"})
        assert [path.name for path in container.temporary.iterdir()] == ["new"]


def test_container_is_read_only_unprivileged_and_limited(probe: Callable[[str], str]) -> None:
    assert "Read-only file system" in probe("open('/var/task/new', 'w')")
    assert "No usable temporary directory" in probe("import tempfile; tempfile.TemporaryFile()")
    assert probe("import os; print(os.getuid(), os.getgid())") == "65534 65534\n"
    assert probe("print('small', flush=True); bytearray(1900 << 20).count(1); print('large')") == "small\n"


def test_concurrent_requests_get_their_own_answers(image: Image, network: Network, own: TestClient) -> None:
    images = [varied(number) for number in range(AT_ONCE)]
    expected = [untimed(own.post("/api/classify", content=data).json()) for data in images]
    assert len({str(answer) for answer in expected}) == AT_ONCE
    with (
        network.call(RuntimeApi) as runtime,
        Gateway(runtime, seconds=300) as gateway,
        ExitStack() as stack,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for _ in range(PROCESSES):
            stack.enter_context(Container(image, network, runtime))
        url = f"{gateway.url}/api/classify"
        answers = list(pool.map(lambda data: httpx2.post(url, content=data, timeout=300), images))
    assert alike([untimed(answer.json()) for answer in answers], expected)
    # The answers differ enough to detect swapped ones.
    assert not alike(expected[0], expected[12])


def varied(number: int) -> bytes:
    """Return an image that is different for every number."""
    with Pillow.open(IMAGE_FILES[number % 12]) as image:
        file = io.BytesIO()
        image.reduce(2).crop((0, 0, 300 + number, 290)).save(file, "JPEG")
        return file.getvalue()


def test_image_has_no_installers_or_compilers(image: Image, probe: Callable[[str], str]) -> None:
    names = "pip", "setuptools", "wheel", "uv", "torch", "onnx", "boto3", "pytest"
    told = probe(
        f"import importlib.util, shutil; print([n for n in {names} if importlib.util.find_spec(n) or shutil.which(n)])"
    )
    assert told == "[]\n"
    files = [path for path in (image.root / "var/task").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".a", ".c", ".h", ".pyi", ".pyx") or "tests" in path.parts]


def test_image_contains_only_the_functions_modules(image: Image) -> None:
    task = image.root / "var/task"
    assert {path.name for path in (task / "models").iterdir()} == {"lesion.onnx", "LICENSE", "README.md"}
    modules = {path for path in image_files("service") if path.endswith(".py")}
    assert {path.relative_to(task).as_posix() for path in (task / "lesion").rglob("*.py")} == modules
    assert not {"export", "infra", "tests", "slim.py"} & {path.name for path in task.iterdir()}


def test_image_contains_no_secrets(image: Image) -> None:
    secrets = re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/]{16}"
        rb"|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
        rb"|\bpypi-AgEI[A-Za-z0-9_-]{16}|aws_secret_access_key\s*=|//[\w.%-]{1,64}:[\w.%-]{8,}@"
    )
    assert secrets.search(b"see AKIA" + b"IOSFODNN7EXAMPLE here") and secrets.search(b"https://me:a-password@host/")
    files = [path for path in (image.root / "var/task").rglob("*") if path.is_file()]
    assert [str(path) for path in files if secrets.search(path.read_bytes())] == []
    names = [entry.partition("=")[0] for entry in image.config["Env"]]
    assert not [name for name in names if re.search("SECRET|TOKEN|PASSWORD|KEY", name)]
    assert not list((image.root / "run/secrets").glob("*")) and not (image.root / "etc/pip.conf").exists()


def test_modules_have_unchecked_byte_code(image: Image) -> None:
    sources = list((image.root / "var/task").rglob("*.py"))
    compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources]
    assert len(sources) > 100
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {UNCHECKED}


def test_image_configuration(image: Image) -> None:
    """Entry point of the runtime, telemetry off, an unprivileged user."""
    assert (image.config["Entrypoint"], image.config["Cmd"]) == (
        ["python3", "-m", "awslambdaric"],
        ["lesion.handler.handler"],
    )
    assert "ORT_DISABLE_TELEMETRY=1" in image.config["Env"]
    # tests.benchmarks.load uses the same setting.
    assert f"GLIBC_TUNABLES={glibc_tunables()}" in image.config["Env"]
    assert image.config["User"] == "65534:65534"


def test_new_model_changes_only_its_layer(tmp_path: Path) -> None:
    """A deployment of a new model alone pushes one layer."""
    for name in context_files():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / "tree" / name)
    with (tmp_path / "tree" / "models" / "lesion.onnx").open("ab") as file:
        file.write(b"\0")
    # Without cached steps, as on a machine that has not built the image before.
    archive = tmp_path / "second.tar"
    first, second = build(), build(tmp_path / "tree", archive, cached=False, tag="localhost/lesion:second")
    archive.unlink()
    assert second.digests[:-1] == first.digests[:-1]
    assert second.digests[-1] != first.digests[-1]


def test_image_build_is_reproducible(tmp_path: Path) -> None:
    # Another folder, other timestamps and permissions, and no cached steps of the first build.
    for name in context_files():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / "tree" / name)
        (tmp_path / "tree" / name).chmod(0o600)
    first, second = build(), build(tmp_path / "tree", tmp_path / "second.tar", cached=False, tag="localhost/lesion:second")
    # It is large, and pytest keeps temporary folders for a while.
    (tmp_path / "second.tar").unlink()
    assert second.digests == first.digests
