"""Results that grow piece by piece and end as one Parquet file: what `lesion.batch` has done so far.

Beside the results lies a folder of pieces, each written whole or not at all. A row counts as done when its piece is there.
At the end the pieces become the results in one step, and the folder goes.
"""

import fcntl
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lesion.batch.schema import Row, Run
from lesion.errors import LesionError


class JournalError(LesionError):
    """Raised when results cannot be added to; the message says what to do."""


class Journal:
    """The results at `path`, opened for one process at a time."""

    def __init__(self, path: Path, run: Run) -> None:
        self._path, self._schema = path, run.schema()
        self._folder = path.with_name(f"{path.name}.pieces")
        self.done: set[str] = set()
        """Names that have a row."""

    def __enter__(self) -> "Journal":
        """Take up what is there.

        Raises:
            JournalError: another process has it open, or it was made in another way.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise JournalError(
                f"{self._path.parent} cannot be written to ({error.strerror}). Choose another output."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalError(f"Another process is writing {self._path}. Wait for it, or choose another output.") from error
        try:
            for piece in self._pieces():
                self.done.update(self._read(piece, ["file"])["file"].to_pylist())
        except JournalError:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._lock)

    def owns(self, file: Path) -> bool:
        """Whether a file is the results, or one of those beside them while they grow."""
        place, own = file.resolve(), self._path.resolve()
        return place in (own, _spare(own)) or self._folder.resolve() in place.parents

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows down for good."""
        if not rows:
            return
        # The number says in which order pieces came; the rows of a piece are new ones by construction.
        number = 1 + max((int(piece.stem) for piece in self._folder.glob("*.parquet")), default=0)
        self._put(pa.Table.from_pylist(list(rows), self._schema), self._folder / f"{number:06}.parquet")
        self.done.update(row["file"] for row in rows)

    def finish(self, order: Sequence[str]) -> None:
        """Make one file of all, rows in the order of these names and then those that the results had beside them."""
        table = pa.concat_tables([self._read(piece) for piece in self._pieces()] or [self._schema.empty_table()])
        place = {name: index for index, name in enumerate(order)}
        places = pa.array([place.get(name, len(place)) for name in table["file"].to_pylist()], pa.int64())
        self._put(table.take(pc.sort_indices(places)), self._path)
        shutil.rmtree(self._folder)

    def _pieces(self) -> list[Path]:
        """The results of an earlier run, if any, and the pieces.

        Pieces that are in the results already are those of a run that ended between its last two steps.
        """
        pieces = sorted(self._folder.glob("*.parquet"))
        if not self._path.exists():
            return pieces
        if pieces and set(self._names(pieces)) <= set(self._names([self._path])):
            return [self._path]
        return [self._path, *pieces]

    def _names(self, files: Sequence[Path]) -> list[str]:
        return [name for file in files for name in self._read(file, ["file"])["file"].to_pylist()]

    def _read(self, file: Path, columns: list[str] | None = None) -> pa.Table:
        try:
            found = pq.read_schema(file)
            same = found.equals(self._schema) and found.metadata == self._schema.metadata
            table = pq.read_table(file, columns=columns) if same else None
        except (OSError, pa.ArrowException) as error:
            raise JournalError(f"{file} is no file of results ({error}). Move it away, or choose another output.") from error
        if table is None:
            raise JournalError(f"{file} was made with another model or other views. Move it away, or choose another output.")
        return table

    def _put(self, table: pa.Table, target: Path) -> None:
        spare = _spare(target)
        with spare.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            # Else a power cut may leave the name without the content.
            os.fsync(file.fileno())
        spare.replace(target)


def _spare(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")
