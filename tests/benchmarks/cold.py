"""Time to the first response of a new process: `python -m tests.benchmarks.cold`, after `make image`. Needs root.

Starts the built image repeatedly with the CPU shares of several of Lambda's memory sizes and with a request already waiting,
as in Lambda. The kinds of start alternate, so that other load of the machine affects all of them equally. Writes
docs/benchmarks/cold-start.json (every start), .md and .png.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.packaging.buildah import ImageError
from tests.benchmarks.reports.cold_start import write
from tests.support.lambda_runtime.container import MEMORY_PER_CPU, Container, Image, working_copy
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.lambda_runtime.network import Network
from tests.support.paths import REPOSITORY, SAMPLES

MEMORY = (512, 1024, 1769, 3538)
STARTS = 9
MOST_SHARE = 2.0
"""CPUs; a start does not use more."""
IMAGE_FILE = SAMPLES / "ISIC_0010021.jpg"
_SHOWN = "/mnt"
"""Mount point of this folder in the container."""


@dataclass(frozen=True)
class Kind:
    """One kind of start: a handler and the request that waits for it."""

    name: str
    handler: str
    method: str
    path: str


KINDS = (
    Kind("bare handler", "bare.handler", "POST", "/api/classify"),
    Kind("classification", "lesion.handler.handler", "POST", "/api/classify"),
    Kind("page", "lesion.handler.handler", "GET", "/api/config"),
)


@dataclass(frozen=True)
class Start:
    """One start, measured from the beginning of the process.

    Attributes:
        kind: name of a `Kind`.
        memory: memory size of the function in MB.
        ready: seconds until it polls for a request.
        answered: seconds until its first response.
        cpu: CPU seconds until then; they depend less on other load of the machine.
        peak: peak memory in bytes.
    """

    kind: str
    memory: int
    ready: float
    answered: float
    cpu: float
    peak: int


def main() -> int:
    """Measure and write the report; return 1, with a message on stderr, if the image cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.cold", description="Measure the time to the first response."
    )
    parser.add_argument("--starts", type=int, default=STARTS, help="of each kind at each memory size")
    parser.add_argument("--memory", type=int, nargs="+", default=MEMORY, metavar="MB")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks", metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        starts = measure(arguments.memory, arguments.starts)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    write([asdict(start) for start in starts], [kind.name for kind in KINDS], arguments.out)
    return 0


def measure(memories: Sequence[int], count: int) -> list[Start]:
    """Start `count` times of each kind at each memory size, after one warm-up start each."""
    starts = []
    with Network() as network, working_copy() as image:
        for memory in memories:
            for turn in range(count + 1):
                for kind in KINDS:
                    start = once(image, network, kind, memory)
                    if turn:
                        starts.append(start)
            done = [start for start in starts if start.memory == memory]
            middle = {kind.name: statistics.median(s.answered for s in done if s.kind == kind.name) for kind in KINDS}
            print(memory, "MB:", ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in middle.items()), flush=True)
    return starts


def once(image: Image, network: Network, kind: Kind, memory: int) -> Start:
    """Start a new container and measure it."""
    # The shell waits until everything is set up, and then replaces itself with the runtime.
    command = ["/bin/sh", "-c", 'read go; exec "$@"', "sh", *image.config["Entrypoint"], kind.handler]
    with (
        network.call(RuntimeApi) as runtime,
        ThreadPoolExecutor(1) as pool,
        Container(
            image,
            network,
            runtime,
            command=command,
            environment={"PYTHONPATH": _SHOWN} if kind.handler.startswith("bare") else {},
            memory=memory,
            share=min(memory / MEMORY_PER_CPU, MOST_SHARE),
            mounts={Path(__file__).parent: _SHOWN},
        ) as container,
    ):
        waiting = pool.submit(runtime.invoke, _event(kind), seconds=120)
        time.sleep(0.2)
        used = container.cpu()
        begun = time.perf_counter()
        container.say("go\n")
        answer = waiting.result()
        answered = time.perf_counter()
        if answer.get("statusCode") != 200 or runtime.polled is None:
            raise ImageError(f"The {kind.name} did not return status 200. Run `make test-image` to see why.")
        return Start(kind.name, memory, runtime.polled - begun, answered - begun, container.cpu() - used, container.peak())


def _event(kind: Kind) -> Any:
    body = IMAGE_FILE.read_bytes() if kind.method == "POST" else b""
    headers = [("content-type", "image/jpeg"), ("host", "localhost")]
    return version_2(Request(kind.method, kind.path, headers, body, "192.0.2.1"))


if __name__ == "__main__":
    sys.exit(main())
