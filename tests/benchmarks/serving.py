"""Latency, start, memory, size and throughput beside the 2019 application and peers: `python -m tests.benchmarks.serving`.

Every contender has an environment of its own in build/bench and a server on one CPU with one thread. All answer the same
images in turn, so that other load of the machine affects all of them equally. Then each server is started again with more
workers on all CPUs. Writes docs/benchmarks/serving.json, .md and .png.
"""

import argparse
import http.client
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.benchmarks.contenders import CONTENDERS, ENVIRONMENTS, CannotInstall, Contender
from tests.benchmarks.reports.serving import write
from tests.benchmarks.servers import PATIENCE, ImagesBySize, Running, sample_images
from tests.support.paths import REPOSITORY

WORKERS = (1, 2, 4, 8)


@dataclass
class Measured:
    """Measurements of one contender.

    Attributes:
        milliseconds: durations of the warm requests, by image size.
        starts: seconds from the start of the process to its first response, of each start.
        peak: peak memory in bytes of all processes together, with one worker.
        installed, graphics: installed bytes, and the part that only GPUs need.
        throughput: images per second, by number of workers.
        missing: the reason if nothing was measured.
    """

    name: str
    network: str
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    peak: int = 0
    installed: int = 0
    graphics: int = 0
    throughput: dict[int, float] = field(default_factory=dict)
    missing: str = ""


@contextmanager
def on_cpus(cpus: set[int]) -> Iterator[None]:
    """Pin this process, the client, to these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_starts(
    contenders: list[Contender], measurements: Mapping[str, Measured], image_bytes: bytes, times: int
) -> None:
    """Measure from process start to first response, all contenders in turn, after one warm-up round."""
    for turn in range(times + 1):
        for contender in contenders:
            begun = time.perf_counter()
            with Running(contender, {0}) as server:
                try:
                    server.first(image_bytes)
                except CannotInstall as error:
                    measurements[contender.name].missing = str(error)
                    continue
                if turn:
                    measurements[contender.name].starts.append(time.perf_counter() - begun)
                print(f"start {turn}: {contender.name}", flush=True)


def measure_warm(
    contenders: list[Contender], measurements: Mapping[str, Measured], images: ImagesBySize, times: int
) -> None:
    """Send every image to all contenders in turn, repeatedly, on one CPU; then read their peak memory."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Running(contender, {0})) for contender in contenders]
        for server in servers:
            for image_bytes in images.values():
                server.first(image_bytes)
                for _ in range(5):
                    server.ask(image_bytes)
        for _ in range(times):
            for name, image_bytes in images.items():
                for server in servers:
                    spent = server.ask(image_bytes)
                    measurements[server.contender.name].milliseconds.setdefault(name, []).append(spent)
        for server in servers:
            measurements[server.contender.name].peak = server.peak()


def measure_throughput(contender: Contender, measurement: Measured, image_bytes: bytes, seconds: float) -> None:
    """Measure images per second by number of workers on all CPUs, with twice as many clients as workers."""
    for workers in WORKERS:
        if contender.command:
            with Running(contender, os.sched_getaffinity(0), workers) as server:
                server.first(image_bytes)
                measurement.throughput[workers] = _rate([server] * 2 * workers, image_bytes, seconds)
        else:
            with ExitStack() as stack:
                cpus = os.sched_getaffinity(0)
                servers = [stack.enter_context(Running(contender, cpus)) for _ in range(workers)]
                measurement.throughput[workers] = _rate(servers, image_bytes, seconds)
        print(f"{contender.name}: {workers} workers {measurement.throughput[workers]:.0f}/s", flush=True)


def _rate(servers: list[Running], image_bytes: bytes, seconds: float) -> float:
    counts = [0] * len(servers)
    # All clients are connected and warm before the measurement starts.
    ready = threading.Barrier(len(servers) + 1)
    end = [0.0]

    def answered(server: Running, connection: http.client.HTTPConnection) -> bool:
        # uvicorn ends workers that are too busy for its health check; the next request connects again.
        with suppress(OSError):
            server.ask(image_bytes, connection)
            return True
        return False

    def call(number: int) -> None:
        server = servers[number]
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
            for _ in range(3):
                answered(server, connection)
            ready.wait()
            while time.perf_counter() < end[0]:
                counts[number] += answered(server, connection) and time.perf_counter() <= end[0]

    callers = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(len(servers))]
    for caller in callers:
        caller.start()
    end[0] = time.perf_counter() + PATIENCE
    ready.wait(PATIENCE)
    end[0] = time.perf_counter() + seconds
    for caller in callers:
        caller.join()
    return sum(counts) / seconds


def main() -> int:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving", description=__doc__)
    parser.add_argument("--requests", type=int, default=40, help="of each image size to each contender")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of workers")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="contenders whose names contain one of these")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    images = sample_images()
    small = next(iter(images.values()))
    chosen = [one for one in CONTENDERS if not arguments.only or any(word in one.name for word in arguments.only)]
    measurements = {one.name: Measured(one.name, one.network) for one in chosen}
    for contender in chosen:
        try:
            contender.install()
            measurements[contender.name].installed, measurements[contender.name].graphics = contender.sizes()
        except CannotInstall as error:
            measurements[contender.name].missing = str(error)
    here = [one for one in chosen if not measurements[one.name].missing]
    cpus = sorted(os.sched_getaffinity(0))
    with on_cpus({cpus[-1]}):
        measure_starts(here, measurements, small, arguments.starts)
        here = [one for one in here if not measurements[one.name].missing]
        measure_warm(here, measurements, images, arguments.requests)
    for contender in here:
        measure_throughput(contender, measurements[contender.name], small, arguments.seconds)
    write([asdict(one) for one in measurements.values()], arguments.out)
    for one in measurements.values():
        middle = {name: round(statistics.median(values), 1) for name, values in one.milliseconds.items()}
        print(one.name, middle or one.missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
