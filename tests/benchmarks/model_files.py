"""Durations of two model files in turn: `python -m tests.benchmarks.model_files OLD.onnx`.

One image of 600 x 450, decoded and run with one thread, by the released file and by an older one of this repository
(`git show COMMIT:models/lesion.onnx > OLD.onnx`), with one view and with eight. Writes docs/benchmarks/model-files.json and
.md: medians, and their ratio with its interval.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
from lesion.imaging.decode import decode
from lesion.inference.model import Model
from lesion.settings import Settings

from tests.benchmarks.servers import sample_images
from tests.support.paths import REPOSITORY

TIMES = 300
RESAMPLES = 1000
WARM_UP = 10
_PAGE = """# Two model files

{sentence}

Written by `python -m tests.benchmarks.model_files OLD.onnx`: milliseconds for decoding one image of {size} and for the
model file with one thread, medians of {times} runs of each, in turn. The interval of the ratio is that of the medians of
{resamples} resamples of the runs. Every value is in [model-files.json](model-files.json).

| views | {old} | {new} | ratio |
|---|---|---|---|
{rows}
"""


def measure(files: tuple[Model, Model], image: bytes, times: int) -> dict[str, list[list[float]]]:
    """Return milliseconds by number of views: `times` pairs of the first and of the second file."""
    durations: dict[str, list[list[float]]] = {}
    for views in (1, 8):
        pairs = durations.setdefault(str(views), [])
        for turn in range(times + WARM_UP):
            pair = [0.0, 0.0]
            # Each file is first as often as the other.
            for place in (0, 1) if turn % 2 else (1, 0):
                model = files[place]
                started = perf_counter()
                model.run(decode(image, at_least=2 * model.card.input_size).pixels, views=views)
                pair[place] = round(1000 * (perf_counter() - started), 3)
            if turn >= WARM_UP:
                pairs.append(pair)
    return durations


def ratio(pairs: list[list[float]]) -> tuple[float, float, float]:
    """Return the ratio of the medians, second to first, with the bounds of its 95 % interval."""
    values = np.array(pairs)
    draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    first, second = (np.median(values[draws, place], axis=1) for place in (0, 1))
    low, high = np.quantile(second / first, (0.025, 0.975))
    medians = np.median(values, axis=0)
    return float(medians[1] / medians[0]), float(low), float(high)


def write(values: dict[str, Any], folder: Path) -> None:
    """Write model-files.json and .md into `folder`.

    Args:
        values: "versions" of both files, "size" of the image, and "milliseconds" of `measure`.
        folder: of the report.
    """
    old, new = (f"model {version}" for version in values["versions"])
    rows, parts = [], []
    for views, pairs in values["milliseconds"].items():
        value, low, high = ratio(pairs)
        medians = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
        rows.append(f"| {views} | {' | '.join(f'{one:.2f}' for one in medians)} | {value:.3f} ({low:.3f}-{high:.3f}) |")
        parts.append(f"{value:.2f} times as long with {'one view' if views == '1' else 'eight views'}")
    page = _PAGE.format(
        sentence=f"Compared with {old}, {new} takes {' and '.join(parts)}.",
        size=values["size"],
        times=len(next(iter(values["milliseconds"].values()))),
        resamples=RESAMPLES,
        old=old,
        new=new,
        rows="\n".join(rows),
    )
    (folder / "model-files.md").write_text(page)
    (folder / "model-files.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")


def main() -> int:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.model_files", description=__doc__)
    parser.add_argument("old", type=Path, help="an older model file")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    arguments = parser.parse_args()
    files = Model(arguments.old, threads=1), Model(Settings.model, threads=1)
    size, image = next(iter(sample_images().items()))
    milliseconds = measure(files, image, arguments.times)
    write({"versions": [one.card.version for one in files], "size": size, "milliseconds": milliseconds}, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
