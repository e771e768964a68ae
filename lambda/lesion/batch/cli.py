"""Many photographs on one machine: `python -m lesion.batch FOLDER|TABLE.csv -o results.parquet`.

One row for every input, refused and broken ones included, judged as the service judges them, on all cores. Stopping it at
any moment, even by pulling the plug, loses nothing but the work of the last seconds: the same command goes on, and no row
is lost or there twice. Needs pyarrow and tqdm beside the runtime's packages. Not in the function's image.
"""

import argparse
import csv
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from tqdm import tqdm

from lesion.batch.resumable_parquet import Journal
from lesion.batch.schema import LARGEST, Row, about, crashed, judge
from lesion.errors import LesionError
from lesion.inference.model import Model
from lesion.inference.schemas import Views
from lesion.settings import read_settings

_WAITING = 4
"""Photographs handed out ahead, for each process."""
_ROWS, _SECONDS = 512, 10.0
"""After so many rows or seconds, what is there is written down."""

_model: Model


class SourceError(LesionError):
    """Raised when there is nothing to judge; the message says what is expected."""


def inputs(source: Path) -> dict[str, Path]:
    """Name in the results -> file, in the order of the results.

    A folder gives every file below it, by its path from there. Bytes that are no UTF-8, which old archives leave in names,
    become text like \\xe9. A table gives the files in its column `file`, by what stands there; they lie beside the table.

    Raises:
        SourceError: the source does not exist, the table has no such column, or two files would have one name.
    """
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.is_file())
        names = [os.fsencode(path.relative_to(source)).decode(errors="backslashreplace") for path in found]
        if twice := next((name for name, times in Counter(names).items() if times > 1), None):
            raise SourceError(f"Two files would both be called {twice} in the results. Rename one of them.")
        return dict(zip(names, found, strict=True))
    try:
        with source.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.DictReader(lines)
            if "file" not in (table.fieldnames or ()):
                raise SourceError(
                    f"{source} has no column `file`. Name the photographs there, as seen from the table's folder."
                )
            return {row["file"]: source.parent / row["file"] for row in table if row["file"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{source} is neither a folder nor a table in CSV that can be read ({error}).") from error


def _begin(model: Path) -> None:
    global _model
    # An interrupt is for the process that writes; it lets these finish what they have.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _model = Model(model, threads=1)


def _judge(name: str, path: Path, views: Views) -> Row:
    return judge(name, partial(_read, path), _model, views)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def judged(files: Mapping[str, Path], model: Path, views: Views, workers: int) -> Iterator[Row]:
    """Judge all files in `workers` processes; rows come as they are done.

    A file that kills its process becomes a row with the code `crashed`.
    """
    left = iter(files.items())
    handed_out: dict[str, Path] = {}
    while True:
        try:
            with _pool(model, workers) as pool:
                waiting: set[Future[Row]] = set()
                while True:
                    while len(waiting) < workers * _WAITING and (entry := next(left, None)):
                        handed_out.update([entry])
                        waiting.add(pool.submit(_judge, *entry, views))
                    if not waiting:
                        return
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in finished:
                        row = future.result()
                        del handed_out[row["file"]]
                        yield row
        except BrokenProcessPool:
            # Which one did it is not known: each is tried alone.
            for name, path in handed_out.items():
                yield _alone(name, path, model, views)
            handed_out.clear()


def _alone(name: str, path: Path, model: Path, views: Views) -> Row:
    with _pool(model, 1) as pool:
        try:
            return pool.submit(_judge, name, path, views).result()
        except BrokenProcessPool:
            return crashed(name)


def _pool(model: Path, workers: int) -> ProcessPoolExecutor:
    # A fork would copy ONNX Runtime's threads in an unknown state.
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (model,))


def run(source: Path, results: Path, model: Path, *, views: Views = Views.ONE, workers: int = 1) -> Path:
    """Judge everything in `source` that `results` does not have yet, and return `results`.

    Raises:
        SourceError: there is nothing to judge.
        JournalError: `results` was begun with another model or other views, or is written to by another process.
        ModelFileError: from `lesion.inference.model`.
    """
    found = inputs(source)
    with Journal(results, about(Model(model), int(views))) as journal:
        # Results may lie in the folder that is judged.
        files = {name: path for name, path in found.items() if not journal.owns(path)}
        left = {name: path for name, path in files.items() if name not in journal.done}
        bar = tqdm(total=len(files), initial=len(files) - len(left), unit="photograph", disable=None)
        rows: list[Row] = []
        written = monotonic()
        for row in judged(left, model, views, workers):
            rows.append(row)
            bar.update()
            if len(rows) >= _ROWS or monotonic() - written > _SECONDS:
                journal.write(rows)
                rows, written = [], monotonic()
        journal.write(rows)
        bar.close()
        journal.finish(list(files))
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 with a sentence on stderr where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m lesion.batch", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", type=Path, help="folder of photographs, or a CSV table with a column `file`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Parquet file for the results")
    parser.add_argument("--views", type=int, choices=[views.value for views in Views], default=1)
    parser.add_argument("--workers", type=int, default=_cores(), help="processes; as many as cores unless said")
    args = parser.parse_args(arguments)
    try:
        run(args.source, args.output, read_settings().model, views=Views(args.views), workers=max(args.workers, 1))
    except LesionError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one ended.", file=sys.stderr)
        return 130
    return 0


def _cores() -> int:
    return os.cpu_count() or 1
