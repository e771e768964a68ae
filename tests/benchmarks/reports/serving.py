"""Report of `tests.benchmarks.serving`: tables, plot and raw values."""

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

Measurements = list[dict[str, Any]]

_PAGE = """# Serving

For an image of {small}, the median latency of this project in process is {own:.1f} ms{beside}.

Written by `make bench` on {cores} cores ({machine}), everything in one run. Every value is in [serving.json](serving.json).
One server runs on one CPU with one thread, and the client on the other CPU. All servers answer the same images in turn
({requests} requests of each kind).

- **{old}**: PyTorch and fastai's own image class and head, with random weights, which do not change the times.
- **Peers**: the same network as the service's model ({network} random weights in PyTorch, otherwise the model file), with
  Pillow's decoder and nothing else: no orientation, colour profiles, limits, refusals or evidence map. PyTorch computes in
  float32. OpenVINO has integer kernels of its own and by default computes the rest in bfloat16 where the CPU supports it;
  [precision.md](precision.md) compares its answers.
- **This project**: the complete service. *In process*: an API Gateway event, from base64 to JSON and the access log. *The
  Lambda runtime*: the real `awslambdaric` behind an emulated Runtime API and gateway, whose Python code shares the server's
  CPU. *Eight views* is the page's default. [stages.md](stages.md) has the overhead of Mangum and FastAPI for events in
  payload format 1.0.

## Warm latency, one request at a time

Milliseconds, median and 95th percentile. In brackets: the median as a multiple of this project in process.

{warm}

## Start, memory, size

First response: median seconds from the start of the process, with the lowest and highest of {starts} starts. Memory: peak of
all processes with one worker. Installed: size without the model, and without packages that only GPUs need.

{start}

## Throughput

Images per second ({small}) by number of workers, on all {cores} cores, with twice as many clients as workers on the same
cores. In brackets: the rate per worker as a multiple of one worker's rate. In process there are no clients: each worker
answers the next event as soon as it is free. One FastAPI worker already answers two requests at once on both cores, so two
workers cannot double its rate. Workers of uvicorn share a socket on which Nagle's algorithm stays on: the body of each
response waits 40 ms for a delayed acknowledgement, which shows while there are few clients.

{throughput}

![Latency and throughput](serving.png)
{missing}"""


def write(measurements: Measurements, folder: Path) -> None:
    """Write serving.json, serving.md and serving.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = [
        {
            **one,
            "milliseconds": {k: [round(v, 2) for v in values] for k, values in one["milliseconds"].items()},
            "starts": [round(value, 3) for value in one["starts"]],
        }
        for one in measurements
    ]
    (folder / "serving.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    here = [one for one in measurements if one["milliseconds"]]
    if not here:
        return
    small = next(iter(here[0]["milliseconds"]))
    missing = [f"- {one['name']}: {one['missing']}" for one in measurements if one["missing"]]
    page = _PAGE.format(
        cores=os.cpu_count(),
        machine=platform.machine(),
        requests=len(next(iter(here[0]["milliseconds"].values()))),
        starts=len(here[0]["starts"]),
        small=small,
        old=OLD,
        own=_median(_own(here), small),
        beside=_beside(here, small),
        network="EfficientNet-Lite;",
        warm=_warm(here),
        start=_start(here),
        throughput=_throughput(here),
        missing="\n".join(["", "## Not measured", "", *missing, ""]) if missing else "",
    )
    (folder / "serving.md").write_text(page)
    _plot(here, folder / "serving.png")


def _own(measurements: Measurements) -> dict[str, Any]:
    return next((one for one in measurements if one["name"] == INSIDE), measurements[-1])


def _median(one: dict[str, Any], size: str) -> float:
    return float(statistics.median(one["milliseconds"][size]))


def _beside(measurements: Measurements, size: str) -> str:
    old = [one for one in measurements if one["name"] == OLD]
    return f", and that of the old application {_median(old[0], size):.1f} ms" if old else ""


def _warm(measurements: Measurements) -> str:
    sizes = list(measurements[0]["milliseconds"])
    rows = [f"| | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    for one in measurements:
        cells = []
        for size in sizes:
            values = one["milliseconds"][size]
            middle, own = _median(one, size), _median(_own(measurements), size)
            late = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else middle
            cells.append(f"{middle:.1f}, {late:.1f} ({middle / own:.1f})")
        rows.append(f"| {one['name']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _start(measurements: Measurements) -> str:
    rows = ["| | first answer, s | memory, MB | installed, MB | without graphics, MB |", "|---|---|---|---|---|"]
    for one in measurements:
        middle, low, high = (of(one["starts"]) for of in (statistics.median, min, max))
        seconds = f"{middle:.2f} ({low:.2f}-{high:.2f})"
        sizes = (one["peak"], one["installed"], one["installed"] - one["graphics"])
        rows.append(f"| {one['name']} | {seconds} | {' | '.join(f'{size / 1e6:.0f}' for size in sizes)} |")
    return "\n".join(rows)


def _throughput(measurements: Measurements) -> str:
    workers = list(measurements[0]["throughput"])
    rows = [f"| | {' | '.join(f'{count} workers' for count in workers)} |", "|---" * (len(workers) + 1) + "|"]
    for one in measurements:
        cells = [
            f"{rate:.0f} ({rate / count / one['throughput'][workers[0]]:.2f})" for count, rate in one["throughput"].items()
        ]
        rows.append(f"| {one['name']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _plot(measurements: Measurements, path: Path) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    sizes = list(measurements[0]["milliseconds"])
    height = 0.8 / len(sizes)
    for number, size in enumerate(sizes):
        places = [index + (number - (len(sizes) - 1) / 2) * height for index in range(len(measurements))]
        left.barh(places, [statistics.median(one["milliseconds"][size]) for one in measurements], height, label=size)
    left.set_yticks(range(len(measurements)), [one["name"] for one in measurements], fontsize=8)
    left.invert_yaxis()
    left.set(xscale="log", xlabel="ms, warm median")
    left.legend(fontsize=8)
    for one in measurements:
        style = {"linewidth": 2.5} if one["name"] in (INSIDE, EMULATED) else {"linewidth": 1, "linestyle": "--"}
        right.plot(list(one["throughput"]), list(one["throughput"].values()), "o", label=one["name"], markersize=3, **style)
        right.lines[-1].set_linestyle(style.get("linestyle", "-"))
    right.set(xlabel="workers", ylabel=f"images a second, {sizes[0]}", ylim=0)
    right.set_xscale("log", base=2)
    right.set_xticks(list(measurements[0]["throughput"]), [str(count) for count in measurements[0]["throughput"]])
    right.legend(fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
