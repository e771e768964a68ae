"""The benchmarks' reports, on figures that can be checked by hand."""

import asyncio
import json
import math
import os
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.model import Model

from export.data.labels import LabelledImage
from export.evaluation.precision import compare_precisions
from export.evaluation.predictions import predict
from infra.dev.cost import EIGHT_VIEWS_MS, PredictionLoad
from tests.benchmarks import batch, load, memory, model_files, precision, stages
from tests.benchmarks.contenders import CONTENDERS, EIGHT_VIEWS, INSIDE, MODEL, OLD, ONE_VIEW
from tests.benchmarks.reports import private_mode
from tests.benchmarks.reports import serving as serving_report
from tests.benchmarks.servers import form_event
from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.site.private_mode import difference


def measured(name: str, scale: float, **other: Any) -> dict[str, Any]:
    times = {"600 x 450": [scale, 2 * scale, 3 * scale], "1024 x 768": [4 * scale] * 3}
    return {
        "name": name, "network": "", "milliseconds": times, "starts": [scale, 3 * scale, 2 * scale], "peak": 150_000_000,
        "installed": 90_000_000, "graphics": 10_000_000, "throughput": {1: 100.0, 2: 190.0}, "missing": "", **other,
    }  # fmt: skip


def test_serving_report_compares_medians(tmp_path: Path) -> None:
    """Other servers are compared with this project in process."""
    gone = measured("A peer", 1, milliseconds={}, starts=[], throughput={}, missing="no wheel for this Python")
    serving_report.write([measured(OLD, 170), measured(INSIDE, 10), gone], tmp_path)
    page = (tmp_path / "serving.md").read_text()
    assert f"| {OLD} | 340.0, " in page and "(17.0) | 680.0, 680.0 (17.0) |" in page
    assert f"| {INSIDE} | 20.00 (10.00-30.00) | 150 | 90 | 80 |" in page
    assert "| 100 (1.00) | 190 (0.95) |" in page
    assert "- A peer: no wheel for this Python" in page
    assert len(json.loads((tmp_path / "serving.json").read_text())) == 3
    assert (tmp_path / "serving.png").stat().st_size > 1000


def test_contenders_have_names_and_pinned_packages() -> None:
    assert len({one.name for one in CONTENDERS}) == len(CONTENDERS)
    for one in CONTENDERS:
        for group in one.requirements:
            assert group[0] == "-r" or all("==" in package for package in group)


def test_stages_add_up_to_the_request(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        timings = stages.measure(1)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        # Others load it with settings of their own.
        sys.modules.pop("lesion.handler", None)
    for way in stages.WAYS:
        for name, [spent] in timings[way].items():
            assert len(spent) == len(stages.STAGES) and min(spent) >= 0
            # The network is in it, which also ran by itself.
            assert sum(spent) > timings["bare"][name][0] / 4
    stages.write(timings, 1, tmp_path)
    page = (tmp_path / "stages.md").read_text()
    assert all(title in page for title in stages.WAYS.values()) and "ms through Mangum and FastAPI" in page
    assert re.search(r"With eight views the whole request takes \d+\.\d, \d+\.\d, \d+\.\d times as long \(600 x 450, ", page)


def test_events_ask_for_their_number_of_views() -> None:
    one, eight = (form_event(b"image", target=target) for target in (ONE_VIEW, EIGHT_VIEWS))
    assert "queryStringParameters" not in one
    assert eight["rawPath"] == "/api/classify" and eight["queryStringParameters"] == {"views": "8"}


def test_memory_report_computes_cost_from_duration(tmp_path: Path) -> None:
    """The cost is the billed duration times the memory in gigabytes, plus the request."""
    assert memory.dollars(20.2, 1024) == pytest.approx(1e6 * (0.021 * 0.0000166667 + 0.2e-6))
    durations = {
        512: {"small": [60.0] * 3, "large": [400.0] * 3, memory.IN_EIGHT_VIEWS: [600.0] * 3},
        1769: {"small": [16.0] * 3, "large": [90.0] * 3, memory.IN_EIGHT_VIEWS: [80.0] * 3},
    }
    memory.write(durations, tmp_path)
    page = (tmp_path / "memory-size.md").read_text()
    assert "| 512 | 60 (60) | 400 (400) | 600 (600) | 0.70 | 3.53 | 5.20 |" in page
    assert "With one view, 1769 MB is the cheapest memory size of the function, and 1769 MB is the fastest" in page
    assert "With eight views, 1769 MB is the cheapest, and 1769 MB the fastest." in page


def test_costs_are_computed_with_the_measured_durations() -> None:
    """Lambda bills whole milliseconds, rounded up."""
    measured = json.loads((REPOSITORY / "docs" / "benchmarks" / "memory-size.json").read_text())
    durations = measured[str(PredictionLoad().memory_mb)]
    assert PredictionLoad().ms == math.ceil(statistics.median(durations["1024 x 768"]))
    assert math.ceil(statistics.median(durations[memory.IN_EIGHT_VIEWS])) == EIGHT_VIEWS_MS
    starts = json.loads((REPOSITORY / "docs" / "benchmarks" / "cold-start.json").read_text())
    first = [one for one in starts if (one["kind"], one["memory"]) == ("classification", PredictionLoad().memory_mb)]
    seconds = statistics.median(one["answered"] for one in first)
    assert PredictionLoad().init_ms == round(1000 * seconds, -1)


def test_model_files_are_compared_by_their_medians(tmp_path: Path) -> None:
    """A file that always takes a fifth longer has that ratio, and an interval around it."""
    pairs = [[10.0 + turn, 1.2 * (10.0 + turn)] for turn in range(9)]
    values = {"versions": ["1.7.0", "2.0.0"], "size": "600 x 450", "milliseconds": {"1": pairs, "8": [[80.0, 80.0]] * 9}}
    model_files.write(values, tmp_path)
    page = (tmp_path / "model-files.md").read_text()
    assert "| 1 | 14.00 | 16.80 | 1.200 (" in page and "| 8 | 80.00 | 80.00 | 1.000 (1.000-1.000) |" in page
    assert "model 2.0.0 takes 1.20 times as long with one view and 1.00 times as long with eight views." in page
    assert json.loads((tmp_path / "model-files.json").read_text()) == values


def test_growth_is_that_of_the_largest_increase() -> None:
    flat, grown = [100] * 40, [100] * 10 + [110] * 30
    assert load.growth([flat, flat]) == 0
    assert load.growth([flat, grown]) == pytest.approx(0.1)


FAR = 100.0
"""Beyond the threshold from any logit, whatever the scale of the model's logits."""


def test_precision_gate_fails_on_lost_malignant_images() -> None:
    """Equal logits pass; logits that move malignant images below the threshold fail."""
    samples = json.loads((SAMPLES / "samples.json").read_text())
    rows = [
        LabelledImage(one["id"], SAMPLES / f"{one['id']}.jpg", one["malignant"], one["diagnosis"], "", one["id"], "val")
        for one in samples
    ]
    model = Model(MODEL)
    original = predict(model, rows)
    logits = original.scalar("logit")
    same, lower = (precision.with_logits(original, values) for values in (logits, logits - FAR))
    assert same.scalar("probability") == pytest.approx(original.scalar("probability"), abs=1e-6)
    results = {
        "same": compare_precisions(original, same, model.card),
        "lower": compare_precisions(original, lower, model.card),
    }
    lost = int((original.malignant & original.above_threshold(model.card)).sum())
    assert (
        lost
        and results["lower"]["malignant_lost"] == lost
        and results["lower"]["largest_logit_difference"] == pytest.approx(FAR)
    )
    values = {"version": "1.2.3", "images": len(rows), "machine": "a machine", "contenders": results}
    text = precision.page(values).splitlines()
    assert any("with model 1.2.3 on a machine" in line for line in text)
    assert any(line.startswith("| same |") and "| 0 | 0 | passes |" in line for line in text)
    assert any(line.startswith("| lower |") and line.endswith(f"| {lost} | fails |") for line in text)


def test_committed_pages_are_rendered_from_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose template or figures were edited by hand would differ from what its benchmark writes."""
    folder = REPOSITORY / "docs" / "benchmarks"
    names = ("batch", "load", "memory-size", "model-files", "precision", "stages")
    values = {name: json.loads((folder / f"{name}.json").read_text()) for name in names}
    # As on the machine that measured; the file of the load has no number of cores.
    monkeypatch.setattr(os, "cpu_count", lambda: values["batch"]["cores"])
    batch.write({name: value for name, value in values["batch"].items() if name != "million"}, tmp_path)
    load.write(values["load"], tmp_path)
    precision.write(values["precision"], tmp_path)
    memory.write({int(size): spent for size, spent in values["memory-size"].items()}, tmp_path)
    stages.write(values["stages"], stages.TIMES, tmp_path)
    model_files.write(values["model-files"], tmp_path)
    for name in values:
        assert (tmp_path / f"{name}.md").read_text() == (folder / f"{name}.md").read_text()
        assert (tmp_path / f"{name}.json").read_text() == (folder / f"{name}.json").read_text()


def private_answer(probability: float, side: str, refusal: str | None = None) -> dict[str, Any]:
    prediction = {"malignant_probability": probability, "decision": f"{side}_threshold", "prediction_set": ["benign"]}
    return {
        "status": "refused" if refusal else "ok",
        "refusal": refusal and {"code": refusal},
        "prediction": None if refusal else prediction,
        "image": {"type": "dermoscopic", "type_probability": None},
    }


def test_private_mode_report_excuses_only_limits() -> None:
    """A decision may differ next to its limit; a refusal and a larger gap are reported as unexcused."""
    card = Model(MODEL).card
    threshold = card.default_point.threshold
    answers = (
        (private_answer(threshold + 0.01, "above"), private_answer(threshold - 0.01, "below")),
        (private_answer(0.9, "above"), private_answer(threshold - 0.03, "below")),
        (private_answer(0, "below", "too_dark"), private_answer(threshold, "above")),
        (private_answer(0, "below", "too_dark"), private_answer(0, "below", "too_dark")),
        ("problems.cannot_open", private_answer(0.5, "above")),
        (private_answer(0.5, "above"), private_answer(0.52, "above")),
    )
    rows = [
        private_mode.Row("originals", f"image-{number}", ours, theirs, difference(ours, theirs, card, 1))
        for number, (ours, theirs) in enumerate(answers)
    ]
    page = private_mode.text(rows, card.version, 1, 1, 60)
    assert "2 of 6 images have the same decision" in page
    assert "a probability within 0.0125 of a limit: 1;\ndifferent otherwise: 3." in page
    assert "| originals | 6 | 1 | 4 | 0 | 0.0200 | 0." in page
    # Further limits may be the same number as the threshold.
    row = f"| image-0 | decision | {threshold + 0.01:.4f}, above, benign | {threshold - 0.01:.4f}, below, benign | threshold"
    assert row in page
    assert page.count("| no |") == 3 and "image-3" not in page and "image-5" not in page
