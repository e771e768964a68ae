"""The service beside the old app's way and its peers: `make bench`, which is `python -m tests.benchmarks.serving`.

Every contender gets an environment of its own in build/bench, a server on one CPU with one thread, and the same
photographs in turn with all others, so that whatever else the machine does meets all of them alike. Then its server is
started again with more workers on all CPUs. Writes docs/benchmarks/serving.json, .md and .png.
"""

import argparse
import http.client
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.contenders import CONTENDERS, ENVIRONMENTS, CannotInstall, Contender
from tests.benchmarks.serving_report import write
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.paths import REPOSITORY, SAMPLES

PEERS = Path(__file__).parent / "peers"
SIZES = ((600, 450), (1024, 768), (4032, 3024))
WORKERS = (1, 2, 4, 8)
PATIENCE = 180.0
"""Seconds for a start; `torch.compile` needs most of them."""
_BOUNDARY = "boundary-7e3a1c"

Photographs = Mapping[str, bytes]


@dataclass
class Measured:
    """What was measured of one contender.

    Attributes:
        milliseconds: of each warm request, by image size.
        starts: seconds from starting the process to its first answer, each.
        peak: bytes of memory held at most, all its processes together, with one worker.
        installed, graphics: bytes, and how many of them only graphics cards need.
        throughput: photographs a second, by the number of workers.
        missing: why there is nothing.
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


def photographs() -> Photographs:
    """One of the gallery's photographs as JPEG in each of `SIZES`."""
    found = {}
    with Image.open(SAMPLES / "ISIC_0001102.jpg") as image:
        for size in SIZES:
            buffer = io.BytesIO()
            image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
            found["{} x {}".format(*size)] = buffer.getvalue()
    return found


class Running:
    """A contender's server, or its process in process, for as long as a `with` block."""

    def __init__(self, contender: Contender, cpus: set[int], workers: int = 1) -> None:
        self.contender, self.cpus, self.workers = contender, cpus, workers
        self.port = _free_port()

    def __enter__(self) -> "Running":
        places = {"bin": self.contender.python.parent, "port": self.port, "workers": self.workers}
        command = [part.format(**places) for part in self.contender.command] or [
            str(self.contender.python),
            "lesion_inside.py",
        ]
        self._process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, sorted(self.cpus))), *command],
            # The emulator is a module of the repository, the other servers stand beside one another.
            cwd=REPOSITORY if "-m" in command else PEERS,
            env=self.contender.variables(self.workers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if not self.contender.command else subprocess.DEVNULL,
            stderr=(ENVIRONMENTS / f"{self.contender.folder}.log").open("w"),
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def first(self, image_bytes: bytes) -> None:
        """Wait until it has answered.

        Raises:
            CannotInstall: it never does.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.ask(image_bytes)
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise CannotInstall(f"it was installed, but did not answer ({error})") from error
                time.sleep(0.005)

    def ask(self, image_bytes: bytes, connection: http.client.HTTPConnection | None = None) -> float:
        """Milliseconds for one photograph, over a new connection unless one is given.

        Raises:
            OSError: there is no answer yet.
        """
        if not self.contender.command:
            return self._ask_inside(image_bytes)
        started = time.perf_counter()
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = _form(self.contender.part, image_bytes)
        try:
            own.request("POST", self.contender.path, body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})
            answer = own.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            if connection is None:
                own.close()
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return 1000 * (time.perf_counter() - started)

    def _ask_inside(self, image_bytes: bytes) -> float:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{_event(image_bytes)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline().split()
        if not line or line[0] != "200":
            raise OSError(f"answered {line}")
        return float(line[1])

    def processes(self) -> list[int]:
        """Of its session."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if os.getsid(int(folder.name)) == self._process.pid:
                        found.append(int(folder.name))
                except ProcessLookupError:
                    pass
        return found

    def peak(self) -> int:
        """Bytes that its processes held at most, each at its own time."""
        total = 0
        for process in self.processes():
            if "lesion_emulated" in Path(f"/proc/{process}/cmdline").read_text():
                continue  # stands for Lambda
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += 1024 * int(line.split()[1])
        return total


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


def _form(part: str, image_bytes: bytes) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{part}"; filename="a.jpg"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + image_bytes + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _event(image_bytes: bytes) -> Path:
    """The event in a file."""
    path = ENVIRONMENTS / f"event-{len(image_bytes)}.json"
    if not path.is_file():
        path.write_text(json.dumps(form_event(image_bytes)))
    return path


def form_event(image_bytes: bytes, make: Callable[[Request], dict[str, Any]] = version_2) -> dict[str, Any]:
    """What API Gateway makes of a form with a photograph, in a payload format."""
    headers = [("content-type", f"multipart/form-data; boundary={_BOUNDARY}"), ("host", "localhost")]
    return make(Request("POST", "/api/classify", headers, _form("file", image_bytes), "192.0.2.1"))


@contextmanager
def on_cpus(cpus: set[int]) -> Iterator[None]:
    """This process, which asks, on these CPUs only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_starts(contenders: list[Contender], found: Mapping[str, Measured], image_bytes: bytes, times: int) -> None:
    """From the start of the process to the first answer, all contenders in turn; the first round is not counted."""
    for turn in range(times + 1):
        for contender in contenders:
            begun = time.perf_counter()
            with Running(contender, {0}) as server:
                try:
                    server.first(image_bytes)
                except CannotInstall as error:
                    found[contender.name].missing = str(error)
                    continue
                if turn:
                    found[contender.name].starts.append(time.perf_counter() - begun)
                print(f"start {turn}: {contender.name}", flush=True)


def measure_warm(contenders: list[Contender], found: Mapping[str, Measured], photos: Photographs, times: int) -> None:
    """Every photograph to every contender in turn, again and again, on one CPU; then the memory that they held."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Running(contender, {0})) for contender in contenders]
        for server in servers:
            for image_bytes in photos.values():
                server.first(image_bytes)
                for _ in range(5):
                    server.ask(image_bytes)
        for _ in range(times):
            for name, image_bytes in photos.items():
                for server in servers:
                    spent = server.ask(image_bytes)
                    found[server.contender.name].milliseconds.setdefault(name, []).append(spent)
        for server in servers:
            found[server.contender.name].peak = server.peak()


def measure_throughput(contender: Contender, found: Measured, image_bytes: bytes, seconds: float) -> None:
    """Photographs a second with more and more workers on all CPUs, twice as many callers as workers."""
    for workers in WORKERS:
        if contender.command:
            with Running(contender, os.sched_getaffinity(0), workers) as server:
                server.first(image_bytes)
                found.throughput[workers] = _rate([server] * 2 * workers, image_bytes, seconds)
        else:
            with ExitStack() as stack:
                cpus = os.sched_getaffinity(0)
                servers = [stack.enter_context(Running(contender, cpus)) for _ in range(workers)]
                found.throughput[workers] = _rate(servers, image_bytes, seconds)
        print(f"{contender.name}: {workers} workers {found.throughput[workers]:.0f}/s", flush=True)


def _rate(servers: list[Running], image_bytes: bytes, seconds: float) -> float:
    counts = [0] * len(servers)
    # All callers are there, and warm, before the clock starts.
    ready = threading.Barrier(len(servers) + 1)
    end = [0.0]

    def answered(server: Running, connection: http.client.HTTPConnection) -> bool:
        # uvicorn ends workers that are too busy to say that they live; the next request connects anew.
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
    """Measure, write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving", description=__doc__)
    parser.add_argument("--requests", type=int, default=40, help="of each photograph to each contender")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of workers")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="contenders whose names hold one of these")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    photos = photographs()
    small = next(iter(photos.values()))
    chosen = [one for one in CONTENDERS if not arguments.only or any(word in one.name for word in arguments.only)]
    found = {one.name: Measured(one.name, one.network) for one in chosen}
    for contender in chosen:
        try:
            contender.install()
            found[contender.name].installed, found[contender.name].graphics = contender.sizes()
        except CannotInstall as error:
            found[contender.name].missing = str(error)
    here = [one for one in chosen if not found[one.name].missing]
    cpus = sorted(os.sched_getaffinity(0))
    with on_cpus({cpus[-1]}):
        measure_starts(here, found, small, arguments.starts)
        here = [one for one in here if not found[one.name].missing]
        measure_warm(here, found, photos, arguments.requests)
    for contender in here:
        measure_throughput(contender, found[contender.name], small, arguments.seconds)
    write([asdict(one) for one in found.values()], arguments.out)
    for one in found.values():
        middle = {name: round(statistics.median(values), 1) for name, values in one.milliseconds.items()}
        print(one.name, middle or one.missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
