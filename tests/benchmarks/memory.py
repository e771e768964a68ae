"""Duration and cost of a prediction by memory size: `python -m tests.benchmarks.memory`, after `make image`.

Runs the built image with the CPU shares and memory limits of several of Lambda's memory sizes, all at the same time, sends
each request to them in turn, and computes the costs with `infra.dev.cost`. Needs root. Writes
docs/benchmarks/memory-size.md, .json and .png.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from infra.dev.cost import PRICES_AS_OF, PredictionLoad, prediction_costs
from infra.dev.prices import price
from infra.packaging.buildah import ImageError
from tests.benchmarks.cold import MOST_SHARE
from tests.benchmarks.contenders import EIGHT_VIEWS
from tests.benchmarks.servers import form_event, sample_images
from tests.support.lambda_runtime.container import MEMORY_PER_CPU, Container, working_copy
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.network import Network
from tests.support.paths import REPOSITORY

MEMORY = (512, 768, 1024, 1536, 1769, 2048, 3008, 3538)
TIMES = 30

Durations = dict[int, dict[str, list[float]]]
"""Memory in MB -> image size or `IN_EIGHT_VIEWS` -> milliseconds."""

_EIGHT = ", eight views"
IN_EIGHT_VIEWS = f"1024 x 768{_EIGHT}"
"""Name of the request with the page's default number of views; the size is that of `infra.dev.cost`."""

_PAGE = """# Memory size

With one view, {cheapest} MB is the cheapest memory size of the function, and {fastest} MB is the fastest.
cdk.json has {chosen} MB.{reason}

Written by `python -m tests.benchmarks.memory`: warm requests in the built image with the CPU share of each memory size
(memory / {per_cpu} of one CPU, at most {most}). Medians of {times} requests for each image, all sizes in turn, in
milliseconds; the 95th percentile is in brackets. The cost of a million predictions is Lambda's part only (list prices of
{known}): the median duration, rounded up to whole milliseconds, and the request. Every value is in
[memory-size.json](memory-size.json).

{table}

![Duration and cost by memory size](memory-size.png)
"""


def main() -> int:
    """Measure and write the report; return 1, with a message on stderr, if the image cannot run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--memory", type=int, nargs="+", default=MEMORY, metavar="MB")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    try:
        durations = measure(arguments.memory, arguments.times)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    write(durations, arguments.out)
    return 0


def measure(memories: Sequence[int], times: int) -> Durations:
    """Return the milliseconds from passing an event to the runtime until its response."""
    images = sample_images()
    events = {name: form_event(data) for name, data in images.items()}
    events[IN_EIGHT_VIEWS] = form_event(images[IN_EIGHT_VIEWS.removesuffix(_EIGHT)], target=EIGHT_VIEWS)
    durations: Durations = {memory: {name: [] for name in events} for memory in memories}
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        image = stack.enter_context(working_copy())
        apis = {}
        for memory in memories:
            apis[memory] = stack.enter_context(network.call(RuntimeApi))
            share = min(memory / MEMORY_PER_CPU, MOST_SHARE)
            stack.enter_context(Container(image, network, apis[memory], memory=memory, share=share))
            for event in events.values():
                for _ in range(3):
                    apis[memory].invoke(event, seconds=120)
        for _ in range(times):
            for name, event in events.items():
                for memory, api in apis.items():
                    started = time.perf_counter()
                    answer = api.invoke(event, seconds=120)
                    durations[memory][name].append(1000 * (time.perf_counter() - started))
                    if answer["statusCode"] != 200:
                        raise ImageError(f"A request failed at {memory} MB. Run `make test-image` to see why.")
    return durations


def dollars(milliseconds: float, memory: int) -> float:
    """Return Lambda's part of the cost of a million warm predictions, in US dollars."""
    parts = prediction_costs(PredictionLoad(ms=milliseconds, cold=0, memory_mb=memory))
    return 1e6 * (parts["Lambda, duration"] + price("lambda_request"))


def write(durations: Durations, folder: Path) -> None:
    """Write memory-size.md, .json and .png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(next(iter(durations.values())))
    images = [name for name in names if name != IN_EIGHT_VIEWS]
    priced = list(dict.fromkeys((images[0], images[-1], names[-1])))
    head = ["MB", *names, *(f"USD, {name}" for name in priced)]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    medians = {memory: {name: statistics.median(spent[name]) for name in names} for memory, spent in durations.items()}
    for memory, spent in durations.items():
        cells = [f"{medians[memory][name]:.0f} ({statistics.quantiles(spent[name], n=20)[-1]:.0f})" for name in names]
        costs = [f"{dollars(medians[memory][name], memory):.2f}" for name in priced]
        rows.append(f"| {memory} | {' | '.join(cells + costs)} |")
    cheapest = min(medians, key=lambda memory: dollars(medians[memory][names[0]], memory))
    fastest = min(medians, key=lambda memory: math.floor(medians[memory][names[0]]))
    chosen = json.loads((REPOSITORY / "cdk.json").read_text())["context"]["lesion:memory_mb"]
    page = _PAGE.format(
        per_cpu=MEMORY_PER_CPU,
        most=f"{MOST_SHARE:g}",
        times=len(next(iter(durations.values()))[names[0]]),
        known=PRICES_AS_OF,
        table="\n".join(rows),
        cheapest=cheapest,
        fastest=fastest,
        chosen=chosen,
        reason=_reason(medians, images, chosen, cheapest) if chosen in medians else "",
    )
    (folder / "memory-size.md").write_text(page)
    raw: dict[str, Any] = {
        str(memory): {name: [round(value, 2) for value in values] for name, values in spent.items()}
        for memory, spent in durations.items()
    }
    (folder / "memory-size.json").write_text(json.dumps(raw, separators=(",", ":")) + "\n")
    _plot(medians, names, folder / "memory-size.png")


def _reason(medians: dict[int, dict[str, float]], names: list[str], chosen: int, cheapest: int) -> str:
    small, large = names[0], names[-1]
    own, less = medians[chosen], medians[cheapest]
    saved = dollars(own[small], chosen) - dollars(less[small], cheapest)
    gained = own[small] - min(spent[small] for spent in medians.values())
    more = ""
    if IN_EIGHT_VIEWS in own:
        at_cheapest = min(medians, key=lambda memory: dollars(medians[memory][IN_EIGHT_VIEWS], memory))
        at_fastest = min(medians, key=lambda memory: medians[memory][IN_EIGHT_VIEWS])
        more = f" With eight views, {at_cheapest} MB is the cheapest, and {at_fastest} MB the fastest."
    return (
        f" The cheapest saves USD {saved:.2f} for a million images of {small}, needs {less[large] - own[large]:.0f} ms more "
        f"for one of {large}, and has longer [cold starts](cold-start.md). The fastest answers {gained:.0f} ms sooner.{more}"
    )


def _plot(medians: dict[int, dict[str, float]], names: list[str], path: Path) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for name in names:
        left.plot(list(medians), [spent[name] for spent in medians.values()], "o-", label=name)
        right.plot(list(medians), [dollars(spent[name], memory) for memory, spent in medians.items()], "o-", label=name)
    left.set(xlabel="MB", ylabel="ms, warm median", yscale="log")
    right.set(xlabel="MB", ylabel="USD for a million (Lambda)", ylim=0)
    left.legend(fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
