"""Every figure of the model card once more, from the images and the model file; fails where the card says otherwise.

    python -m export reproduce --data DATA --strangers PHONES OBJECTS --copies COPIES --checkpoint CHECKPOINT

Prints what each report prints, then what differs: in models/metrics.json, in the figures that the model file carries, in
models/README.md. Parity with PyTorch and other formats need the checkpoint as well. Nothing is written.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from lesion.inference.model import Model

from export.checkpoints.options import add_reader_options, reader_options
from export.checkpoints.reader import read_checkpoints
from export.commands import evaluate, faithfulness, leave_dataset_out, precision, robustness
from export.commands.convert import fit_numbers, load, parity, parity_rows
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.evaluation.predictions import predict
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.reporting.model_card import render_card
from export.reporting.readme_table import BEGIN, render_results

Figures = dict[str, Any]

TOLERANCE = 0.002
"""Largest difference between two figures that is rounding. Another processor adds up in another order, and one image whose
decision that changes moves a share of a thousand images by 0.001."""

NEED_CHECKPOINT = ("parity", "formats")


def differences(said: Any, found: Any, name: str = "") -> Iterator[str]:
    """Where two nested sets of figures differ, one sentence each; numbers may differ by `TOLERANCE`, timings do."""
    if isinstance(said, dict) and isinstance(found, dict):
        for key in sorted((said.keys() | found.keys()) - {"milliseconds"}):
            yield from differences(said.get(key), found.get(key), f"{name}/{key}" if name else key)
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for place, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from differences(one, other, f"{name}/{place}")
    elif _is_number(said) and _is_number(found):
        if not abs(said - found) <= TOLERANCE * max(1.0, abs(said)):
            yield f"{name}: said to be {said:g}, found {found:g}"
    elif said != found:
        yield f"{name}: said to be {said}, found {found}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def recompute(args: argparse.Namespace, model: Model, rows: list[LabelledImage]) -> Figures:
    """The parts of metrics.json anew, from the images."""
    # First, so that what it lacks is not said after an hour.
    told = reader_options(args, model.card.input_size)
    network = read_checkpoints(args.checkpoint, told).network if args.checkpoint is not None else None
    val, test = (select_split(rows, split) for split in ("val", "test"))
    reports, answers = evaluate.evaluate(model, rows, ("val", "test"), folders=args.strangers)
    fitted = fit_numbers(answers["val"], predict(model, val, views=8))
    found: Figures = {**reports, "fitted": fitted.metadata()}
    found["stress"] = robustness.stress(model, test, args.copies)
    robustness.show(found["stress"])
    found["evidence"] = faithfulness.faithful(args.model, test)
    faithfulness.show(found["evidence"])
    found["unseen_cameras"] = leave_dataset_out.left_out(onnx.load(args.model), rows)
    leave_dataset_out.show(found["unseen_cameras"])
    if network is not None:
        core = export_network(NetworkCore(network))
        full = load(restore_float32_network(onnx.load(args.model), core).SerializeToString())
        found["parity"] = parity(full, network, parity_rows(val), fitted.calibration)
        found["formats"] = precision.formats(args.model, core, rows)
        precision.show(found["formats"])
    return found


def contradictions(path: Path, found: Figures) -> list[str]:
    """What the model file at `path`, and metrics.json and README.md beside it, say otherwise than `found`."""
    found = json.loads(json.dumps(found))
    model = Model(path)
    said = json.loads((path.parent / "metrics.json").read_text())
    left_out = {key for key in NEED_CHECKPOINT if key not in found}
    checked = {key: value for key, value in said.items() if key not in {"version", "sha256", *left_out}}
    wrong = [f"metrics.json: {line}" for line in differences(checked, found)]
    wrong += [f"metrics.json: {line}" for line in differences(said["sha256"], model.sha256, "sha256")]
    carried = {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}
    figures = carried.pop("metrics")
    carried = {key: carried.get(key) for key in found["fitted"]}
    wrong += [f"{path.name}: {line}" for line in differences(figures, {key: found.get(key) for key in figures}, "metrics")]
    wrong += [f"{path.name}: {line}" for line in differences(carried, found["fitted"])]
    return wrong + stale_pages(path, said)


def stale_pages(path: Path, said: Figures) -> list[str]:
    """Which pages about the model file at `path` are not what its metrics.json makes of them."""
    model, stale = Model(path), []
    if (path.parent / "README.md").read_text() != render_card(model, said):
        stale.append("models/README.md: is not what metrics.json and the model file make of it; `make export` writes it")
    readme = path.parent.parent / "README.md"
    text = readme.read_text() if readme.is_file() else ""
    if BEGIN in text and render_results(model, path.stat().st_size, said) not in text:
        stale.append("README.md: its figures are not those of metrics.json; `make export` writes them")
    return stale


def count(figures: Any) -> int:
    """How many numbers there are in nested figures."""
    if isinstance(figures, dict):
        return sum(count(value) for value in figures.values())
    return sum(count(value) for value in figures) if isinstance(figures, list) else int(_is_number(figures))


def options() -> argparse.ArgumentParser:
    """The options of `python -m export reproduce`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--model", type=Path, default=Path("models/lesion.onnx"))
    parser.add_argument("--strangers", type=Path, nargs="+", default=[], help="folders of pictures that are no dermoscopy")
    parser.add_argument("--copies", type=Path, help="folder with other copies of the same photographs")
    parser.add_argument("--checkpoint", type=Path, nargs="+", help="what the model file was made of")
    add_reader_options(parser)
    return parser


def main(args: argparse.Namespace) -> int:
    """Run `python -m export reproduce`; 1 where something differs."""
    model = Model(args.model)
    found = recompute(args, model, read_table(args.data))
    wrong = contradictions(args.model, found)
    missing = [key for key in NEED_CHECKPOINT if key not in found]
    print(f"\n{count(found)} figures computed anew, {len(wrong)} contradictions", end="")
    print(f"; not without --checkpoint: {', '.join(missing)}" if missing else "")
    for line in wrong:
        print(f"- {line}")
    return 1 if wrong else 0
