"""Whether a peer's arithmetic gives the same answers: `python -m tests.benchmarks.precision --data DATA`.

OpenVINO (docs/benchmarks.md) runs the model file's network in kernels of its own. Here it has to pass the gate that other
formats of the model's own numbers have to pass (`export.commands.precision`), on `val`: the same pictures, resized by the model file
itself, go through its network and its calibration. Writes docs/precision.md and .json.
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
from lesion.inference.model import Model, create_session
from tqdm import tqdm

from export.data.isic import read_table
from export.evaluation.metrics import Array
from export.evaluation.precision import LARGEST_AUC_CHANGE, Figures, compare
from export.evaluation.predictions import Answers, answer
from tests.benchmarks.contenders import CONTENDERS, MODEL, Contender
from tests.support.paths import REPOSITORY

PEERS = Path(__file__).parent / "peers"

_PAGE = """# The same network in another peer's numbers

OpenVINO has kernels of its own for the network's integers, and calculates what is left in float32 with bfloat16 where the
CPU has it; [benchmarks.md](benchmarks.md) has its times. Its answers here, on the {count} images of `val`, beside those of
the model file in ONNX Runtime: the same pictures, resized by the model file itself, through its network and its calibration.
The gate is that of all formats of the model's numbers ([models/README.md](../models/README.md)): the AUC changes by at most
{limit}, and no malignant image falls below the threshold. Written by `python -m tests.benchmarks.precision --data DATA` on
{machine}.

| | AUC | change | largest difference of a logit | decisions that flip | malignant that fall below | gate |
|---|---|---|---|---|---|---|
{rows}

The service stays with ONNX Runtime whatever passes here. Which CPU it meets is not ours to choose, and a photograph is to
have one answer, not one for each kind of machine: in ONNX Runtime the file answers to the last digit alike on every x86-64
processor with AVX2 that was emulated (`tests/lesion/inference/test_processors.py`).
"""


@cache
def _part(inputs: str, outputs: str) -> ort.InferenceSession:
    """The model file between two tensors."""
    whole = onnx.shape_inference.infer_shapes(onnx.load(MODEL))
    return create_session(onnx.utils.Extractor(whole).extract_model([inputs], [outputs]).SerializeToString())


def logits_of(contender: Contender, pictures: Sequence[Pixels], bias: float) -> Array:
    """What a peer's OpenVINO makes of pictures, (N,).

    Raises:
        RuntimeError: its process ended before it had answered.
    """
    contender.install()
    command = [contender.python, PEERS / "openvino_network.py"]
    prepare = _part("image", "upright")  # one view: the batch is chosen in a branch, which cannot be cut out
    found: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=contender.variables()) as process:
        assert process.stdin is not None and process.stdout is not None
        for picture in tqdm(pictures, contender.name, unit="image", leave=False):
            [batch] = prepare.run(None, {"image": picture[np.newaxis]})
            process.stdin.write(batch.tobytes())
            process.stdin.flush()
            if not (mean := process.stdout.read(4)):
                raise RuntimeError(f"{contender.name} ended after {len(found)} pictures.")
            found.append(float(np.frombuffer(mean, np.float32)[0]) + bias)
        process.stdin.close()
    return np.array(found)


def with_logits(original: Answers, logits: Array) -> Answers:
    """The answers that the model file's calibration makes of other logits (N,)."""
    calibrate = _part("logit", "probability")

    def one(logit: float) -> float:
        [probability] = calibrate.run(None, {"logit": np.array(logit, np.float32).reshape(_logit_shape())})
        return float(np.asarray(probability).reshape(-1)[0])

    changed = zip(original.outputs, logits, strict=True)
    return Answers(
        original.rows,
        tuple(replace(output, logit=float(logit), probability=one(float(logit))) for output, logit in changed),
    )


def _logit_shape() -> tuple[int, ...]:
    return tuple(1 for _ in _part("logit", "probability").get_inputs()[0].shape)


def page(found: dict[str, Figures], count: int, machine: str) -> str:
    """The figures as Markdown."""
    rows = [
        f"| {name} | {one['auc']:.4f} | {one['auc_change']['value']:+.4f} ({one['auc_change']['low']:+.4f} to "
        f"{one['auc_change']['high']:+.4f}) | {one['largest_logit_difference']:.2g} | {one['flips']} | "
        f"{one['malignant_lost']} | {'passes' if one['passes'] else 'fails'} |"
        for name, one in found.items()
    ]
    return _PAGE.format(rows="\n".join(rows), count=count, limit=LARGEST_AUC_CHANGE, machine=machine)


def machine() -> str:
    """The CPU, since it decides which numbers OpenVINO takes."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields: dict[str, Any] = dict(line.split("\t: ", 1) for line in lines if "\t: " in line)
    return str(fields.get("model name", "an unknown CPU"))


def options() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, write, print."""
    model = Model(MODEL)
    bias = model.card.bias
    assert bias is not None, "only for networks whose bias is the same for every image"
    rows = [row for row in read_table(args.data) if row.split == "val"]
    original = answer(model, rows)
    pictures = [decode(row.path.read_bytes(), at_least=2 * model.card.input_size).pixels for row in rows]
    found: dict[str, Figures] = {}
    for contender in CONTENDERS:
        if contender.folder == "openvino":
            logits = logits_of(contender, pictures, bias)
            found[contender.name] = compare(original, with_logits(original, logits), model.card.threshold)
    (args.out / "precision.json").write_text(json.dumps(found, indent=1) + "\n")
    text = page(found, len(rows), machine())
    (args.out / "precision.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(options().parse_args())
