"""Starts of `tests.benchmarks.cold` as a table, a plot, and the raw numbers."""

import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

LIMIT = 1.5
"""What a first photograph may take, in first answers of the bare handler, at `JUDGED` MB."""
JUDGED = 1769
PEAK_MB = 200

Starts = list[dict[str, Any]]

_PAGE = """# Cold start

From the start of the process in the built image to its first answer, in milliseconds: the median of {count} start(s) of each
kind, and in brackets the middle half of them. Written by `make bench-cold`; every start is in
[cold-start.json](cold-start.json).

{table}

At {judged} MB a first photograph takes {ratio:.2f} times what the bare handler takes, by CPU time {cpu_ratio:.2f} times; at
most {limit} is wanted. The most memory that a start held is {peak:.0f} MB; at most {peak_limit} is wanted.

![Time to the first answer](cold-start.png)

- **Bare handler**: `awslambdaric` and some ten lines around the same model, Pillow and the same photograph: what no
  service can be faster than ([tests/benchmarks/bare.py](../tests/benchmarks/bare.py)).
- **Photograph**: the function, with `POST /api/classify` waiting. It is answered before the web framework is loaded.
- **Page**: the function, with `GET /api/config` waiting, the first that the page asks for. It loads the web framework.

A memory size stands for its share of the CPU, memory / 1769 of one, at most two, counted every 20 ms. Lambda itself gives
more while it loads a function, so its small sizes start faster than these; but it reads the image over the network, piece
by piece, which is not measured here: all files are in memory. CPU time changes less than time does with what else
the machine is doing. Machine: {cores} cores, {machine}.

## What was done, and what it gave

CPU milliseconds to the first answer, measured one by one, with Python 3.11 and outside the image:

| | |
|---|---|
| FastAPI, pydantic and mangum are loaded with the first request that needs them, not before a first photograph | -285 |
| no garbage collection while loading | -15 |
| HEIC's decoder is loaded with the first HEIC photograph | -12 |
| pydantic's copy of version 1 is not in the image; FastAPI would load it (page only) | -45 |
| pydantic does not look for plugins (page only) | -10 |
| byte code compiled in the image, never compared with its source | half of all |

Not done: a graph optimised beforehand would save 12 ms of the 31 that making the session takes, but it would be a second
model file, or one that other hosts of ONNX Runtime cannot read. Loading in several threads saves nothing where one CPU is
all there is.
"""


def write(starts: Starts, kinds: list[str], folder: Path) -> None:
    """Write cold-start.json, cold-start.md and cold-start.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps({name: _rounded(value) for name, value in start.items()}) for start in starts)
    (folder / "cold-start.json").write_text(f"[\n{lines}\n]\n")
    memories = sorted({start["memory"] for start in starts})
    judged = JUDGED if JUDGED in memories else memories[-1]
    bare, photograph = ({name: _median(starts, kind, judged, name) for name in ("answered", "cpu")} for kind in kinds[:2])
    page = _PAGE.format(
        count=len(starts) // len(memories) // len(kinds),
        table=_table(starts, kinds, memories),
        judged=judged,
        ratio=photograph["answered"] / bare["answered"],
        cpu_ratio=photograph["cpu"] / bare["cpu"],
        limit=LIMIT,
        peak=max(start["peak"] for start in starts) / 1e6,
        peak_limit=PEAK_MB,
        cores=os.cpu_count(),
        machine=platform.machine(),
    )
    (folder / "cold-start.md").write_text(page)
    _plot(starts, kinds, memories, folder / "cold-start.png")


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _table(starts: Starts, kinds: list[str], memories: list[int]) -> str:
    rows = ["| | memory, MB | ready | first answer | times bare | CPU | peak, MB |", "|---|---|---|---|---|---|---|"]
    for memory in memories:
        floor = _median(starts, kinds[0], memory, "answered")
        for kind in kinds:
            answered = _values(starts, kind, memory, "answered")
            low, middle, high = statistics.quantiles(answered, n=4) if len(answered) > 1 else answered * 3
            ready, cpu = (_median(starts, kind, memory, name) for name in ("ready", "cpu"))
            peak = max(_values(starts, kind, memory, "peak")) / 1e6
            rows.append(
                f"| {kind} | {memory} | {1000 * ready:.0f} | {1000 * middle:.0f} ({1000 * low:.0f}-{1000 * high:.0f}) | "
                f"{middle / floor:.2f} | {1000 * cpu:.0f} | {peak:.0f} |"
            )
    return "\n".join(rows)


def _plot(starts: Starts, kinds: list[str], memories: list[int], path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    width = 0.8 / len(kinds)
    for number, kind in enumerate(kinds):
        places = [index + (number - (len(kinds) - 1) / 2) * width for index in range(len(memories))]
        values = [1000 * _median(starts, kind, memory, "answered") for memory in memories]
        ready = [1000 * _median(starts, kind, memory, "ready") for memory in memories]
        axes.bar(places, values, width, label=f"{kind}: first answer", color=f"C{number}", alpha=0.5)
        axes.bar(places, ready, width, color=f"C{number}", label=f"{kind}: ready")
        # Every start, so that nobody takes the median for the whole story.
        for place, memory in zip(places, memories, strict=True):
            each = [1000 * value for value in _values(starts, kind, memory, "answered")]
            axes.plot([place] * len(each), each, ".", color="black", markersize=3)
    axes.set_xticks(range(len(memories)), [f"{memory} MB" for memory in memories])
    axes.set_ylabel("ms from the start of the process")
    figure.legend(loc="outside upper center", ncols=len(kinds), fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _median(starts: Starts, kind: str, memory: int, name: str) -> float:
    return statistics.median(_values(starts, kind, memory, name))


def _values(starts: Starts, kind: str, memory: int, name: str) -> list[float]:
    return [start[name] for start in starts if (start["kind"], start["memory"]) == (kind, memory)]
