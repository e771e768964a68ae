"""Results that grow in parts: an interrupted run can be resumed without losing or repeating rows.

Besides the results there is a folder of parts. Each part, a Parquet file, is written completely or not at all, and a row
counts as done when its part is there. At the end the parts are merged into the results in one step, and the folder removed.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lesion.batch.formats import write_parquet, writer_of
from lesion.batch.schema import Row, RunInfo
from lesion.errors import LesionError


class ResultsError(LesionError):
    """Raised when rows cannot be added to the results; the message says what to do."""


class ResumableResults:
    """The results in one file, open in one process at a time. A context manager.

    Attributes:
        done: names of the files that have a row.
    """

    def __init__(self, path: Path, run: RunInfo) -> None:
        """Describe the results; nothing is read or written yet.

        Args:
            path: of the results, which may not exist yet; its suffix says in which form they are written.
            run: of the rows to be written.

        Raises:
            OutputError: the suffix stands for no form.
        """
        self._write_results = writer_of(path)
        self._is_extensible = path.suffix.lower() == ".parquet"
        self._path, self._schema = path, run.schema()
        # The folder's name is part of the format: an earlier version's run can be resumed.
        self._folder = path.with_name(f"{path.name}.pieces")
        self.done: set[str] = set()

    def __enter__(self) -> "ResumableResults":
        """Lock the results, and read the names of the rows that are done.

        Raises:
            ResultsError: another process has them open, they cannot be written, or they belong to another run.
        """
        if self._path.exists() and not self._is_extensible:
            raise ResultsError(
                f"{self._path} exists. Move it away or choose another output: only Parquet results can be extended."
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise ResultsError(
                f"{self._path.parent} cannot be written to ({error.strerror}). Choose another output."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise ResultsError(f"Another process is writing {self._path}. Wait for it, or choose another output.") from error
        try:
            self.done.update(self._names(self._parts()))
        except ResultsError:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Release the lock."""
        os.close(self._lock)

    def owns(self, file: Path) -> bool:
        """Return whether a file is the results or one of the temporary files of a run.

        Args:
            file: may not exist.
        """
        # `Path.resolve` raises for links that lead to themselves.
        place, own = Path(os.path.realpath(file)), self._path.resolve()
        return place in (own, _temporary(own)) or self._folder.resolve() in place.parents

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows as a new part; afterwards a crash does not lose them.

        Args:
            rows: of files that have no row yet.

        Raises:
            OSError: the part cannot be written.
        """
        if not rows:
            return
        # Numbers keep the parts in order.
        number = 1 + max((int(part.stem) for part in self._folder.glob("*.parquet")), default=0)
        self._put(pa.Table.from_pylist(list(rows), self._schema), self._folder / f"{number:06}.parquet")
        self.done.update(row["file"] for row in rows)

    def merge(self, order: Sequence[str]) -> None:
        """Merge all parts into the results, and remove the folder.

        Args:
            order: names of files in the order of the rows; further rows of the results come after them.

        Raises:
            OSError: the results cannot be written.
        """
        table = pa.concat_tables([self._read(part) for part in self._parts()] or [self._schema.empty_table()])
        index = {name: position for position, name in enumerate(order)}
        positions = pa.array([index.get(name, len(index)) for name in table["file"].to_pylist()], pa.int64())
        self._put(table.take(pc.sort_indices(positions)), self._path, self._write_results)
        shutil.rmtree(self._folder)

    def _parts(self) -> list[Path]:
        """Return the results of an earlier run, if any, and the parts.

        Parts whose rows the results contain already are of a run that ended between the last two steps of `merge`.
        """
        parts = sorted(self._folder.glob("*.parquet"))
        if not self._path.exists():
            return parts
        if parts and set(self._names(parts)) <= set(self._names([self._path])):
            return [self._path]
        return [self._path, *parts]

    def _names(self, files: Sequence[Path]) -> list[str]:
        return [name for file in files for name in self._read(file, ["file"])["file"].to_pylist()]

    def _read(self, file: Path, columns: list[str] | None = None) -> pa.Table:
        try:
            schema = pq.read_schema(file)
            same = schema.equals(self._schema) and schema.metadata == self._schema.metadata
            table = pq.read_table(file, columns=columns) if same else None
        except (OSError, pa.ArrowException) as error:
            raise ResultsError(f"{file} is not a results file ({error}). Move it away, or choose another output.") from error
        if table is None:
            raise ResultsError(
                f"{file} was written with another model, version or options. Move it away, or choose another output."
            )
        return table

    def _put(self, table: pa.Table, target: Path, write: Callable[[pa.Table, BinaryIO], None] = write_parquet) -> None:
        temporary = _temporary(target)
        with temporary.open("wb") as file:
            write(table, file)
            file.flush()
            # Otherwise a power failure may leave the name without the content.
            os.fsync(file.fileno())
        temporary.replace(target)


def _temporary(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")
