"""Several tables and folders of images as one table, in which every image occurs once."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.data.find_tables import DataOptions
from export.data.labels import LabelledImage
from export.data.read_source import Source, read_source
from export.data.splits import require_disjoint_splits
from export.data.summary import DUPLICATE, DataSummary
from export.errors import DataError


@dataclass(frozen=True)
class Data:
    """Labelled images, and the summary of the tables that they come from."""

    rows: list[LabelledImage]
    summary: DataSummary


def read_data(paths: Sequence[Path], options: DataOptions | None = None) -> Data:
    """Read tables and folders as one table, without images whose `same_as` names another image of the table.

    Args:
        paths: see `export.data.read_source.read_source`.
        options: what the caller states about the tables.

    Raises:
        DataError: see `read_source`; or one identifier is in two tables, or a group or two copies of an image are in two
            splits, so that training images would be evaluated.
    """
    sources = [read_source(path, options or DataOptions()) for path in paths]
    rows_by_id: dict[str, LabelledImage] = {}
    for path, source in zip(paths, sources, strict=True):
        own = {row.isic_id: row for row in source.images}
        if repeated := sorted(rows_by_id.keys() & own.keys()):
            raise DataError(
                f"{path} has {repeated[0]}, which another table has too, and {len(repeated) - 1} more. Keep one of each."
            )
        rows_by_id |= own
    rows = [row for source in sources for row in source.images]
    require_disjoint_splits(rows, ", ".join(str(path) for path in paths))
    kept = []
    for source in sources:
        for row in source.images:
            same = rows_by_id.get(row.same_as, row)
            if same.split != row.split:
                raise DataError(
                    f"{row.isic_id} is in {row.split} and {same.isic_id}, the same image, in {same.split}. Keep both in one."
                )
            if row.same_as in rows_by_id:
                source.summary.leave_out(DUPLICATE)
                source.summary.used -= 1
            else:
                kept.append(row)
    _note_copies(sources)
    return Data(kept, DataSummary(tuple(source.summary for source in sources), kept))


def _note_copies(sources: Sequence[Source]) -> None:
    """Add to the summary which files have a copy in another split, under another name."""
    source_of = {row: source for source in sources for row in source.images}
    pairs: defaultdict[str, list[str]] = defaultdict(list)
    for same_size in _in_several_splits(source_of, lambda row: row.path.stat().st_size):
        for same in _in_several_splits(same_size, lambda row: hashlib.sha256(row.path.read_bytes()).digest()):
            one, other = same[0], next(row for row in same if row.split != same[0].split)
            sentence = f"{one.path} in {one.split} and {other.path} in {other.split}"
            pairs[source_of[other].summary.name].append(sentence)
    for source in sources:
        if own := pairs.get(source.summary.name):
            source.summary.notes.append(
                f"Warning: copies of one file in different splits, so one split tells of another: {len(own)}, the first "
                f"{own[0]}"
            )


def _in_several_splits(
    rows: Iterable[LabelledImage], key: Callable[[LabelledImage], object]
) -> Iterator[list[LabelledImage]]:
    """Yield the rows that have one key and are in several splits."""
    groups: defaultdict[object, list[LabelledImage]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return (group for group in groups.values() if len({row.split for row in group}) > 1)


def read_tables(paths: Sequence[Path], options: DataOptions | None = None) -> list[LabelledImage]:
    """Return the images of `read_data`."""
    return read_data(paths, options).rows


def read_table(path: Path, options: DataOptions | None = None) -> list[LabelledImage]:
    """Return the images of one table or folder."""
    return read_data([path], options).rows
