"""Forms of the finished results: Parquet, CSV and JSON lines, by the suffix of their file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lesion.errors import LesionError

SEPARATOR = " "
"""Between the values of a list in CSV."""


class OutputError(LesionError):
    """Raised when results cannot be written in the form that was asked for; the message says which there are."""


def write_parquet(table: pa.Table, file: BinaryIO) -> None:
    """Write a table as Parquet, compressed."""
    pq.write_table(table, file, compression="zstd")


def _write_csv(table: pa.Table, file: BinaryIO) -> None:
    for index, column in enumerate(table.schema):
        if pa.types.is_list(column.type):
            texts = [
                None if values is None else SEPARATOR.join(map(str, values)) for values in table.column(index).to_pylist()
            ]
            table = table.set_column(index, column.name, pa.array(texts, pa.string()))
    pc.write_csv(table, file)


def _write_json_lines(table: pa.Table, file: BinaryIO) -> None:
    for batch in table.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")


_WRITERS: Mapping[str, Callable[[pa.Table, BinaryIO], None]] = {
    ".parquet": write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}


def writer_of(path: Path) -> Callable[[pa.Table, BinaryIO], None]:
    """Return the function that writes results to a file of this name.

    Args:
        path: of the results; its suffix decides.

    Raises:
        OutputError: the suffix is another one.
    """
    if path.suffix.lower() not in _WRITERS:
        raise OutputError(f"Results are written as {', '.join(_WRITERS)}; {path} is none of them. Choose another name.")
    return _WRITERS[path.suffix.lower()]
