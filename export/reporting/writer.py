"""metrics.json beside the model, and what is written from it: the model card, and the figures in the project's README."""

import json
from pathlib import Path
from typing import Any

from lesion.inference.model import Model

from export.reporting.model_card import TITLE, write_card
from export.reporting.readme_table import write_results

Figures = dict[str, Any]

REQUIRED_FOR_README = {"test", "stress"}
"""Parts without which there is nothing to summarise yet."""


class ReportError(Exception):
    """Raised when figures cannot be written where they belong; the message says what to do."""


def check_model_folder(path: Path) -> None:
    """See that the folder of the model file at `path` is its own: card, figures and plots are written beside it.

    Raises:
        ReportError: another model lies there, or a README.md that is no model card.
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
    """Put figures into the metrics.json of the model file at `path`, and write anew what is made of them.

    Raises:
        ReportError: from `claim`.
    """
    check_model_folder(path)
    target = path.parent / "metrics.json"
    model = Model(path)
    known = (json.loads(target.read_text()) if target.is_file() else {}) | parts
    target.write_text(json.dumps(known, indent=2) + "\n")
    write_card(path.parent / "README.md", model, known)
    if known.keys() >= REQUIRED_FOR_README:
        write_results(path.parent.parent / "README.md", model, path.stat().st_size, known)
