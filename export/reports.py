"""metrics.json beside the model, and what is written from it: the model card, and the figures in the project's README."""

import json
from pathlib import Path
from typing import Any

from lesion.model import Model

from export.card import write_card
from export.summary import write_summary

Figures = dict[str, Any]

SUMMARISED = {"test", "stress"}
"""Parts without which there is nothing to summarise yet."""


def report_on(path: Path, parts: Figures) -> None:
    """Put figures into the metrics.json of the model file at `path`, and write anew what is made of them."""
    target = path.parent / "metrics.json"
    model = Model(path)
    known = (json.loads(target.read_text()) if target.is_file() else {}) | parts
    target.write_text(json.dumps(known, indent=2) + "\n")
    write_card(path.parent / "README.md", model, known)
    if known.keys() >= SUMMARISED:
        write_summary(path.parent.parent / "README.md", model, path.stat().st_size, known)
