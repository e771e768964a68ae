"""A Python client that is generated from the OpenAPI document classifies an image and reads the answer."""

import importlib
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from PIL import Image

from tests.support.paths import SAMPLES

FUNCTIONS = ["classify_image", "classify_known_image", "get_config", "get_model", "list_classes", "list_samples", "ping"]


@pytest.fixture
def client_of(stand_in: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the generated package and a client of it that calls the application."""
    app = create_app(Settings(), stand_in)
    (tmp_path / "openapi.json").write_text(json.dumps(app.openapi()))
    tools = Path(sys.executable).parent
    options = ["generate", "--path", "openapi.json", "--output-path", "lesion_client", "--meta", "none"]
    subprocess.run(
        [tools / "openapi-python-client", *options],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module("lesion_client")
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
    yield package.Client(base_url="http://test").set_async_httpx_client(http)
    for name in [name for name in sys.modules if name.split(".")[0] == "lesion_client"]:
        del sys.modules[name]


def function(name: str) -> Any:
    return importlib.import_module(f"lesion_client.api.default.{name}")


@pytest.mark.anyio
async def test_generated_client_classifies_an_image(client_of: Any) -> None:
    models, types = (importlib.import_module(f"lesion_client.{name}") for name in ("models", "types"))
    image = types.File(payload=BytesIO((SAMPLES / "ISIC_0000026.jpg").read_bytes()), file_name="a.jpg")
    body = models.ClassifyImageFilesBody(file=[image])
    answer = await function("classify_image").asyncio(client=client_of, body=body, evidence=False)
    assert isinstance(answer, models.Classification)
    with Image.open(SAMPLES / "ISIC_0000026.jpg") as opened:
        assert (answer.image.width, answer.image.height) == opened.size
    assert answer.evidence is None
    sample = await function("classify_known_image").asyncio(client=client_of, sample="ISIC_0000030")
    assert isinstance(sample, models.Classification) and sample.model.version == "stand-in"
    missing = await function("classify_known_image").asyncio(client=client_of, sample="nowhere")
    assert isinstance(missing, models.Problem) and missing.code == "not_found"
    assert await function("ping").asyncio(client=client_of) == "pong"
    package = Path(importlib.import_module("lesion_client.api.default").__file__ or "").parent
    assert sorted(path.stem for path in package.glob("[a-z]*.py")) == FUNCTIONS


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
