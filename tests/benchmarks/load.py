"""Two hours' worth of mixed traffic in ten minutes: `python -m tests.benchmarks.load`.

Two processes of the function serve one emulated Lambda at full speed; a third is started and killed in the middle of a
request again and again. Every response is compared with the correct one, and the memory of the two is sampled every second.
Writes docs/benchmarks/load.md, .json and .png. Exit status 1 if a response was wrong, a request was lost, or memory grew.
"""

import argparse
import json
import os
import statistics
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from tests.support.lambda_runtime import traffic
from tests.support.lambda_runtime.dockerfile import glibc_tunables
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.process import Function
from tests.support.paths import REPOSITORY

SECONDS = 600.0
PROCESSES = 2
CALLERS = 4
MOST_GROWTH = 0.05
KILL_EVERY = 20.0

_PAGE = """# Load

Of {total:,} responses to mixed traffic at full speed, {wrong} were wrong, swapped or missing; memory grew by {growth:+.1%}.

Written by `python -m tests.benchmarks.load` with model {version}: {seconds:.0f} s on {cores} cores, with {processes}
processes of the function and {callers} clients. Every {every:.0f} s, one more process is started and killed in the middle
of a request.

| | |
|---|---|
| requests | {total:,} |
| correct responses, by status | {answered} |
| requests that failed with a killed process | {failed} of {kills} kills |
| responses that were wrong, swapped or missing | {wrong} |
| memory of a process, mean of the first and of the last quarter | {first:.0f} MB, {last:.0f} MB |
| largest growth of a process | {growth:+.1%} (limit: {most:.0%}) |
| peak memory of a process | {peak:.0f} MB |

At one request per second, this number of requests takes {hours:.1f} hours.

![Memory of the processes over time](load.png)
"""


def main() -> int:
    """Run the load and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    figures = run(arguments.seconds)
    write(figures, arguments.out)
    print(json.dumps({key: value for key, value in figures.items() if key != "memory"}))
    lost = sum(figures["failed"].values()) > figures["kills"]
    return int(bool(figures["wrong"]) or lost or growth(figures["memory"]) > MOST_GROWTH)


def run(seconds: float) -> dict[str, Any]:
    """Return the model's version, the counts of responses, and the memory in bytes by process and second."""
    # Imported here, because the handler reads its settings from the environment.
    from lesion.handler import handler
    from lesion.inference.model import Model
    from lesion.settings import Settings

    visits = traffic.visits(handler)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY / "lambda"),
        "ORT_DISABLE_TELEMETRY": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "GLIBC_TUNABLES": glibc_tunables(),
    }
    with ExitStack() as stack:
        runtime = stack.enter_context(RuntimeApi())
        functions = [stack.enter_context(Function(runtime, "lesion.handler.handler", environment)) for _ in range(PROCESSES)]
        # Memory grows until every code path has run once.
        traffic.drive(runtime, visits, callers=CALLERS, seconds=min(30.0, seconds / 4))
        stop = threading.Event()
        memory: list[list[int]] = [[] for _ in functions]
        kills = [0]

        def watch() -> None:
            while not stop.wait(1.0):
                for function, values in zip(functions, memory, strict=True):
                    values.append(function.memory())

        def kill() -> None:
            while not stop.is_set():
                with Function(runtime, "lesion.handler.handler", environment) as short:
                    stop.wait(KILL_EVERY)
                kills[0] += 1
                runtime.functions.remove(short)

        helpers = [threading.Thread(target=watch), threading.Thread(target=kill)]
        for helper in helpers:
            helper.start()
        tally = traffic.drive(runtime, visits, callers=CALLERS, seconds=seconds)
        stop.set()
        for helper in helpers:
            helper.join()
    return {
        "version": Model(Settings.model).card.version,
        "seconds": seconds,
        "answered": {str(status): count for status, count in sorted(tally.answered.items())},
        "failed": dict(tally.failed),
        "wrong": tally.wrong,
        "kills": kills[0],
        "memory": memory,
    }


def growth(memory: list[list[int]]) -> float:
    """Return the largest relative growth of a process, from the mean of its first quarter to that of its last."""
    quarters = [(values[: len(values) // 4], values[-(len(values) // 4) :]) for values in memory]
    return max(statistics.fmean(last) / statistics.fmean(first) - 1 for first, last in quarters)


def write(figures: dict[str, Any], folder: Path) -> None:
    """Write load.md, load.json and load.png into `folder`."""
    memory = figures["memory"]
    quarter = len(memory[0]) // 4
    total = sum(figures["answered"].values()) + sum(figures["failed"].values()) + len(figures["wrong"])
    page = _PAGE.format(
        version=figures["version"],
        seconds=figures["seconds"],
        cores=os.cpu_count(),
        processes=len(memory),
        callers=CALLERS,
        every=KILL_EVERY,
        total=total,
        answered=", ".join(f"{status}: {count:,}" for status, count in figures["answered"].items()),
        failed=sum(figures["failed"].values()),
        kills=figures["kills"],
        wrong=len(figures["wrong"]),
        first=statistics.fmean(value for values in memory for value in values[:quarter]) / 1e6,
        last=statistics.fmean(value for values in memory for value in values[-quarter:]) / 1e6,
        growth=growth(memory),
        most=MOST_GROWTH,
        peak=max(max(values) for values in memory) / 1e6,
        hours=total / 3600,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load.md").write_text(page)
    (folder / "load.json").write_text(json.dumps(figures, separators=(",", ":")) + "\n")
    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    for number, values in enumerate(memory):
        axes.plot([value / 1e6 for value in values], linewidth=0.9, label=f"process {number + 1}")
    axes.set(xlabel="s", ylabel="MB held", ylim=0)
    axes.legend(fontsize=8)
    figure.savefig(folder / "load.png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
