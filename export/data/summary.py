"""The data summary: how many rows there are, how many are used, and why the others are left out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from export.data.labels import LabelledImage
from export.data.splits import SPLITS

NO_FILE = "no file"
OTHER_TYPE = "other image type"
DUPLICATE = "duplicate"

ONLY_SIDE = "{} without a diagnosis"
"""Class of images of which only the side is known."""


@dataclass
class SourceSummary:
    """Rows of one table or folder.

    Attributes:
        name: its path.
        layout: name of the layout.
        rows: number of rows, or of files without a table.
        used: number of images that are used.
        left_out: reason -> number of rows.
        details: reason -> value -> number of rows, where the reason alone says too little.
        notes: sentences about how the table was read.
    """

    name: str
    layout: str
    rows: int = 0
    used: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    details: dict[str, Counter[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, detail: str = "") -> None:
        """Count one row that is left out."""
        self.left_out[reason] += 1
        if detail:
            self.details.setdefault(reason, Counter())[detail] += 1

    def reasons(self) -> str:
        """Return the reasons with their numbers, or "none left out"."""
        if not self.left_out:
            return "none left out"
        texts = []
        for reason, count in self.left_out.most_common():
            details = ", ".join(f"{name} {number}" for name, number in self.details.get(reason, Counter()).most_common())
            texts.append(f"{reason} {count}" + (f" ({details})" if details else ""))
        return "left out: " + ", ".join(texts)


@dataclass(frozen=True)
class DataSummary:
    """What tables contain and what is used of them.

    Attributes:
        sources: one entry for each table or folder.
        images: the images that are used.
    """

    sources: tuple[SourceSummary, ...]
    images: Sequence[LabelledImage]

    def classes(self) -> dict[str, int]:
        """Return class -> number of images, the most frequent one first."""
        names = (row.diagnosis or ONLY_SIDE.format("malignant" if row.malignant else "benign") for row in self.images)
        return dict(Counter(names).most_common())

    def by_source(self) -> dict[str, tuple[int, int]]:
        """Return data set and image type -> number of images, and of malignant ones."""
        return _with_malignant((f"{row.dataset}, {row.image_type}", row.malignant) for row in self.images)

    def splits(self) -> dict[str, tuple[int, int]]:
        """Return split -> number of images, and of malignant ones; in the order of `SPLITS`."""
        found = _with_malignant((row.split, row.malignant) for row in self.images)
        return {name: found[name] for name in SPLITS if name in found}

    def lines(self) -> Iterator[str]:
        """Yield the lines that every command prints first."""
        for source in self.sources:
            yield f"{source.name} ({source.layout}): {source.rows} rows, {source.used} used; {source.reasons()}"
            yield from (f"  {note}" for note in source.notes)
        malignant = sum(row.malignant for row in self.images)
        groups = len({row.group for row in self.images})
        yield f"images: {len(self.images)}, {malignant} malignant, {groups} lesions or patients"
        yield "  classes: " + ", ".join(f"{name} {count}" for name, count in self.classes().items())
        for title, parts in (("sources", self.by_source()), ("splits", self.splits())):
            texts = (f"{name} {count} ({positive} malignant)" for name, (count, positive) in parts.items())
            yield f"  {title}: " + "; ".join(texts)

    def json(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "tables": [
                {
                    "layout": source.layout,
                    "rows": source.rows,
                    "used": source.used,
                    "left_out": dict(source.left_out),
                    "details": {reason: dict(counts) for reason, counts in source.details.items()},
                    "notes": source.notes,
                }
                for source in self.sources
            ],
            "images": len(self.images),
            "malignant": sum(row.malignant for row in self.images),
            "groups": len({row.group for row in self.images}),
            "classes": self.classes(),
            "sources": {name: {"n": n, "malignant": positive} for name, (n, positive) in self.by_source().items()},
            "splits": {name: {"n": n, "malignant": positive} for name, (n, positive) in self.splits().items()},
        }


def _with_malignant(pairs: Iterator[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for name, malignant in pairs:
        count, positive = counts.get(name, (0, 0))
        counts[name] = count + 1, positive + malignant
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1][0], entry[0])))
