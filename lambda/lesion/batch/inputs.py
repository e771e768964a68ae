"""The inputs of a batch: the files of a folder, or those that a CSV table names, with the table's other columns."""

import csv
import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lesion.batch.schema import Row, error_row
from lesion.errors import LesionError

FILE_COLUMN = "file"


class SourceError(LesionError):
    """Raised when the source cannot be read; the message says what is expected."""


@dataclass(frozen=True)
class Inputs:
    """Files to classify.

    Attributes:
        files: name in the results -> file, in the order of the results.
        columns: names of the table's other columns; empty for a folder.
        values: name -> value of each of these columns.
    """

    files: Mapping[str, Path]
    columns: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def list_inputs(source: Path) -> Inputs:
    r"""Return the inputs of a source.

    Args:
        source: a folder, of which everything below it but folders is taken, named by its relative path; bytes that are not
            UTF-8, which old archives leave in names, become text such as \xe9. Or a CSV table, of which the files in its
            column `file` are taken, relative to the table's folder.

    Raises:
        SourceError: the source does not exist, the table has no such column or contradicts itself, or two files would have
            the same name.
    """
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if not path.is_dir())
        names = [os.fsencode(path.relative_to(source)).decode(errors="backslashreplace") for path in files]
        if duplicate := next((name for name, times in Counter(names).items() if times > 1), None):
            raise SourceError(f"Two files would both be called {duplicate} in the results. Rename one of them.")
        return Inputs(dict(zip(names, files, strict=True)))
    try:
        with source.open(newline="", encoding="utf-8-sig") as lines:
            return _read_table(source, csv.DictReader(lines, restval="", strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{source} is neither a folder nor a CSV table that can be read ({error}).") from error


def _read_table(source: Path, table: "csv.DictReader[str]") -> Inputs:
    names = list(table.fieldnames or ())
    if FILE_COLUMN not in names:
        found = ", ".join(names) or "none"
        raise SourceError(
            f"{source} has no column `{FILE_COLUMN}`; its columns are: {found}. Name the images there, relative to the "
            "table's folder."
        )
    if duplicate := next((name for name, times in Counter(names).items() if times > 1), None):
        raise SourceError(f"{source} has two columns `{duplicate}`. Rename one of them.")
    columns = tuple(name for name in names if name != FILE_COLUMN)
    values: dict[str, Mapping[str, str]] = {}
    for row in table:
        if None in row:
            raise SourceError(f"Line {table.line_num} of {source} has more values than the table has columns.")
        if not (name := row[FILE_COLUMN]):
            continue
        own = {column: row[column] for column in columns}
        if values.setdefault(name, own) != own:
            raise SourceError(f"{source} names {name} twice with different values. Remove one of the rows.")
    return Inputs({name: source.parent / name for name in values}, columns, values)


def special_row(name: str, path: Path) -> Row | None:
    """Return the row of something that is not a regular file, such as a pipe, which could block its reader; else None.

    Args:
        name: in the results.
        path: of the file; links are followed. A missing file is left to its reader.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else error_row(name, "unreadable", "It is not a regular file.")
