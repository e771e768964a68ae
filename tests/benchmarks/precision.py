"""Agreement of OpenVINO with ONNX Runtime on `val`: `python -m tests.benchmarks.precision --data DATA`.

OpenVINO (docs/benchmarks/serving.md) runs the model file's network in kernels of its own. Here it must pass the gate of
`export.commands.precision` for other precisions of the model: the same images, resized by the model file, go through
OpenVINO's network and the file's calibration. Writes docs/benchmarks/precision.md and .json.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
import onnxruntime as ort
from lesion.imaging.decode import Pixels, decode
from lesion.inference.card import IMAGE_TYPES, VIEWS
from lesion.inference.model import Model, Outputs, create_session
from tqdm import tqdm

from export.arrays import Array
from export.data.tables import read_table
from export.evaluation.precision import MAX_AUC_CHANGE, MAX_LOST, compare_precisions
from export.evaluation.predictions import Predictions, predict
from export.evaluation.schema import PrecisionMetrics
from tests.benchmarks.contenders import CONTENDERS, MODEL, Contender
from tests.support.paths import REPOSITORY

PEERS = Path(__file__).parent / "peers"

_PAGE = """# Precision of OpenVINO

The service stays with ONNX Runtime, whose answers do not depend on the CPU; the table shows how OpenVINO's differ on the
{images} images of `val`.

Written by `python -m tests.benchmarks.precision --data DATA` with model {version} on {machine}. OpenVINO has integer kernels
of its own and computes the rest in float32, or in bfloat16 where the CPU supports it; [serving.md](serving.md) has its
latency. Both runtimes receive the same images, resized by the model file, and use its calibration. The gate is that of the
model's own precisions ([docs/training.md](../training.md#numeric-precision)): the AUC changes by at most {limit}, and at
most {most_lost:g} % of the malignant images fall below the threshold, that is none of fewer than {fewer:g}.

| | AUC | change | largest difference of a logit | changed decisions | malignant below the threshold | gate |
|---|---|---|---|---|---|---|
{rows}

Lambda does not let a function choose its CPU, and an image must have one answer, not one per kind of machine. In ONNX
Runtime, the file gives identical answers on every emulated x86-64 processor with AVX2
(`tests/lesion/inference/test_processors.py`). """


@cache
def _part(inputs: tuple[str, ...], output: str) -> ort.InferenceSession:
    """Return a session of the part of the model file between some tensors and one."""
    whole = onnx.shape_inference.infer_shapes(onnx.load(MODEL))
    return create_session(onnx.utils.Extractor(whole).extract_model([*inputs], [output]).SerializeToString())


@cache
def _calibration_inputs() -> tuple[str, ...]:
    """Return the tensors that the calibration reads; files of format 1 have one calibration for all settings."""
    names = {name for node in onnx.load(MODEL).graph.node for name in node.output}
    return tuple(name for name in ("logit", "setting") if name in names)


def logits_of(contender: Contender, images: Sequence[Pixels], bias: float) -> Array:
    """Return the logits (N,) that a peer's OpenVINO computes for `images`.

    Raises:
        RuntimeError: its process ended early.
    """
    contender.install()
    command = [contender.python, PEERS / "openvino_network.py"]
    prepare = _part(("image",), "upright")  # one view: the batch is chosen in a branch, which cannot be extracted
    values: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=contender.variables()) as process:
        assert process.stdin is not None and process.stdout is not None
        for pixels in tqdm(images, contender.name, unit="image", leave=False):
            [batch] = prepare.run(None, {"image": pixels[np.newaxis]})
            process.stdin.write(batch.tobytes())
            process.stdin.flush()
            if not (mean := process.stdout.read(4)):
                raise RuntimeError(f"{contender.name} ended after {len(values)} images.")
            values.append(float(np.frombuffer(mean, np.float32)[0]) + bias)
        process.stdin.close()
    return np.array(values)


def with_logits(original: Predictions, logits: Array) -> Predictions:
    """Return `original` with other logits (N,) and the probabilities that the file's calibration gives them."""
    calibrate = _part(_calibration_inputs(), "probability")

    def one(output: Outputs, logit: float) -> float:
        setting = len(VIEWS) * IMAGE_TYPES.index(output.image_type) + VIEWS.index(output.views)
        feed = {"logit": np.array(logit, np.float32).reshape(_logit_shape()), "setting": np.array(setting, np.int64)}
        [probability] = calibrate.run(None, {name: feed[name] for name in _calibration_inputs()})
        return float(np.asarray(probability).reshape(-1)[0])

    changed = zip(original.outputs, logits, strict=True)
    return Predictions(
        original.rows,
        tuple(replace(output, logit=float(logit), probability=one(output, float(logit))) for output, logit in changed),
    )


def _logit_shape() -> tuple[int, ...]:
    return tuple(1 for _ in _part(_calibration_inputs(), "probability").get_inputs()[0].shape)


def page(values: dict[str, Any]) -> str:
    """Return the report as Markdown.

    Args:
        values: `version` of the model, number of `images`, `machine`, and `contenders`: `PrecisionMetrics` by name.
    """
    rows = [
        f"| {name} | {one['auc']:.4f} | {one['auc_change']['value']:+.4f} ({one['auc_change']['low']:+.4f} to "
        f"{one['auc_change']['high']:+.4f}) | {one['largest_logit_difference']:.2g} | {one['flips']} | "
        f"{one['malignant_lost']} | {'passes' if one['passes'] else 'fails'} |"
        for name, one in values["contenders"].items()
    ]
    gate = {"limit": MAX_AUC_CHANGE, "most_lost": 100 * MAX_LOST, "fewer": 1 / MAX_LOST}
    return _PAGE.format(**{**values, **gate, "rows": "\n".join(rows)})


def write(values: dict[str, Any], folder: Path) -> None:
    """Write precision.json and precision.md into `folder`."""
    (folder / "precision.json").write_text(json.dumps(values, indent=1) + "\n")
    (folder / "precision.md").write_text(page(values))


def machine() -> str:
    """Return the name of the CPU, which decides the precision that OpenVINO uses."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields: dict[str, Any] = dict(line.split("\t: ", 1) for line in lines if "\t: " in line)
    return str(fields.get("model name", "an unknown CPU"))


def options() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "benchmarks")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, write and print the report."""
    model = Model(MODEL)
    bias = model.card.bias
    assert bias is not None, "only for networks with the same bias for every image"
    rows = [row for row in read_table(args.data) if row.split == "val"]
    original = predict(model, rows)
    images = [decode(row.path.read_bytes(), at_least=2 * model.card.input_size).pixels for row in rows]
    found: dict[str, PrecisionMetrics] = {}
    for contender in CONTENDERS:
        if contender.folder == "openvino":
            logits = logits_of(contender, images, bias)
            found[contender.name] = compare_precisions(original, with_logits(original, logits), model.card)
    values = {"version": model.card.version, "images": len(rows), "machine": machine(), "contenders": found}
    write(values, args.out)
    print(page(values))


if __name__ == "__main__":
    main(options().parse_args())
