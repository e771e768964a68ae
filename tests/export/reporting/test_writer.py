"""The pages are rendered from the model file and metrics.json alone."""

import shutil
from pathlib import Path

import pytest

from export.__main__ import main
from export.reporting.readme_table import BEGIN, END
from export.reporting.writer import ReportError, render_report
from tests.support.paths import REPOSITORY


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of models/ with a README above it that has empty results."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("lesion.onnx", "metrics.json"):
        shutil.copy(REPOSITORY / "models" / name, folder)
    (tmp_path / "README.md").write_text(f"# Title\n{BEGIN}\n{END}\nend\n")
    return folder / "lesion.onnx"


def test_render_writes_the_committed_pages(model: Path) -> None:
    assert main(["render", "--model", str(model)]) == 0
    assert (model.parent / "README.md").read_text() == (REPOSITORY / "models" / "README.md").read_text()
    block = (model.parents[1] / "README.md").read_text().removeprefix("# Title\n").removesuffix("\nend\n")
    assert block in (REPOSITORY / "README.md").read_text()


def test_render_without_metrics_says_what_to_run(model: Path) -> None:
    (model.parent / "metrics.json").unlink()
    with pytest.raises(ReportError, match="python -m export evaluate"):
        render_report(model)
    assert not (model.parent / "README.md").exists()
