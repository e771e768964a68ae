"""Write metrics.json beside the model file, and render the model card and the README's results from it."""

import json
from pathlib import Path

from lesion import __version__
from lesion.inference.model import Model

from export.arrays import Figures
from export.errors import ReportError
from export.reporting.chai_card import render_chai_card
from export.reporting.hugging_face import render_hugging_face
from export.reporting.model_card import TITLE, write_card
from export.reporting.readme_table import write_results

REQUIRED_FOR_README = {"test", "stress"}
"""Parts of metrics.json that exist before the README is updated."""


def check_model_folder(path: Path) -> None:
    """Check that the folder of the model file at `path` holds no other model: card, figures and plots are written there.

    Raises:
        ReportError: the folder contains another model, or a README.md that is not a model card.
    """
    page = path.parent / "README.md"
    others = [other.name for other in path.parent.glob("*.onnx") if other.name != path.name]
    if page.is_file() and not page.read_text().startswith(TITLE):
        others.append(page.name)
    if others:
        raise ReportError(
            f"Beside {path.name} its model card, figures and plots are written, and {path.parent} has {', '.join(others)} "
            f"already. Give it a folder of its own, such as {path.parent / path.stem / path.name}."
        )


def update_report(path: Path, parts: Figures) -> None:
    """Merge figures into the metrics.json of the model file at `path`, and render the pages again.

    Args:
        path: model file.
        parts: parts of metrics.json, which replace those of the same name.

    Raises:
        ReportError: see `check_model_folder`.
    """
    check_model_folder(path)
    target = path.parent / "metrics.json"
    metrics = (json.loads(target.read_text()) if target.is_file() else {}) | parts
    target.write_text(json.dumps(metrics, indent=2) + "\n")
    _write_pages(path, metrics)


def render_report(path: Path) -> None:
    """Render the model card and the README's results from the model file at `path` and its metrics.json.

    Raises:
        ReportError: metrics.json is missing or has no figures of `test`; also see `check_model_folder`.
        ModelFileError: the file is not a model of this project.
    """
    check_model_folder(path)
    target = path.parent / "metrics.json"
    metrics = json.loads(target.read_text()) if target.is_file() else {}
    if "test" not in metrics:
        raise ReportError(f"{target} has no figures yet. Run `python -m export release` first, which measures them.")
    _write_pages(path, metrics)


def _write_pages(path: Path, metrics: Figures) -> None:
    model = Model(path)
    write_card(path.parent / "README.md", model, metrics)
    (path.parent / "huggingface.md").write_text(render_hugging_face(model, metrics))
    (path.parent / "chai.xml").write_text(render_chai_card(model, metrics, code_version=__version__))
    if metrics.keys() >= REQUIRED_FOR_README:
        write_results(path.parent.parent / "README.md", model, path.stat().st_size, metrics)
