"""What `tests.benchmarks.serving` measured, as tables, a plot, and the raw numbers."""

import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from tests.benchmarks.contenders import EMULATED, INSIDE, OLD

Found = list[dict[str, Any]]

_PAGE = """# Beside the old app's way, and beside what people use today

Written by `make bench` on {cores} cores ({machine}), everything in one run; every number is in
[benchmarks.json](benchmarks.json). One server on one CPU with one thread, the caller on the other one. All contenders answer
the same photographs in turn ({requests} requests of each kind).

- **{old}**: PyTorch as it comes, fastai's own picture and head, random weights (no time depends on them).
- **Peers**: the same network as the service's model ({network} weights random where PyTorch runs it, else the model file
  itself), decoded by Pillow, and nothing else: no orientation, colour profiles, limits, refusals or evidence in words.
  PyTorch calculates with float32; OpenVINO has kernels of its own for the file's integers, and *as it comes* calculates the
  rest with bfloat16 where the CPU has it. How far its answers are from ours stands in [precision.md](precision.md).
- **This project**: the whole of it. *In process*: an event of API Gateway, from base64 to JSON and the log line. *The Lambda
  runtime*: the real `awslambdaric` behind an emulated Runtime API and gateway, whose Python shares the server's CPU. What
  Mangum and FastAPI add, for events in payload format 1.0, stands in [stages.md](stages.md).

## Warm, one photograph at a time

Milliseconds, median and 95th percentile; in brackets how many times this project in process is faster.

{warm}

## Start, memory, size

Median from the start of the process to the first answer, with the lowest and highest of {starts}; the most memory that all
its processes held with one worker; what is installed, without the model, and without what only graphics cards need.

{start}

## Throughput

Photographs a second ({small}), with as many workers, on all {cores} cores and twice as many callers as workers, who need a
share of the same cores; in brackets the rate per worker beside one worker's. In process nobody calls: each worker answers
the next event as soon as it can. One worker of FastAPI answers two at once, on both cores, so two workers of it cannot have
twice its rate; and several workers of uvicorn share a socket on which Nagle's algorithm stays on, so that the body of each
answer waits 40 ms for a delayed acknowledgement, which shows while there are fewer callers than fill that time.

{throughput}

![Latency and throughput](benchmarks.png)
{missing}"""


def write(found: Found, folder: Path) -> None:
    """Write benchmarks.json, benchmarks.md and benchmarks.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = [
        {
            **one,
            "milliseconds": {k: [round(v, 2) for v in values] for k, values in one["milliseconds"].items()},
            "starts": [round(value, 3) for value in one["starts"]],
        }
        for one in found
    ]
    (folder / "benchmarks.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    here = [one for one in found if one["milliseconds"]]
    if not here:
        return
    missing = [f"- {one['name']}: {one['missing']}" for one in found if one["missing"]]
    page = _PAGE.format(
        cores=os.cpu_count(),
        machine=platform.machine(),
        requests=len(next(iter(here[0]["milliseconds"].values()))),
        starts=len(here[0]["starts"]),
        small=next(iter(here[0]["milliseconds"])),
        old=OLD,
        network="EfficientNet-Lite;",
        warm=_warm(here),
        start=_start(here),
        throughput=_throughput(here),
        missing="\n".join(["", "## Not measured", "", *missing, ""]) if missing else "",
    )
    (folder / "benchmarks.md").write_text(page)
    _plot(here, folder / "benchmarks.png")


def _own(found: Found) -> dict[str, Any]:
    return next((one for one in found if one["name"] == INSIDE), found[-1])


def _warm(found: Found) -> str:
    sizes = list(found[0]["milliseconds"])
    rows = [f"| | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    for one in found:
        cells = []
        for size in sizes:
            values = one["milliseconds"][size]
            middle, own = statistics.median(values), statistics.median(_own(found)["milliseconds"][size])
            late = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else middle
            cells.append(f"{middle:.1f}, {late:.1f} ({middle / own:.1f})")
        rows.append(f"| {one['name']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _start(found: Found) -> str:
    rows = ["| | first answer, s | memory, MB | installed, MB | without graphics, MB |", "|---|---|---|---|---|"]
    for one in found:
        middle, low, high = (of(one["starts"]) for of in (statistics.median, min, max))
        seconds = f"{middle:.2f} ({low:.2f}-{high:.2f})"
        sizes = (one["peak"], one["installed"], one["installed"] - one["graphics"])
        rows.append(f"| {one['name']} | {seconds} | {' | '.join(f'{size / 1e6:.0f}' for size in sizes)} |")
    return "\n".join(rows)


def _throughput(found: Found) -> str:
    workers = list(found[0]["throughput"])
    rows = [f"| | {' | '.join(f'{count} workers' for count in workers)} |", "|---" * (len(workers) + 1) + "|"]
    for one in found:
        cells = [
            f"{rate:.0f} ({rate / count / one['throughput'][workers[0]]:.2f})" for count, rate in one["throughput"].items()
        ]
        rows.append(f"| {one['name']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _plot(found: Found, path: Path) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    sizes = list(found[0]["milliseconds"])
    height = 0.8 / len(sizes)
    for number, size in enumerate(sizes):
        places = [index + (number - (len(sizes) - 1) / 2) * height for index in range(len(found))]
        left.barh(places, [statistics.median(one["milliseconds"][size]) for one in found], height, label=size)
    left.set_yticks(range(len(found)), [one["name"] for one in found], fontsize=8)
    left.invert_yaxis()
    left.set(xscale="log", xlabel="ms, warm median")
    left.legend(fontsize=8)
    for one in found:
        style = {"linewidth": 2.5} if one["name"] in (INSIDE, EMULATED) else {"linewidth": 1, "linestyle": "--"}
        right.plot(list(one["throughput"]), list(one["throughput"].values()), "o", label=one["name"], markersize=3, **style)
        right.lines[-1].set_linestyle(style.get("linestyle", "-"))
    right.set(xlabel="workers", ylabel=f"photographs a second, {sizes[0]}", ylim=0)
    right.set_xscale("log", base=2)
    right.set_xticks(list(found[0]["throughput"]), [str(count) for count in found[0]["throughput"]])
    right.legend(fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
