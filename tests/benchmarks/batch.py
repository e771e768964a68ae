"""Ten thousand images of a bucket and of a folder: `python -m tests.benchmarks.batch --data FOLDER --images 10000`.

The batch stack is emulated on this machine from its template (`tests/support/cloud/batch.py`), and functions are killed
while they work. Then `lesion.batch` and a bare loop around ONNX Runtime classify the same images on as many cores. Writes
docs/benchmarks/batch.md and .json. Exit status 1 if an image does not have exactly one row, or if `lesion.batch` is slower
than `LEAST` of the bare loop per CPU second, which other load of the machine affects less than wall time.
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
from tests.support.cloud.batch import BatchEmulation, handler
from tests.support.cloud.states import Execution, StateFailed
from tests.support.cloud.template import Template
from tests.support.paths import REPOSITORY

LEAST = 0.85
KILL_EVERY = 20.0
CORES = os.cpu_count() or 1

_PAGE = """# Batch

{images:,} images of a bucket got {rows:,} rows while functions were killed; a million images cost USD {dollars:.2f}.

Written by `python -m tests.benchmarks.batch --images {images}` with model {version} on {cores} cores.

## Objects of a bucket

{images:,} images of {kilobytes:.0f} KB on average in an emulated S3, with the state machine of the stack's template and
{functions} processes of the function. {kills} times, one of them was killed during its work.

| | |
|---|---|
| images, rows, images with a number of rows other than one | {images:,}, {rows:,}, {wrong} |
| rows by status | {statuses} |
| times that the execution was started or redriven | {executions} |
| duration of the run | {seconds:.0f} s |
| images per second and process, while it classifies | {rate:.1f} |
| billed per image | {ms:.1f} ms, {gigabytes:.4f} GB s at {memory} MB |
| initialisation | {start:.0f} ms |

S3, functions and state machine share the cores here. On AWS, each function has its own CPU and fetches the next image while
it classifies one. The latency of S3 is not in these figures.

A million images, from these figures and list prices of {known} (`infra/dev/cost.py`), with {at_once} functions at once:
**{minutes:.0f} minutes, USD {dollars:.2f}**.

| USD | per million |
|---|---|
{costs}

## Files of a folder

| the same {images:,} images, {cores} processes | per second and core | per CPU second |
|---|---|---|
| `python -m lesion.batch`, the whole run with start-up | {batch:.1f} | {batch_cpu:.1f} |
| lower bound: Pillow, reduced during decoding, and ONNX Runtime with one thread | {bare:.1f} | {bare_cpu:.1f} |
| ratio | {share:.2f} | {share_cpu:.2f} (limit: {least}) |

At the beginning of the measurement, the load average of the {cores} cores was {load:.1f} from other processes.
"""


def main() -> int:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.batch", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the folder `images`")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    files = sorted((arguments.data / "images").glob("*.jpg"))[: arguments.images]
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "version": Model(Serving.model).card.version,
            "load": os.getloadavg()[0],
            **bucket(files, Path(folder)),
            **one_machine(files, Path(folder)),
        }
    write(figures, arguments.out)
    print(json.dumps(figures))
    return int(bool(figures["wrong"]) or figures["batch_cpu"] < LEAST * figures["bare_cpu"])


def bucket(files: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Run the emulated stack over the files and return its figures."""
    from aws_cdk import App, Stack
    from aws_cdk.aws_sns import Topic

    app = App(outdir=str(folder / "cdk"), analytics_reporting=False)
    settings = Settings(batch_bucket="images", batch_prefix="all/", batch_concurrency=CORES)
    # The alarms' topic is the service's, which is not emulated here.
    topic = Topic.from_topic_arn(Stack(app, "Service"), "Topic", "arn:aws:sns:us-east-1:123456789012:topic")
    BatchStack(app, "LesionBatch", settings, topic)
    app.synth()
    template = Template.read(folder / "cdk", "LesionBatch")
    with _storage(folder) as address:
        emulation = BatchEmulation(template, address, Serving.model, folder, functions=CORES, handler=handler())
        with emulation, ThreadPoolExecutor(CORES) as pool:
            keys = list(pool.map(lambda file: emulation.put(file.name, file.read_bytes()), files))
            over, kills = threading.Event(), [0]

            def kill() -> None:
                while not over.wait(KILL_EVERY):
                    kills[0] += emulation.functions.kill_one()

            threading.Thread(target=kill, daemon=True).start()
            began = time.perf_counter()
            executions = _run(emulation)
            seconds = time.perf_counter() - began
            over.set()
            rows = ds.dataset(emulation.fetch(folder), partitioning="hive").to_table(columns=["file", "status"]).to_pylist()
            bills = emulation.functions.bills
            memory = template.resolve(template.named("AWS::Lambda::Function")).popitem()[1]["MemorySize"]
    count = Counter(row["file"] for row in rows)
    billed_ms = sum(bill.ms for bill in bills)
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
        # Without the calls that were killed; their images were classified again.
        "rate": 1000 * len(files) / billed_ms,
        "ms": billed_ms / len(files),
        "start": sum(starts) / len(starts),
        "memory": memory,
        "gigabytes": (billed_ms + sum(starts)) / 1000 * memory / 1024 / len(files),
    }


def _run(emulation: BatchEmulation) -> int:
    """Start an execution, redrive it as often as it fails, and return how many times it ran."""
    execution = Execution("measured")
    for number in range(1, 20):
        try:
            emulation.machine.run(execution)
        except StateFailed as error:
            print(error, file=sys.stderr)
        else:
            return number
    raise SystemExit("The execution fails repeatedly; the reasons are printed above.")


@contextmanager
def _storage(folder: Path) -> Iterator[str]:
    """Run an emulated S3 in a process of its own; yield its URL."""
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
    """Return images per second and core, and per CPU second, of `lesion.batch` and of a bare loop."""
    source = folder / "images"
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
    """Return the CPU seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _bare(files: Sequence[Path], side: int) -> tuple[float, float]:
    """Return the seconds and CPU seconds of the bare loop over `files`."""
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


def write(figures: dict[str, Any], out: Path) -> None:
    """Write batch.json and batch.md into `out`."""
    bulk = BatchRun(figures["ms"], figures["start"], Settings().batch_concurrency, figures["memory"], IMAGES_PER_BATCH)
    costs = batch_costs(bulk)
    dollars = sum(costs.values())
    million = {"bulk": asdict(bulk), "usd": costs, "hours": batch_hours(bulk)}
    (out / "batch.json").write_text(json.dumps({**figures, "million": million}, indent=1) + "\n")
    shown = {
        **figures,
        "statuses": ", ".join(f"{status} {count:,}" for status, count in sorted(figures["statuses"].items())),
        "known": PRICES_AS_OF,
        "at_once": bulk.at_once,
        "minutes": 60 * batch_hours(bulk),
        "dollars": dollars,
        "costs": "\n".join(f"| {name} | {cost:.2f} |" for name, cost in costs.items()),
        "share": figures["batch"] / figures["bare"],
        "share_cpu": figures["batch_cpu"] / figures["bare_cpu"],
        "least": LEAST,
    }
    (out / "batch.md").write_text(_PAGE.format(**shown))


if __name__ == "__main__":
    sys.exit(main())
