"""Classify many images on one machine: `python -m lesion.batch FOLDER|TABLE.csv|IMAGE -o results.parquet|.csv|.jsonl`.

Writes one row per input, including refused and corrupt images, with the answers of the service, on all cores. An interrupted
run, even by a power failure, loses only the last seconds of work: the same command resumes it, and no row is lost or
repeated. Needs pyarrow and tqdm besides the service's packages. Not in the images of the functions.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from time import monotonic

from lesion.batch.arguments import options
from lesion.batch.inputs import SourceError, list_inputs, special_row
from lesion.batch.progress import Progress
from lesion.batch.resumable_parquet import ResumableResults
from lesion.batch.schema import MAX_FILE_BYTES, Row, classify_row, crashed_row, describe_run
from lesion.errors import LesionError
from lesion.inference.card import ImageType
from lesion.inference.classify import require_image_type
from lesion.inference.model import Model
from lesion.inference.schemas import Views
from lesion.settings import read_settings

_QUEUED_PER_WORKER = 4
"""Images that wait for each process."""
_FLUSH_ROWS, _FLUSH_SECONDS = 512, 10.0
"""Rows are written when there are so many of them, or after so many seconds."""

_model: Model


def classify_files(
    files: Mapping[str, Path],
    model: Path,
    views: Views,
    workers: int,
    image_type: ImageType | None = None,
    *,
    embedding: bool = False,
) -> Iterator[Row]:
    """Classify files in several processes, and yield rows as they are completed.

    A file that crashes its process becomes a row with the code `crashed`.

    Args:
        files: name in the results -> file.
        model: the ONNX file.
        views: views per image.
        workers: number of processes.
        image_type: of all images; None to detect that of each.
        embedding: whether rows have the embedding of the image.
    """
    classify = partial(_classify, views=views, image_type=image_type, embedding=embedding)
    remaining = iter(files.items())
    submitted: dict[str, Path] = {}
    while True:
        try:
            with _pool(model, workers) as pool:
                pending: set[Future[Row]] = set()
                while True:
                    while len(pending) < workers * _QUEUED_PER_WORKER and (entry := next(remaining, None)):
                        submitted.update([entry])
                        pending.add(pool.submit(classify, *entry))
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
                yield _classify_isolated(name, path, model, classify)
            submitted.clear()


def run(
    source: Path,
    results: Path,
    model: Path,
    *,
    views: Views = Views.ONE,
    workers: int = 1,
    image_type: ImageType | None = None,
    embedding: bool = False,
) -> Path:
    """Classify all files of a source that have no row in the results yet.

    Args:
        source: folder, CSV table or image, see `list_inputs`.
        results: file to write (Parquet, CSV or JSON lines, by its suffix), or Parquet file to extend.
        model: the ONNX file.
        views: views per image.
        workers: number of processes.
        image_type: of all images; None to detect that of each.
        embedding: whether rows have the embedding of the image.

    Returns:
        The path of the results.

    Raises:
        OutputError: the results' suffix stands for no form.
        SourceError: the source cannot be read, or has no images.
        ResultsError: the results belong to another model or other options, or another process writes them.
        UnsupportedImageType: the model has no operating point for the image type.
        ModelFileError: from `lesion.inference.model`.
    """
    inputs, loaded = list_inputs(source), Model(model)
    # Otherwise every row would be the same error.
    require_image_type(loaded.card, image_type)
    info = describe_run(loaded, int(views), image_type, columns=inputs.columns, embedding=embedding)
    output = ResumableResults(results, info)
    # The results may be in the folder that is classified.
    files = {name: path for name, path in inputs.files.items() if not output.owns(path)}
    if not files:
        raise SourceError(f"There are no images in {source}.")
    with output:
        remaining = {name: path for name, path in files.items() if name not in output.done}
        special = {name: row for name, path in remaining.items() if (row := special_row(name, path)) is not None}
        regular = {name: path for name, path in remaining.items() if name not in special}
        progress = Progress(len(files), len(files) - len(remaining))
        rows: list[Row] = []
        written = monotonic()
        classified = classify_files(regular, model, views, workers, image_type, embedding=embedding)
        for row in chain(special.values(), classified):
            rows.append(row | info.carried(inputs.values.get(row["file"], {})))
            progress.add(row)
            if len(rows) >= _FLUSH_ROWS or monotonic() - written > _FLUSH_SECONDS:
                output.write(rows)
                rows, written = [], monotonic()
        output.write(rows)
        output.merge(list(files))
        progress.finish()
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None for those of the process.

    Returns:
        See `execute`.
    """
    return execute(options((__doc__ or "").split("\n\n")[0]).parse_args(arguments))


def execute(args: argparse.Namespace) -> int:
    """Run the command with parsed options.

    Returns:
        Exit status: 0; 1 with a sentence on stderr if the run is not possible; 130 after an interrupt.
    """
    image_type = None if args.image_type == "auto" else args.image_type
    try:
        model = args.model or read_settings().model
        run(
            args.source,
            args.output,
            model,
            views=Views(args.views),
            workers=args.workers,
            image_type=image_type,
            embedding=args.embedding,
        )
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
    # Otherwise a worker whose parent was killed would wait for work for good.
    Thread(target=_end_with_parent, daemon=True).start()
    _model = Model(model, threads=1)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _classify(name: str, path: Path, views: Views, image_type: ImageType | None, embedding: bool) -> Row:
    return classify_row(name, partial(_read, path), _model, views, image_type, embedding=embedding)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _classify_isolated(name: str, path: Path, model: Path, classify: Callable[[str, Path], Row]) -> Row:
    with _pool(model, 1) as pool:
        try:
            return pool.submit(classify, name, path).result()
        except BrokenProcessPool:
            return crashed_row(name)


def _pool(model: Path, workers: int) -> ProcessPoolExecutor:
    # A fork would copy ONNX Runtime's threads in an undefined state.
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (model,))
