"""Classify many images on one machine: `python -m lesion.batch FOLDER|TABLE.csv -o results.parquet`.

Writes one row per input, including refused and corrupt images, with the answers of the service, on all cores. An interrupted
run, even by a power failure, loses only the last seconds of work: the same command resumes it, and no row is lost or
repeated. Needs pyarrow and tqdm besides the service's packages. Not in the images of the functions.
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

from lesion.batch.resumable_parquet import ResumableResults
from lesion.batch.schema import MAX_FILE_BYTES, Row, classify_row, crashed_row, describe_run
from lesion.errors import LesionError
from lesion.inference.card import IMAGE_TYPES, ImageType
from lesion.inference.classify import require_image_type
from lesion.inference.model import Model
from lesion.inference.schemas import Views
from lesion.settings import read_settings

_QUEUED_PER_WORKER = 4
"""Images that wait for each process."""
_FLUSH_ROWS, _FLUSH_SECONDS = 512, 10.0
"""Rows are written when there are so many of them, or after so many seconds."""

_model: Model


class SourceError(LesionError):
    """Raised when the source cannot be read; the message says what is expected."""


def list_inputs(source: Path) -> dict[str, Path]:
    r"""Return name in the results -> file, in the order of the results.

    Args:
        source: a folder, of which all files below it are taken, named by their relative path; bytes that are not UTF-8,
            which old archives leave in names, become text such as \xe9. Or a CSV table, of which the files in its column
            `file` are taken, relative to the table's folder.

    Raises:
        SourceError: the source does not exist, the table has no such column, or two files would have the same name.
    """
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.is_file())
        names = [os.fsencode(path.relative_to(source)).decode(errors="backslashreplace") for path in files]
        if duplicate := next((name for name, times in Counter(names).items() if times > 1), None):
            raise SourceError(f"Two files would both be called {duplicate} in the results. Rename one of them.")
        return dict(zip(names, files, strict=True))
    try:
        with source.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.DictReader(lines)
            if "file" not in (table.fieldnames or ()):
                raise SourceError(f"{source} has no column `file`. Name the images there, relative to the table's folder.")
            return {row["file"]: source.parent / row["file"] for row in table if row["file"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{source} is neither a folder nor a CSV table that can be read ({error}).") from error


def classify_files(
    files: Mapping[str, Path], model: Path, views: Views, workers: int, image_type: ImageType | None = None
) -> Iterator[Row]:
    """Classify files in several processes, and yield rows as they are completed.

    A file that crashes its process becomes a row with the code `crashed`.

    Args:
        files: name in the results -> file.
        model: the ONNX file.
        views: views per image.
        workers: number of processes.
        image_type: of all images; None to detect that of each.
    """
    remaining = iter(files.items())
    submitted: dict[str, Path] = {}
    while True:
        try:
            with _pool(model, workers) as pool:
                pending: set[Future[Row]] = set()
                while True:
                    while len(pending) < workers * _QUEUED_PER_WORKER and (entry := next(remaining, None)):
                        submitted.update([entry])
                        pending.add(pool.submit(_classify, *entry, views, image_type))
                    if not pending:
                        return
                    finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        row = future.result()
                        del submitted[row["file"]]
                        yield row
        except BrokenProcessPool:
            # It is not known which file crashed its process, so each gets a process of its own.
            for name, path in submitted.items():
                yield _classify_isolated(name, path, model, views, image_type)
            submitted.clear()


def run(
    source: Path,
    results: Path,
    model: Path,
    *,
    views: Views = Views.ONE,
    workers: int = 1,
    image_type: ImageType | None = None,
) -> Path:
    """Classify all files of a source that have no row in the results yet.

    Args:
        source: folder or CSV table, see `list_inputs`.
        results: Parquet file to write or to extend.
        model: the ONNX file.
        views: views per image.
        workers: number of processes.
        image_type: of all images; None to detect that of each.

    Returns:
        The path of the results.

    Raises:
        SourceError: the source cannot be read.
        ResultsError: the results belong to another model or other options, or another process writes them.
        UnsupportedImageType: the model has no operating point for the image type.
        ModelFileError: from `lesion.inference.model`.
    """
    inputs, loaded = list_inputs(source), Model(model)
    # Otherwise every row would be the same error.
    require_image_type(loaded.card, image_type)
    with ResumableResults(results, describe_run(loaded, int(views), image_type)) as output:
        # The results may be in the folder that is classified.
        files = {name: path for name, path in inputs.items() if not output.owns(path)}
        remaining = {name: path for name, path in files.items() if name not in output.done}
        bar = tqdm(total=len(files), initial=len(files) - len(remaining), unit="image", disable=None)
        rows: list[Row] = []
        written = monotonic()
        for row in classify_files(remaining, model, views, workers, image_type):
            rows.append(row)
            bar.update()
            if len(rows) >= _FLUSH_ROWS or monotonic() - written > _FLUSH_SECONDS:
                output.write(rows)
                rows, written = [], monotonic()
        output.write(rows)
        bar.close()
        output.merge(list(files))
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None for those of the process.

    Returns:
        Exit status: 0; 1 with a sentence on stderr if the run is not possible; 130 after an interrupt.
    """
    parser = argparse.ArgumentParser(prog="python -m lesion.batch", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", type=Path, help="folder of images, or a CSV table with a column `file`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Parquet file for the results")
    parser.add_argument("--views", type=int, choices=[views.value for views in Views], default=1)
    parser.add_argument(
        "--image-type", choices=["auto", *IMAGE_TYPES], default="auto", help="of all images (default: detect that of each)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    args = parser.parse_args(arguments)
    image_type = None if args.image_type == "auto" else args.image_type
    views, workers = Views(args.views), max(args.workers, 1)
    try:
        run(args.source, args.output, read_settings().model, views=views, workers=workers, image_type=image_type)
    except LesionError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to resume.", file=sys.stderr)
        return 130
    return 0


def _start_worker(model: Path) -> None:
    global _model
    # An interrupt is for the process that writes; it waits until these have finished their images.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _model = Model(model, threads=1)


def _classify(name: str, path: Path, views: Views, image_type: ImageType | None) -> Row:
    return classify_row(name, partial(_read, path), _model, views, image_type)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _classify_isolated(name: str, path: Path, model: Path, views: Views, image_type: ImageType | None) -> Row:
    with _pool(model, 1) as pool:
        try:
            return pool.submit(_classify, name, path, views, image_type).result()
        except BrokenProcessPool:
            return crashed_row(name)


def _pool(model: Path, workers: int) -> ProcessPoolExecutor:
    # A fork would copy ONNX Runtime's threads in an undefined state.
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (model,))
