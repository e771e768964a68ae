"""Several folders of images as one table, in which every image occurs once."""

from collections.abc import Sequence
from pathlib import Path

from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import require_disjoint_splits
from export.errors import DataError


def read_tables(folders: Sequence[Path]) -> list[LabelledImage]:
    """Read folders as one table, without images whose `same_as` names another image of the table.

    Args:
        folders: each with metadata.csv and images; see `export.data.isic.read_table`.

    Raises:
        DataError: see `read_table`; or one identifier is in two tables, or a group or two copies of an image are in two
            splits, so that training images would be evaluated.
    """
    tables = [read_table(folder) for folder in folders]
    rows_by_id: dict[str, LabelledImage] = {}
    for folder, table in zip(folders, tables, strict=True):
        own = {row.isic_id: row for row in table}
        if repeated := sorted(rows_by_id.keys() & own.keys()):
            raise DataError(
                f"{folder} has {repeated[0]}, which another table has too, and {len(repeated) - 1} more. Keep one of each."
            )
        rows_by_id |= own
    rows = [row for table in tables for row in table]
    require_disjoint_splits(rows, ", ".join(str(folder) for folder in folders))
    for row in rows:
        same = rows_by_id.get(row.same_as, row)
        if same.split != row.split:
            raise DataError(
                f"{row.isic_id} is in {row.split} and {same.isic_id}, the same image, in {same.split}. Keep both in one."
            )
    return [row for row in rows if row.same_as not in rows_by_id]
