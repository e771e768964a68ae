"""Tables of text files: CSV with any usual delimiter, in UTF-8, UTF-16 or the Windows code page 1252."""

import _csv
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.errors import DataError

Row = Mapping[str, str]
"""Column name in lower case -> text without surrounding space; empty where the table has no value."""

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")

_DELIMITERS = (",", ";", "\t", "|")
_NO_VALUE = frozenset({"nan", "null", "<na>"})
"""What other software writes for a missing value, in lower case."""

_OTHER_FILES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a spreadsheet or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a compressed file"),
    (b"version https://git-lfs", "a pointer of Git LFS: run `git lfs pull`, then it is a table"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"%PDF", "a PDF document"),
)
"""First bytes of files that are saved under the name of a table, in lower case where they are text."""


@dataclass(frozen=True)
class TextTable:
    """The rows of one table.

    Attributes:
        path: file.
        names: column names as the file has them, for messages.
        columns: the same in lower case without surrounding space.
        rows: one mapping for each line that is not empty.
        encoding: of the file.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Sequence[Row]
    encoding: str

    def columns_found(self) -> str:
        """Return the sentence for messages that lists the columns."""
        return f"Columns found: {', '.join(self.names) or 'none'}."


def read_text_table(path: Path, *, keep: frozenset[str] | None = None, header_only: bool = False) -> TextTable:
    """Read a table.

    Args:
        path: file with column names in its first line.
        keep: names of the columns that the rows contain, in lower case; None for all. Large tables fit into memory so.
        header_only: return no rows.

    Raises:
        DataError: the file is missing, not text, or not a table; the message names the file, and the line if there is one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
    text, encoding = _decode(data, path)
    lines = io.StringIO(text, newline="")
    first = text.split("\n", 1)[0]
    if first.lower().startswith("sep="):
        # Excel's own line, which names the delimiter.
        lines.readline()
        first = text.split("\n", 2)[1] if text.count("\n") else ""
    delimiter = max(_DELIMITERS, key=first.count)
    # Unless strict, a quotation mark that is never closed swallows the rows after it.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    names = tuple(name.strip() for name in _next_cells(reader, path) or [])
    columns = tuple(name.lower() for name in names)
    if not any(columns):
        raise DataError(f"{path} is empty: its first line must contain the names of the columns.")
    if repeated := {name for name in columns if name and columns.count(name) > 1}:
        raise DataError(f"{path} has the column {min(repeated)} twice. Keep one. Columns found: {', '.join(names)}.")
    rows = [] if header_only else list(_rows(reader, columns, keep, path))
    return TextTable(path, names, columns, rows, encoding)


def _next_cells(reader: "_csv.Reader", path: Path) -> list[str] | None:
    """Return the cells of the next row, or None after the last."""
    line = reader.line_num + 1
    try:
        return next(reader, None)
    except csv.Error as error:
        raise DataError(f"{path}, line {line}, cannot be read as CSV ({error}). Check its quotation marks.") from error


def _rows(
    reader: "_csv.Reader", columns: Sequence[str], keep: frozenset[str] | None, path: Path
) -> Iterator[dict[str, str]]:
    kept = [(place, name) for place, name in enumerate(columns) if name and (keep is None or name in keep)]
    while (cells := _next_cells(reader, path)) is not None:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            raise DataError(
                f"{path}, line {reader.line_num}, has {len(cells)} values and the header {len(columns)} columns "
                f"({', '.join(columns)}). Put values that contain the delimiter in quotation marks."
            )
        if any(cell.strip() for cell in cells):
            yield {name: _value(cells[place]) if place < len(cells) else "" for place, name in kept}


def _value(cell: str) -> str:
    text = cell.strip()
    return "" if text.lower() in _NO_VALUE else text


def _decode(data: bytes, path: Path) -> tuple[str, str]:
    """Return the text of a file and the encoding that it was read in."""
    start = data[:200].lower()
    for magic, kind in _OTHER_FILES:
        if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(magic.lower()):
            raise DataError(f"{path} is not a table but {kind}. Save it as CSV in UTF-8.")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, encoding
    raise DataError(f"{path} is neither text in UTF-8 nor in another encoding that can be recognised. Save it as UTF-8.")


def _encodings(data: bytes) -> tuple[str, ...]:
    """Return the encodings to try: that of the byte order mark, or UTF-8 and, where that fails, Western Windows."""
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return ("utf-32",)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    # Column names are ASCII: in UTF-16 every other byte of them is zero.
    head = data[:200]
    if head[1::2].count(0) > len(head) // 4:
        return ("utf-16-le",)
    if head[0::2].count(0) > len(head) // 4:
        return ("utf-16-be",)
    return ("utf-8-sig", "cp1252")
