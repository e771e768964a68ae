"""The inputs of a batch: the files of a folder, those that a CSV table names, with its other columns, or one image."""

import csv
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lesion.batch.dicom import is_dicom
from lesion.batch.schema import Row, error_row
from lesion.errors import LesionError, RequestError
from lesion.imaging.formats import sniff_format

FILE_COLUMN = "file"
DELIMITERS = (",", ";", "\t")
"""Between the columns of a table."""


class SourceError(LesionError):
    """Raised when the source cannot be read; the message says what is expected."""


@dataclass(frozen=True)
class Inputs:
    """Files to classify.

    Attributes:
        files: name in the results -> file, in the order of the results.
        columns: names of the table's other columns; empty for a folder or an image.
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
            column `file` are taken, relative to the table's folder; its columns are separated by what is most frequent in
            the first line, of `DELIMITERS`. Or an image.

    Raises:
        SourceError: the source does not exist, a folder cannot be listed, the table has no such column or contradicts
            itself, or two files would have the same name.
    """
    if source.is_dir():
        files = sorted(_files_below(source))
        names = [os.fsencode(path.relative_to(source)).decode(errors="backslashreplace") for path in files]
        if duplicate := next((name for name, times in Counter(names).items() if times > 1), None):
            raise SourceError(f"Two files would both be called {duplicate} in the results. Rename one of them.")
        return Inputs(dict(zip(names, files, strict=True)))
    if _is_image(source):
        return Inputs({source.name: source})
    try:
        with source.open(newline="", encoding="utf-8-sig") as lines:
            first = lines.readline()
            lines.seek(0)
            # Where the comma divides decimals, spreadsheets separate columns by semicolons.
            delimiter = max(DELIMITERS, key=first.count)
            return _read_table(source, csv.DictReader(lines, restval="", strict=True, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{source} is neither a folder, a CSV table nor an image that can be read ({error}).") from error


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder but folders; links to folders are not followed.

    Raises:
        SourceError: a folder cannot be listed, so that rows would be missing.
    """

    def refuse(error: OSError) -> None:
        # In the top folder of a disk; only the superuser may list it.
        if Path(error.filename).name == "lost+found":
            return
        raise SourceError(
            f"{error.filename} cannot be read ({error.strerror}). Allow it to be read, or move it elsewhere."
        ) from error

    for current, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(current, name) for name in names)


def _is_image(source: Path) -> bool:
    """Return whether a file begins as an image of a supported format does."""
    try:
        with source.open("rb") as file:
            data = file.read(132)
        # Text has no zeros: a table may begin with "BM" as well.
        return b"\0" in data and (is_dicom(data) or bool(sniff_format(data)))
    except (OSError, RequestError):
        return False


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
