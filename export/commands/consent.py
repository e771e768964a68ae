"""Consent to replace files: a command says what it will replace, and needs `--yes` or an answer on a terminal."""

import sys
from collections.abc import Iterable
from pathlib import Path

from lesion.errors import ModelFileError
from lesion.inference.model import Model

from export.errors import ReportError
from export.reporting.readme_table import BEGIN


def confirm_replacement(paths: Iterable[Path], *, yes: bool) -> None:
    """Print which of some files exist and will be replaced; ask on a terminal unless `yes`.

    Args:
        paths: files that a command will write.
        yes: whether `--yes` was given.

    Raises:
        ReportError: files exist, and nobody agreed to replace them.
    """
    existing = [path for path in paths if path.exists()]
    if not existing:
        return
    print("This replaces:")
    for path in existing:
        print(f"  {path}{_version(path)}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise ReportError(
            f"{existing[0]} exists, so nothing was written. Add --yes to replace it"
            + (f" and {len(existing) - 1} more files" if len(existing) > 1 else "")
            + ", or write to another place."
        )
    if input("Replace them? [y/N] ").strip().lower() not in ("y", "yes"):
        raise ReportError("Nothing was written.")


def report_files(model: Path) -> list[Path]:
    """Return the files that a released report consists of: figures, model card, plots, and the README above them."""
    names = (
        "metrics.json",
        "README.md",
        "huggingface.md",
        "chai.xml",
        "roc.png",
        "reliability.png",
        "confusion.png",
        "stress.png",
    )
    above = model.parent.parent / "README.md"
    has_results = above.is_file() and BEGIN in above.read_text(encoding="utf-8", errors="replace")
    return [*(model.parent / name for name in names), *([above] if has_results else [])]


def _version(path: Path) -> str:
    if path.suffix != ".onnx":
        return ""
    try:
        model = Model(path)
    except ModelFileError:
        return " (not a model of this project)"
    return f" (model {model.card.version}, sha256 {model.sha256[:12]})"
