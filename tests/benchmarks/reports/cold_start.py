"""Report of `tests.benchmarks.cold`: table, plot and raw values."""

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
"""Limit of the first classification at `REFERENCE` MB, as a multiple of the bare handler's."""
REFERENCE = 1769
PEAK_MB = 200

Starts = list[dict[str, Any]]

_PAGE = """# Cold start

At {size} MB, the first classification takes {ratio:.2f} times as long as with a bare handler around the same model (limit:
{limit}), and {cpu_ratio:.2f} times the CPU time. The peak memory of a start is {peak:.0f} MB (limit: {peak_limit} MB).

Written by `make bench-cold`: milliseconds from the start of the process in the built image to its first response. Medians of
{count} start(s) of each kind; the interquartile range is in brackets. Every start is in [cold-start.json](cold-start.json).

{table}

![Time to the first response](cold-start.png)

- **Bare handler**: `awslambdaric` and about ten lines around the same model, Pillow and the same image
  ([tests/benchmarks/bare.py](../../tests/benchmarks/bare.py)). It is the lower bound for any service.
- **Classification**: the function with `POST /api/classify` waiting. It answers before the web framework is imported.
- **Page**: the function with `GET /api/config` waiting, the first request of the page. It imports the web framework.

A memory size is emulated by its CPU share: memory / 1769 of one CPU, at most two, in periods of 20 ms. Lambda gives a
function more CPU while it initialises, so small memory sizes start faster there. Lambda also loads the image over the
network, which is not measured here: all files are in memory. CPU time depends less than wall time on other load of the
machine. Machine: {cores} cores, {machine}.

## Optimisations

CPU milliseconds up to the first response, each measured separately, with Python 3.11 outside the image:

| optimisation | effect |
|---|---|
| FastAPI, pydantic and mangum are imported with the first request that needs them | -285 |
| garbage collection is off during imports | -15 |
| the HEIC decoder is imported with the first HEIC image | -12 |
| pydantic's copy of version 1, which FastAPI imports, is not in the image (page only) | -45 |
| pydantic does not search for plugins (page only) | -10 |
| byte code is compiled in the image and never compared with its source | half of the total |

Two optimisations were rejected. A graph that is optimised in advance saves 12 of the 31 ms of session creation, but needs a
second model file, or one that other hosts of ONNX Runtime cannot read. Loading in several threads saves nothing on one CPU.
"""


def write(starts: Starts, kinds: list[str], folder: Path) -> None:
    """Write cold-start.json, cold-start.md and cold-start.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps({name: _rounded(value) for name, value in start.items()}) for start in starts)
    (folder / "cold-start.json").write_text(f"[\n{lines}\n]\n")
    memories = sorted({start["memory"] for start in starts})
    reference = REFERENCE if REFERENCE in memories else memories[-1]
    bare, classification = (
        {name: _median(starts, kind, reference, name) for name in ("answered", "cpu")} for kind in kinds[:2]
    )
    page = _PAGE.format(
        count=len(starts) // len(memories) // len(kinds),
        table=_table(starts, kinds, memories),
        size=reference,
        ratio=classification["answered"] / bare["answered"],
        cpu_ratio=classification["cpu"] / bare["cpu"],
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
        axes.bar(places, values, width, label=f"{kind}: first response", color=f"C{number}", alpha=0.5)
        axes.bar(places, ready, width, color=f"C{number}", label=f"{kind}: ready")
        # Every start, because the median alone hides the spread.
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
