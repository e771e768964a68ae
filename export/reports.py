"""metrics.json beside the model, and the model card that is written from it."""

import json
from pathlib import Path
from typing import Any

from lesion.model import Model

from export.card import write_card

Figures = dict[str, Any]


def report_on(path: Path, parts: Figures) -> None:
    """Put figures into the metrics.json of the model file at `path`, and write its card anew from all that is known."""
    target = path.parent / "metrics.json"
    model = Model(path)
    known = (json.loads(target.read_text()) if target.is_file() else {}) | parts
    target.write_text(json.dumps(known, indent=2) + "\n")
    write_card(path.parent / "README.md", model, known)
