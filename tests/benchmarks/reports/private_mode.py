"""The report about private mode and the service, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.site.private_mode import PROBABILITY_GAP, Difference

FOLDERS = {"originals": "originals", "clinical": "clinical/images"}
"""Name of each set -> its folder in the data."""
TABLE = (
    "set",
    "images",
    "refused by both",
    "decision, type or refusal differs",
    "only prediction set differs",
    "gap: median",
    "largest",
)
EXCEPTIONS = ("image", "differs", "on the device", "by the service", "next to a limit")


@dataclass(frozen=True)
class Row:
    """The two answers about one image.

    Attributes:
        folder: key of `FOLDERS`.
        name: of the file.
        ours: answer of private mode, or the name of a sentence.
        theirs: answer of the service.
        difference: None if nothing differs.
    """

    folder: str
    name: str
    ours: Any
    theirs: Any
    difference: Difference | None

    @property
    def gap(self) -> float | None:
        """Difference of the probabilities, if both answers have one."""
        if isinstance(self.ours, str) or not (self.ours["prediction"] and self.theirs.get("prediction")):
            return None
        one, other = (answer["prediction"]["malignant_probability"] for answer in (self.ours, self.theirs))
        return abs(float(one - other))

    @property
    def changes_answer(self) -> bool:
        """Whether more than the prediction set differs."""
        return bool(self.difference) and bool(
            {"decision", "type", "refusal"} & set(self.difference.parts if self.difference else ())
        )


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _said(answer: Any) -> str:
    """Return an answer in a few words."""
    if isinstance(answer, str):
        return answer
    if answer.get("refusal"):
        return f"refused: `{answer['refusal']['code']}`"
    if not answer.get("prediction"):
        return f"problem: `{answer.get('code')}`"
    prediction = answer["prediction"]
    side, members = prediction["decision"].split("_")[0], " or ".join(prediction["prediction_set"])
    return f"{prediction['malignant_probability']:.4f}, {side}, {members}"


def _set_line(folder: str, rows: Sequence[Row]) -> str:
    """Return the line of one set of images."""
    gaps = sorted(row.gap for row in rows if row.gap is not None)
    refused = sum(not row.difference and bool(row.theirs.get("refusal")) for row in rows)
    changed = sum(row.changes_answer for row in rows)
    only_set = sum(row.difference is not None for row in rows) - changed
    middle, largest = (f"{gaps[at]:.4f}" if gaps else "-" for at in (len(gaps) // 2, -1))
    return _line((folder, len(rows), refused, changed, only_set, middle, largest))


def _exceptions(rows: Sequence[Row]) -> list[str]:
    """Return the lines about images with a difference."""
    lines = []
    for row in rows:
        if row.difference:
            near = ", ".join(row.difference.limits) if row.difference.is_excused else "no"
            lines.append(_line((row.name, ", ".join(row.difference.parts), _said(row.ours), _said(row.theirs), near)))
    return [_line(EXCEPTIONS), "|---" * len(EXCEPTIONS) + "|", *lines] if lines else ["None."]


def text(rows: Sequence[Row], version: str, views: int, every: int, seconds: float) -> str:
    """Return the report.

    Args:
        rows: of all images.
        version: of the model.
        views: 1 or 8.
        every: 1 for all images; n for every n-th one of a set.
        seconds: for all images.
    """
    changed = [row for row in rows if row.changes_answer]
    near = sum(row.difference is not None and row.difference.is_excused for row in changed)
    chosen = "all images" if every == 1 else f"one in {every} images"
    option = "" if every == 1 else f" --every {every}"
    return "\n".join(
        [
            "# Private mode and the service",
            "",
            f"{len(rows) - len(changed)} of {len(rows)} images have the same decision, image type and refusal in private",
            f"mode and by the service. Different with a probability within {PROBABILITY_GAP} of a limit: {near};",
            f"different otherwise: {len(changed) - near}.",
            "",
            f"Written by `python -m tests.benchmarks.private_mode ../shared/data{option}`, with Chromium and",
            f"`infra.dev.serve` on one machine: {chosen} of `originals/` and `clinical/`, model {version}, views: {views}.",
            f"It took {seconds / 60:.0f} minutes. The gap is the difference of the two probabilities. The reasons for",
            "differences are in [page.md](../page.md#private-mode).",
            "",
            _line(TABLE),
            "|---" * len(TABLE) + "|",
            *(_set_line(folder, [row for row in rows if row.folder == folder]) for folder in FOLDERS),
            "",
            "Images with a difference, with probability, side of the threshold and prediction set:",
            "",
            *_exceptions(rows),
            "",
        ]
    )
