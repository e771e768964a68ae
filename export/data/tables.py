"""Several tables and folders of images as one table, in which every image occurs once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.data.find_tables import DataOptions
from export.data.labels import LabelledImage
from export.data.read_source import read_source
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
    return Data(kept, DataSummary(tuple(source.summary for source in sources), kept))


def read_tables(paths: Sequence[Path], options: DataOptions | None = None) -> list[LabelledImage]:
    """Return the images of `read_data`."""
    return read_data(paths, options).rows


def read_table(path: Path, options: DataOptions | None = None) -> list[LabelledImage]:
    """Return the images of one table or folder."""
    return read_data([path], options).rows
