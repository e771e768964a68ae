"""How long a first answer takes: `python -m tests.benchmarks.cold`, after `make image`. Needs root and matplotlib.

Starts the built image again and again under the CPU shares of several of Lambda's memory sizes, with a request already
waiting, as in Lambda. The kinds of start take turns, so that whatever else the machine does meets all of them alike.
Writes docs/cold-start.json (every start), docs/cold-start.md and docs/cold-start.png.
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
from tests.benchmarks.report import write
from tests.support.lambda_runtime.container import MEMORY_PER_CPU, Container, Image, working_copy
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.lambda_runtime.network import Network
from tests.support.paths import REPOSITORY, SAMPLES

MEMORY = (512, 1024, 1769, 3538)
STARTS = 9
MOST_SHARE = 2.0
"""CPUs: of more, a start has no use."""
PHOTOGRAPH = SAMPLES / "ISIC_0010021.jpg"
_SHOWN = "/mnt"
"""Where the container sees this folder."""


@dataclass(frozen=True)
class Kind:
    """One way to start: which handler, with which request waiting."""

    name: str
    handler: str
    method: str
    path: str


KINDS = (
    Kind("bare handler", "bare.handler", "POST", "/api/classify"),
    Kind("photograph", "lesion.handler.handler", "POST", "/api/classify"),
    Kind("page", "lesion.handler.handler", "GET", "/api/config"),
)


@dataclass(frozen=True)
class Start:
    """One start, from the process's beginning.

    Attributes:
        kind: name of a `Kind`.
        memory: MB that Lambda would give.
        ready: seconds until it asks for a request.
        answered: seconds until it has answered the first.
        cpu: seconds of CPU until then; it depends less on what else the machine does.
        peak: bytes of memory held at most.
    """

    kind: str
    memory: int
    ready: float
    answered: float
    cpu: float
    peak: int


def main() -> int:
    """Measure, write the report; 1 with one sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cold", description="Measures the first answer.")
    parser.add_argument("--starts", type=int, default=STARTS, help="of each kind at each memory size")
    parser.add_argument("--memory", type=int, nargs="+", default=MEMORY, metavar="MB")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs", metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        starts = measure(arguments.memory, arguments.starts)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    write([asdict(start) for start in starts], [kind.name for kind in KINDS], arguments.out)
    return 0


def measure(memories: Sequence[int], count: int) -> list[Start]:
    """Start `count` times of each kind at each memory size, and once more before, which is not counted."""
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
    """One start in a new container."""
    # The shell holds the process back until all around it stands, and then becomes it.
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
            raise ImageError(f"The {kind.name} did not answer as it should. Run `make test-image` to see why.")
        return Start(kind.name, memory, runtime.polled - begun, answered - begun, container.cpu() - used, container.peak())


def _event(kind: Kind) -> Any:
    body = PHOTOGRAPH.read_bytes() if kind.method == "POST" else b""
    headers = [("content-type", "image/jpeg"), ("host", "localhost")]
    return version_2(Request(kind.method, kind.path, headers, body, "192.0.2.1"))


if __name__ == "__main__":
    sys.exit(main())
