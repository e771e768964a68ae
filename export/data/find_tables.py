"""Which file of a folder is the table with the labels, and which further tables belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from export.data.image_files import without_suffix
from export.data.layouts.known import READ_COLUMNS, find_layout
from export.data.layouts.layout import IMAGE_COLUMNS, Layout, image_column
from export.data.layouts.own_classes import ClassMap
from export.data.text_table import SUFFIXES, Row, TextTable, read_text_table
from export.errors import DataError

_OTHER_TABLES = frozenset({".xlsx", ".xls", ".ods", ".parquet"})
"""Tables that are not text, whose error says so where a folder has no table with labels."""

_BARE_FILES = 20
"""Files without a suffix that are read to see whether one of them is the table."""


@dataclass(frozen=True)
class DataOptions:
    """What a caller states about tables.

    Attributes:
        label_column: column that has the labels, in any case; empty to find it.
        class_map: meaning of the labels; None for the default meanings.
        image_column: column that names the images, in any case; empty to find it.
    """

    label_column: str = ""
    class_map: ClassMap | None = None
    image_column: str = ""

    def columns(self) -> frozenset[str]:
        """Return the columns that a table is read with, in lower case."""
        return READ_COLUMNS | ({self.label_column.lower(), self.image_column.lower()} - {""})

    def layout(self, columns: frozenset[str]) -> Layout | None:
        """Return the layout of a table with these columns (lower case), or None."""
        return find_layout(columns, self.label_column.lower(), self.class_map, self.image_column.lower())

    def images_in(self, columns: frozenset[str]) -> str | None:
        """Return which of these columns (lower case) names the images, or None."""
        return image_column(columns, self.image_column.lower())


@dataclass(frozen=True)
class LabelTable:
    """A table with labels, joined with the further tables beside it.

    Attributes:
        table: the file with the labels.
        layout: of the table.
        rows: its rows, with the columns of the further tables.
        ids: identifier of the image of each row, which may be empty.
        joined: names of the further tables.
    """

    table: TextTable
    layout: Layout
    rows: Sequence[Row]
    ids: Sequence[str]
    joined: tuple[str, ...]


def find_label_table(source: Path, options: DataOptions) -> LabelTable | None:
    """Return the table with the labels in a folder, or of a file; None if a folder has no table with labels.

    Raises:
        DataError: a file has no usable columns, or a folder has several tables with labels; the message lists the columns.
    """
    folder = source if source.is_dir() else source.parent
    try:
        beside = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}).") from error
    others = [path for path in beside if _is_table(path) and path != source]
    named = folder / "metadata.csv"
    if source.is_dir():
        labelled = [named] if named in others and _layout_of(named, options, strict=True) else []
        labelled = labelled or [path for path in others if _layout_of(path, options)]
        if len(labelled) > 1:
            names = ", ".join(path.name for path in labelled)
            raise DataError(f"{folder} has several tables with labels: {names}. Name one: --data {labelled[0]}.")
        if not labelled:
            return None
        [source] = labelled
        others = [path for path in others if path != source]
    table = read_text_table(source, keep=options.columns())
    layout = options.layout(frozenset(table.columns))
    if layout is None:
        raise DataError(unusable_columns(table, options))
    # Labels of lesions need the table that names the images. Beside other tables, another one may be of something else.
    joins = layout.joins or options.images_in(frozenset(table.columns)) is None
    return _join(table, layout, [path for path in others if joins and not _layout_of(path, options)], options)


def unusable_columns(table: TextTable, options: DataOptions) -> str:
    """Return the sentence about a table that has no layout: the column that is missing, and the columns found."""
    if options.label_column and options.label_column.lower() not in table.columns:
        missing = f"no column {options.label_column}, which --label-column names"
    elif options.image_column and options.image_column.lower() not in table.columns:
        missing = f"no column {options.image_column}, which --image-column names"
    elif options.images_in(frozenset(table.columns)) is None:
        missing = f"no column with the images ({', '.join(IMAGE_COLUMNS[:6])} or similar; --image-column names one)"
    else:
        missing = (
            "no column with labels (diagnosis, benign_malignant, label, dx, target or similar; --label-column names one)"
        )
    return f"{table.path} has {missing}. {table.columns_found()}"


def unlabelled_tables(folder: Path, options: DataOptions) -> list[str]:
    """Return the sentence of `unusable_columns` for each table of a folder, or the one that says why it cannot be read.

    Of files without a suffix, only one with labels has a sentence.
    """
    sentences = []
    beside = sorted(folder.iterdir())
    for path in beside:
        if _is_table(path) or path.suffix.lower() in _OTHER_TABLES:
            try:
                sentences.append(unusable_columns(read_text_table(path, header_only=True), options))
            except DataError as error:
                sentences.append(str(error))
    bare = (path for path in beside if not path.suffix and not path.name.startswith(".") and path.is_file())
    # Folders of DICOM images have thousands of files without a suffix.
    named = [path for path in islice(bare, _BARE_FILES) if _layout_of(path, options)]
    return [*(f"{path} has labels, but no suffix of a table. Name it: --data {path}." for path in named), *sentences]


def _is_table(path: Path) -> bool:
    # Examples of what a challenge wants to be sent have a column `target` too.
    hidden = path.name.startswith(".") or "submission" in path.name.lower()
    return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()


def _layout_of(path: Path, options: DataOptions, *, strict: bool = False) -> Layout | None:
    """Return the layout by the first line of a file; None where it cannot be read, unless `strict`."""
    try:
        return options.layout(frozenset(read_text_table(path, header_only=True).columns))
    except DataError:
        if strict:
            raise
        return None


def _join(table: TextTable, layout: Layout, others: Sequence[Path], options: DataOptions) -> LabelTable:
    """Add the columns of tables without labels, as ISIC 2019 and MILK10k have them, by image or by lesion."""
    further = []
    for path in others:
        try:
            further.append(read_text_table(path, keep=options.columns()))
        except DataError:
            # A text file of another kind.
            continue
    column, rows, joined = options.images_in(frozenset(table.columns)), list(table.rows), []
    if column is None:
        by_lesion = (one for one in further if "lesion_id" in one.columns)
        base = next((one for one in by_lesion if options.images_in(frozenset(one.columns))), None)
        if base is None:
            raise DataError(
                f"{table.path} has labels of lesions, and no table beside it says which images these have (lesion_id and "
                f"{options.image_column or 'isic_id'}). {table.columns_found()}"
            )
        column = options.images_in(frozenset(base.columns)) or ""
        lesions: dict[str, Row] = {}
        for row in rows:
            if lesions.setdefault(row["lesion_id"], row) != row:
                raise DataError(f"{table.path} has the lesion {row['lesion_id']} twice with different labels. Keep one.")
        rows = [{**lesions.get(row["lesion_id"], {}), **row} for row in base.rows]
        further.remove(base)
        joined.append(base.path.name)
    ids = [without_suffix(row[column]) for row in rows]
    for other in further:
        columns = frozenset(other.columns)
        own = options.images_in(columns) or image_column(columns)
        if own is None:
            continue
        information = {without_suffix(row[own]): row for row in other.rows}
        if any(name in information for name in ids):
            rows = [{**information.get(name, {}), **row} for name, row in zip(ids, rows, strict=True)]
            joined.append(other.path.name)
    return LabelTable(table, layout, rows, ids, tuple(joined))
