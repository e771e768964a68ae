"""Every real image beside the repository is classified or refused, none is an error."""

from pathlib import Path

import pytest
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from starlette.testclient import TestClient


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["originals", "clinical/images"])
def test_classify_answers_every_real_image(shared_data: Path, model_file: Path, folder: str) -> None:
    # Without a model in the repository, the stand-in tests decoding and the answer.
    client = TestClient(create_app(Settings(), Model(model_file)))
    paths = [path for path in sorted((shared_data / folder).iterdir()) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    failed = {}
    for path in paths:
        response = client.post("/api/classify", content=path.read_bytes())
        if response.status_code != 200:
            failed[path.name] = response.json()["detail"]
    assert len(paths) > 40
    assert failed == {}
