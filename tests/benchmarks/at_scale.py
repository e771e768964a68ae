"""Ten thousand photographs of a bucket and of a folder: `python -m tests.benchmarks.at_scale --data FOLDER --images 10000`.

The batch's stack is put together on this machine, as its template says (`tests/support/cloud/batch.py`), and functions are
killed while they work. Then `lesion.batch` judges the same photographs, and a bare loop around ONNX Runtime does, on as many
cores. Writes docs/batch.md and .json; 1 where a photograph has not exactly one row, or `lesion.batch` is slower than `LEAST`
of the bare loop, for each second of CPU: other work on the machine takes from both, and not the same.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import pyarrow.dataset as ds
from lesion.inference.model import Model
from lesion.settings import Settings as Serving
from PIL import Image

from infra.config import Settings
from infra.constructs.batch_states import IMAGES_PER_BATCH
from infra.dev.cost import PRICES_AS_OF, BatchRun, batch_costs, batch_hours
from infra.stacks.batch import BatchStack
from tests.support.cloud.batch import Rehearsal, handler
from tests.support.cloud.states import Execution, StateFailed
from tests.support.cloud.template import Template
from tests.support.paths import REPOSITORY

LEAST = 0.85
KILL_EVERY = 20.0
CORES = os.cpu_count() or 1

_PAGE = """# Many photographs

Written by `python -m tests.benchmarks.at_scale --images {images}`, on {cores} cores.

## A bucket

{images:,} photographs of {kilobytes:.0f} KB on average, in an emulated S3; the state machine as the stack's template
defines it, and {functions} processes of the function. {kills} times one of them was killed in the middle of its work.

| | |
|---|---|
| photographs, rows, photographs with another number of rows than one | {images:,}, {rows:,}, {wrong} |
| rows by status | {statuses} |
| times that the execution was begun or taken up again | {executions} |
| whole run | {seconds:.0f} s |
| photographs a second and process, while it judges | {rate:.1f} |
| billed, a photograph | {ms:.1f} ms, {gigabytes:.4f} GB s at {memory} MB |
| a start | {start:.0f} ms |

S3, functions and state machine share the cores here. On AWS each function has its own, and the next photograph is fetched
while one is judged; what S3's distance adds is not in these figures.

A million photographs, from these figures and list prices as known in {known} (`infra/dev/cost.py`), with {at_once} functions at
once: **{minutes:.0f} minutes, USD {dollars:.2f}**.

| USD | per million |
|---|---|
{costs}

## A folder

| the same {images:,} photographs, {cores} processes | a second and core | a second of CPU |
|---|---|---|
| `python -m lesion.batch`, all of the run, starts included | {batch:.1f} | {batch_cpu:.1f} |
| Pillow, reduced while it decodes, and ONNX Runtime with one thread, nothing else | {bare:.1f} | {bare_cpu:.1f} |
| the first, of the second | {share:.2f} | {share_cpu:.2f} (at least {least}) |

When the measurement began, {load:.1f} other processes wanted the {cores} cores, on the average of a minute.
"""


def main() -> int:
    """Measure, write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.at_scale", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the folder `images`")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs")
    arguments = parser.parse_args()
    files = sorted((arguments.data / "images").glob("*.jpg"))[: arguments.images]
    with tempfile.TemporaryDirectory() as folder:
        found = {"load": os.getloadavg()[0], **bucket(files, Path(folder)), **one_machine(files, Path(folder))}
    write(found, arguments.out)
    print(json.dumps(found))
    return int(bool(found["wrong"]) or found["batch_cpu"] < LEAST * found["bare_cpu"])


def bucket(files: Sequence[Path], folder: Path) -> dict[str, Any]:
    """What the rehearsal of the stack gives."""
    from aws_cdk import App

    app = App(outdir=str(folder / "cdk"), analytics_reporting=False)
    BatchStack(app, "LesionBatch", Settings(batch_bucket="photographs", batch_prefix="all/", batch_concurrency=CORES))
    app.synth()
    template = Template.read(folder / "cdk", "LesionBatch")
    with _storage(folder) as address:
        rehearsal = Rehearsal(template, address, Serving.model, folder, functions=CORES, handler=handler())
        with rehearsal, ThreadPoolExecutor(CORES) as pool:
            keys = list(pool.map(lambda file: rehearsal.put(file.name, file.read_bytes()), files))
            over, kills = threading.Event(), [0]

            def kill() -> None:
                while not over.wait(KILL_EVERY):
                    kills[0] += rehearsal.functions.kill_one()

            threading.Thread(target=kill, daemon=True).start()
            began = time.perf_counter()
            executions = _run(rehearsal)
            seconds = time.perf_counter() - began
            over.set()
            rows = ds.dataset(rehearsal.fetch(folder), partitioning="hive").to_table(columns=["file", "status"]).to_pylist()
            bills = rehearsal.functions.bills
            memory = template.resolve(template.named("AWS::Lambda::Function")).popitem()[1]["MemorySize"]
    count = Counter(row["file"] for row in rows)
    judging = sum(bill.ms for bill in bills)
    starts = [bill.start_ms for bill in bills if bill.start_ms]
    return {
        "images": len(files),
        "kilobytes": sum(file.stat().st_size for file in files) / len(files) / 1024,
        "cores": CORES,
        "functions": CORES,
        "rows": len(rows),
        "wrong": sum(count[key] != 1 for key in keys) + len(count.keys() - {*keys}),
        "statuses": dict(Counter(row["status"] for row in rows)),
        "kills": kills[0],
        "executions": executions,
        "seconds": seconds,
        # Calls that were killed are not among these, and their photographs were judged again.
        "rate": 1000 * len(files) / judging,
        "ms": judging / len(files),
        "start": sum(starts) / len(starts),
        "memory": memory,
        "gigabytes": (judging + sum(starts)) / 1000 * memory / 1024 / len(files),
    }


def _run(rehearsal: Rehearsal) -> int:
    """Start an execution, take it up as often as it fails, and say how many times it ran."""
    execution = Execution("measured")
    for number in range(1, 20):
        try:
            rehearsal.machine.run(execution)
        except StateFailed as error:
            print(error, file=sys.stderr)
        else:
            return number
    raise SystemExit("The execution fails again and again; why stands above.")


@contextmanager
def _storage(folder: Path) -> Iterator[str]:
    """An S3 in a process of its own."""
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "5555"]
    address = "http://127.0.0.1:5555"
    with (folder / "s3.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{address}/moto-api/data.json").close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield address
        finally:
            process.terminate()


def one_machine(files: Sequence[Path], folder: Path) -> dict[str, float]:
    """Photographs a second and core, and a second of CPU, of `lesion.batch` and of a bare loop."""
    source = folder / "photographs"
    source.mkdir()
    for file in files:
        (source / file.name).symlink_to(file.resolve())
    command = [sys.executable, "-m", "lesion.batch", str(source), "-o", str(folder / "results.parquet")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lambda")}
    began, spent = time.perf_counter(), _cpu()
    subprocess.run([*command, "--workers", str(CORES)], env=environment, check=True)
    seconds, spent = time.perf_counter() - began, _cpu() - spent
    side = 2 * Model(Serving.model).card.input_size
    parts = [files[number::CORES] for number in range(CORES)]
    with ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        loops = list(pool.map(_bare, parts, [side] * CORES))
    return {
        "batch": len(files) / seconds / CORES,
        "batch_cpu": len(files) / spent,
        "bare": len(files) / sum(wall for wall, _ in loops),
        "bare_cpu": len(files) / sum(cpu for _, cpu in loops),
    }


def _cpu() -> float:
    """Seconds of CPU of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _bare(files: Sequence[Path], side: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(Serving.model), options, providers=["CPUExecutionProvider"])
    began, spent = time.perf_counter(), time.process_time()
    for file in files:
        with Image.open(file) as image:
            image.draft("RGB", (side, side))
            pixels = np.asarray(image.convert("RGB"))
        session.run(["probability", "logit", "classes", "distance", "quality"], {"image": pixels[np.newaxis]})
    return time.perf_counter() - began, time.process_time() - spent


def write(found: dict[str, Any], out: Path) -> None:
    """Write docs/batch.json and .md."""
    bulk = BatchRun(found["ms"], found["start"], Settings.batch_concurrency, found["memory"], IMAGES_PER_BATCH)
    costs = batch_costs(bulk)
    dollars = sum(costs.values())
    million = {"bulk": asdict(bulk), "usd": costs, "hours": batch_hours(bulk)}
    (out / "batch.json").write_text(json.dumps({**found, "million": million}, indent=1) + "\n")
    shown = {
        **found,
        "statuses": ", ".join(f"{status} {count:,}" for status, count in sorted(found["statuses"].items())),
        "known": PRICES_AS_OF,
        "at_once": bulk.at_once,
        "hours": batch_hours(bulk),
        "dollars": dollars,
        "costs": "\n".join(f"| {name} | {cost:.2f} |" for name, cost in costs.items()),
        "share": found["batch"] / found["bare"],
        "share_cpu": found["batch_cpu"] / found["bare_cpu"],
        "least": LEAST,
    }
    (out / "batch.md").write_text(_PAGE.format(**shown))


if __name__ == "__main__":
    sys.exit(main())
