"""Duration of each stage of a request, beside lower bounds: `python -m tests.benchmarks.stages`.

An API Gateway event with an image in a form, in this process with one thread: on the fast path (payload format 2.0) with
one view and with eight, and through Mangum and FastAPI (format 1.0). Lower bounds are other JPEG decoders and a bare ONNX
Runtime session. All run in turn. Writes docs/benchmarks/stages.json and .md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

os.environ.setdefault("LESION_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import lesion.inference.classify
import lesion.web.api
import numpy as np
import onnxruntime
from lesion import fast_path
from lesion.imaging.decode import decode
from lesion.inference.model import Model
from lesion.settings import read_settings

from tests.benchmarks.contenders import EIGHT_VIEWS, ENVIRONMENTS, ONE_VIEW, CannotInstall, Contender
from tests.benchmarks.servers import form_event, sample_images
from tests.support.lambda_runtime.events import version_1, version_2
from tests.support.paths import REPOSITORY

TIMES = 60
MOST_OVERHEAD = 3.0
"""Limit in milliseconds of a request for the smallest image, without decoding and inference."""
DECODERS = Contender(
    "decoders",
    "decoders",
    (("pillow==13.0.0", "simplejpeg==1.9.0", "opencv-python-headless==5.0.0.93", "pyvips[binary]==3.2.0", "numpy==2.4.6"),),
    (),
)

STAGES = (
    "event to image: base64, form",
    "decode",
    "inference: crop, resize, network, evidence map",
    "decision, answer",
    "JSON",
    "response to event, access log",
)
WAYS = {
    "direct": "Fast path: an image in payload format 2.0",
    "eight": "Eight views: the page's default, otherwise as above",
    "framework": "Mangum and FastAPI: payload format 1.0",
}

_PAGE = """# Stages of a request

Besides decoding and inference, a request for the {small} image takes {overhead} (limit: {limit} ms).
With eight views the whole request takes {eight}.

Written by `python -m tests.benchmarks.stages`: medians of {times} requests in milliseconds, one thread, all in turn. Each
request is an API Gateway event with the image in a form. Every value is in [stages.json](stages.json).

{ways}

## Lower bounds

{floor}

Inference takes {bare:.1f} ms in a bare ONNX Runtime session with the same pixels, and {more:+.1f} ms more in the service.
"""

Marks = list[tuple[str, float]]


def main() -> int:
    """Measure and write the report; return 1 if the overhead is above its limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stages", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    timings = measure(arguments.times)
    try:
        DECODERS.install()
        timings["decoders"] = _decoders()
    except CannotInstall as error:
        print(f"Other decoders are not measured: {error}", file=sys.stderr)
    write(timings, arguments.times, arguments.out)
    small = next(iter(timings["bare"]))
    return int(max(_overhead(timings, way, small) for way in WAYS) > MOST_OVERHEAD)


def measure(times: int) -> dict[str, Any]:
    """Return milliseconds by image size: of every stage on both paths, and of a bare session."""
    # Imported here, because the handler reads its settings from the environment.
    from lesion.handler import handler

    settings = read_settings()
    side = Model(settings.model, threads=1).card.input_size
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(settings.model), options, providers=["CPUExecutionProvider"])
    names = ["probability", "logit", "classes", "evidence", "distance", "spread", "quality"]
    images = sample_images()
    pixels = {name: decode(data, at_least=2 * side).pixels[np.newaxis] for name, data in images.items()}
    makers = {"direct": (version_2, ONE_VIEW), "eight": (version_2, EIGHT_VIEWS), "framework": (version_1, ONE_VIEW)}
    events = {way: {name: form_event(data, *how) for name, data in images.items()} for way, how in makers.items()}
    paths = (
        ("direct", fast_path, "extract_upload"),
        ("eight", fast_path, "extract_upload"),
        ("framework", lesion.web.api, "read_upload"),
    )
    timings: dict[str, Any] = {kind: {name: [] for name in images} for kind in (*WAYS, "bare")}
    for turn in range(times + 5):
        for name in images:
            for way, owner, receive in paths:
                with marked(owner, receive) as marks:
                    started = perf_counter()
                    answer = handler(events[way][name], None)
                    ended = perf_counter()
                assert answer["statusCode"] == 200
                if turn >= 5:
                    timings[way][name].append(_between(started, dict(marks), receive, ended))
            bare = _timed(partial(session.run, names, {"image": pixels[name]}))
            if turn >= 5:
                timings["bare"][name].append(bare)
    return timings


def _timed(call: Callable[[], Any]) -> float:
    started = perf_counter()
    call()
    return 1000 * (perf_counter() - started)


@contextmanager
def marked(owner: Any, receive: str) -> Iterator[Marks]:
    """Record when each stage begins and ends, by wrapping its functions.

    Args:
        owner: the module whose `classify` and `represent` are called.
        receive: name of its function that returns the image.
    """
    marks: Marks = []

    def wrap(owner: Any, name: str) -> Any:
        function = getattr(owner, name)

        def call(*args: Any, **options: Any) -> Any:
            marks.append((f"{name} begins", perf_counter()))
            try:
                return function(*args, **options)
            finally:
                marks.append((f"{name} ends", perf_counter()))

        async def wait(*args: Any, **options: Any) -> Any:
            marks.append((f"{name} begins", perf_counter()))
            try:
                return await function(*args, **options)
            finally:
                marks.append((f"{name} ends", perf_counter()))

        return patch.object(owner, name, wait if name == "read_upload" else call)

    with ExitStack() as stack:
        for place, name in (
            (owner, receive),
            (owner, "classify"),
            (lesion.inference.classify, "decode"),
            (Model, "run"),
            (owner, "represent"),
        ):
            stack.enter_context(wrap(place, name))
        yield marks


def _between(started: float, at: dict[str, float], receive: str, ended: float) -> list[float]:
    """Return the milliseconds of each of `STAGES`."""
    decode, network, classified, encode = (
        1000 * (at[f"{name} ends"] - at[f"{name} begins"]) for name in ("decode", "run", "classify", "represent")
    )
    # With the framework, the switch to a worker thread counts as receiving.
    received = 1000 * (at["classify begins"] - started)
    spent = [received, decode, network, classified - decode - network, encode]
    return [*spent, 1000 * (ended - started) - sum(spent)]


def _decoders() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (name, data) in enumerate(sample_images().items()):
            path = Path(folder) / f"{number}.jpg"
            path.write_bytes(data)
            paths[str(path)] = name
        script = Path(__file__).parent / "peers" / "decoders.py"
        done = subprocess.run([DECODERS.python, script, *paths], capture_output=True, text=True)
    if done.returncode:
        raise CannotInstall((done.stderr.strip().splitlines() or ["no answer"])[-1])
    return {paths[path]: values for path, values in json.loads(done.stdout).items()}


def _median(stages: list[list[float]], number: int) -> float:
    return statistics.median(spent[number] for spent in stages)


def _whole(timings: dict[str, Any], way: str, name: str) -> float:
    taken: list[list[float]] = timings[way][name]
    return statistics.median(sum(spent) for spent in taken)


def _overhead(timings: dict[str, Any], way: str, name: str) -> float:
    taken: list[list[float]] = timings[way][name]
    inherent = [STAGES.index("decode"), STAGES.index("inference: crop, resize, network, evidence map")]
    return statistics.median(sum(spent) - sum(spent[number] for number in inherent) for spent in taken)


def write(timings: dict[str, Any], times: int, folder: Path) -> None:
    """Write stages.json and stages.md into `folder`."""
    timings = _rounded(timings)  # the page is that of the values in the file
    names = list(timings["bare"])
    head = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    ways = []
    for way, title in WAYS.items():
        rows = [f"## {title}", "", *head]
        for number, stage in enumerate(STAGES):
            rows.append(f"| {stage} | {' | '.join(f'{_median(timings[way][name], number):.2f}' for name in names)} |")
        rows.append(f"| **whole** | {' | '.join(f'**{_whole(timings, way, name):.2f}**' for name in names)} |")
        ways.append("\n".join(rows))
    floor = list(head)
    decoders = timings.get("decoders", {})
    for decoder in next(iter(decoders.values()), {}):
        floor.append(f"| {decoder} | {' | '.join(f'{statistics.median(decoders[name][decoder]):.2f}' for name in names)} |")
    bares = (statistics.median(timings["bare"][name]) for name in names)
    floor.append(f"| bare ONNX Runtime | {' | '.join(f'{value:.2f}' for value in bares)} |")
    bare = statistics.median(timings["bare"][names[0]])
    ratios = (f"{_whole(timings, 'eight', name) / _whole(timings, 'direct', name):.1f}" for name in names)
    page = _PAGE.format(
        times=times,
        ways="\n\n".join(ways),
        floor="\n".join(floor),
        small=names[0],
        overhead=f"{_overhead(timings, 'direct', names[0]):.2f} ms, and {_overhead(timings, 'framework', names[0]):.2f} ms "
        "through Mangum and FastAPI",
        limit=MOST_OVERHEAD,
        eight=f"{', '.join(ratios)} times as long ({', '.join(names)})",
        bare=bare,
        more=_median(timings["direct"][names[0]], STAGES.index("inference: crop, resize, network, evidence map")) - bare,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.md").write_text(page)
    (folder / "stages.json").write_text(json.dumps(timings, separators=(",", ":")) + "\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3)


if __name__ == "__main__":
    sys.exit(main())
