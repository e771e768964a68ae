"""Where the time of one request goes, beside the least possible: `python -m tests.bench.stages`.

One event of API Gateway with a photograph in a form, through Mangum and FastAPI, in this process with one thread; then the
everyday way without them. The floor is the fastest JPEG decoder found, and a bare session of ONNX Runtime. All take turns.
Writes docs/stages.json and docs/stages.md.
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

import lesion.api
import lesion.classify
import numpy as np
import onnxruntime
from lesion import direct
from lesion.image import decode
from lesion.model import Model
from lesion.settings import read_settings

from tests.bench.contenders import ENVIRONMENTS, CannotInstall, Contender
from tests.bench.serving import form_event, photographs
from tests.paths import REPOSITORY
from tests.runtime.events import Request, version_2

TIMES = 60
MOST_OVERHEAD = 3.0
"""Milliseconds of a request for the smallest photograph that are neither decoding nor the network."""
DECODERS = Contender(
    "decoders",
    "decoders",
    (("pillow==13.0.0", "simplejpeg==1.9.0", "opencv-python-headless==5.0.0.93", "pyvips[binary]==3.2.0", "numpy==2.4.6"),),
    (),
)

STAGES = (
    "event to request (Mangum, FastAPI)",
    "form",
    "to a thread",
    "decode",
    "network, its crop and resize, map",
    "decision, answer",
    "JSON",
    "response to event, log line",
)

_PAGE = """# Where the time of one request goes

Written by `python -m tests.bench.stages`: medians of {times} requests in milliseconds, one thread, in turn. An API Gateway
event with the photograph in a form; every number is in [stages.json](stages.json).

{stages}

Without the web framework, as a new environment answers its first photographs (`lesion.direct`): {direct}.

## The floor

{floor}

Besides decoding and the network, a request for the {small} photograph takes {overhead:.2f} ms; at most {limit} is wanted.
The network's time is that of a bare session of ONNX Runtime with the same pixels ({bare:.1f} ms) {more:+.1f} ms.
"""

Marks = list[tuple[str, float]]


def main() -> int:
    """Measure, write the report; 1 where the overhead is above its limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stages", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs")
    arguments = parser.parse_args()
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    found = measure(arguments.times)
    try:
        DECODERS.install()
        found["decoders"] = _decoders()
    except CannotInstall as error:
        print(f"Other decoders are not measured: {error}", file=sys.stderr)
    write(found, arguments.times, arguments.out)
    small = next(iter(found["stages"]))
    return int(_overhead(found, small) > MOST_OVERHEAD)


def measure(times: int) -> dict[str, Any]:
    """Milliseconds by photograph: of every stage, of the whole without the framework, of a bare session."""
    # Loaded with the measurement: it takes its settings from the environment.
    from lesion.handler import handler

    settings = read_settings()
    model = Model(settings.model, threads=1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(settings.model), options, providers=["CPUExecutionProvider"])
    names = ["probability", "logit", "classes", "evidence", "distance", "spread", "quality"]
    photos = photographs()
    pixels = {name: decode(data, at_least=2 * model.card.input_size).pixels[np.newaxis] for name, data in photos.items()}
    events = {name: form_event(data) for name, data in photos.items()}
    # Loads the web framework, which then answers everything.
    handler(version_2(Request("GET", "/api/config", [("host", "localhost")], b"", "192.0.2.1")), None)
    found: dict[str, Any] = {kind: {name: [] for name in photos} for kind in ("stages", "direct", "bare")}
    for turn in range(times + 5):
        for name, event in events.items():
            with marked() as marks:
                started = perf_counter()
                answer = handler(event, None)
                ended = perf_counter()
            assert answer["statusCode"] == 200
            whole = _timed(partial(direct.answer, event, model, settings))
            bare = _timed(partial(session.run, names, {"image": pixels[name]}))
            if turn >= 5:
                found["stages"][name].append(_between(started, marks, ended))
                found["direct"][name].append(whole)
                found["bare"][name].append(bare)
    return found


def _timed(call: Callable[[], Any]) -> float:
    started = perf_counter()
    call()
    return 1000 * (perf_counter() - started)


@contextmanager
def marked() -> Iterator[Marks]:
    """Note when each stage begins and ends; the functions themselves stay as they are."""
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
        for owner, name in (
            (lesion.api, "read_upload"),
            (lesion.api, "classify"),
            (lesion.classify, "decode"),
            (Model, "run"),
            (lesion.api, "encode"),
        ):
            stack.enter_context(wrap(owner, name))
        yield marks


def _between(started: float, marks: Marks, ended: float) -> list[float]:
    """Milliseconds of each of `STAGES`."""
    at = dict(marks)
    pairs = (
        (started, at["read_upload begins"]),
        (at["read_upload begins"], at["read_upload ends"]),
        (at["read_upload ends"], at["classify begins"]),
        (at["decode begins"], at["decode ends"]),
        (at["run begins"], at["run ends"]),
    )
    spent = [1000 * (end - begin) for begin, end in pairs]
    judged = 1000 * (at["classify ends"] - at["classify begins"])
    spent.append(judged - spent[3] - spent[4])
    spent.append(1000 * (at["encode ends"] - at["encode begins"]))
    spent.append(1000 * (ended - started) - sum(spent))
    return spent


def _decoders() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (name, data) in enumerate(photographs().items()):
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


def _overhead(found: dict[str, Any], name: str) -> float:
    decoding, network = STAGES.index("decode"), 4
    stages: list[list[float]] = found["stages"][name]
    return statistics.median(sum(spent) - spent[decoding] - spent[network] for spent in stages)


def write(found: dict[str, Any], times: int, folder: Path) -> None:
    """Write stages.json and stages.md into `folder`."""
    names = list(found["stages"])
    rows = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for number, stage in enumerate(STAGES):
        cells = (f"{_median(found['stages'][name], number):.2f}" for name in names)
        rows.append(f"| {stage} | {' | '.join(cells)} |")
    wholes = (statistics.median(sum(spent) for spent in found["stages"][name]) for name in names)
    rows.append(f"| **whole** | {' | '.join(f'**{whole:.2f}**' for whole in wholes)} |")
    floor = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    decoders = found.get("decoders", {})
    for decoder in next(iter(decoders.values()), {}):
        floor.append(f"| {decoder} | {' | '.join(f'{statistics.median(decoders[name][decoder]):.2f}' for name in names)} |")
    bares = (statistics.median(found["bare"][name]) for name in names)
    floor.append(f"| bare ONNX Runtime | {' | '.join(f'{value:.2f}' for value in bares)} |")
    bare, network = statistics.median(found["bare"][names[0]]), _median(found["stages"][names[0]], 4)
    page = _PAGE.format(
        times=times,
        stages="\n".join(rows),
        direct=", ".join(f"{statistics.median(found['direct'][name]):.1f} ({name})" for name in names),
        floor="\n".join(floor),
        small=names[0],
        overhead=_overhead(found, names[0]),
        limit=MOST_OVERHEAD,
        bare=bare,
        more=network - bare,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.md").write_text(page)
    (folder / "stages.json").write_text(json.dumps(_rounded(found), separators=(",", ":")) + "\n")


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return round(found, 3)


if __name__ == "__main__":
    sys.exit(main())
