"""Checkpoint -> models/lesion.onnx, calibrated on `val`, with parity checked before it is written.

    python -m export convert runs/lite0/checkpoint.pt --data DATA --version 1.0.0
    python -m export convert runs/a/checkpoint.pt runs/b/checkpoint.pt --data DATA   both as one, by the mean of their logits
    python -m export convert export.pkl --data DATA                                  fastai, v1 or v2
    python -m export convert weights.pth --data DATA --arch regnet_y_400mf --classes nevus melanoma

The graph is built twice: first with plain numbers, to see what it answers to `val`, then with what was fitted on these
answers. Nothing is written unless the second one agrees with PyTorch on real images, in float32. The network's numbers are
then int8, float16 or float32: the first of these that passes the gate of `export.commands.precision`.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from lesion.inference.card import RefusalRule
from lesion.inference.model import Model

from export.checkpoints.options import add_reader_options, reader_options
from export.checkpoints.reader import Checkpoint, read_checkpoints
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.data.splits import select_split
from export.data.transforms import crop_square, read_pixels, resize
from export.errors import ClassesError, ParityError
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.metrics import auc
from export.evaluation.ood import extract_features, fit_ood_statistics, sample_per_dataset
from export.evaluation.precision import compare_precisions
from export.evaluation.predictions import Predictions, predict
from export.evaluation.thresholds import TARGET_COVERAGE, operating_threshold, prediction_set_limits, refusal_rules
from export.graph.assemble import NetworkCore, OodStatistics, assemble, export_network
from export.graph.calibration import Calibration, Platt, cross_validated_log_losses, select_calibration
from export.graph.metadata import write_metadata
from export.graph.quantize import calibration_images, quantise_network
from export.graph.weight_storage import replace_network, store_as_float16
from export.nn.network import Network, Normalise
from export.reporting.writer import check_model_folder

NON_COMMERCIAL = "CC BY-NC 4.0: non-commercial, because most of the training images are"

PARITY_IMAGES = 64
PARITY_LIMIT = 1e-3
"""Largest |logit difference| to PyTorch that is still rounding: 32-bit sums in another order."""

SCORE_ROUNDING = 1e-4
"""Largest difference of probabilities that is no change of decision."""


Storage = Callable[[onnx.ModelProto], onnx.ModelProto]
"""Makes of a model file one whose network has other numbers."""


@dataclass(frozen=True)
class Fitted:
    """The numbers that `val` chose."""

    calibration: Calibration
    log_losses: dict[str, float]
    threshold: float
    set_limits: dict[str, float]
    refusal: tuple[RefusalRule, ...]

    def metadata(self) -> dict[str, Any]:
        """As JSON values under the keys that `lesion.inference.card.read_card` reads."""
        return {
            "calibration": {**self.calibration.metadata(), "cross_validated_log_loss": self.log_losses},
            "threshold": self.threshold,
            "prediction_sets": {"coverage": TARGET_COVERAGE, **self.set_limits},
            "refusal": [{key: value for key, value in asdict(rule).items() if value is not None} for rule in self.refusal],
        }


PLAIN = Fitted(Platt(), {}, 0.5, {"malignant": 0.5, "benign": 0.5}, ())


def as_it_is(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network's numbers in float32."""
    return model


def describe(checkpoint: Checkpoint, version: str, rows: list[LabelledImage]) -> dict[str, Any]:
    """The metadata that follow from the checkpoint and its data."""
    spec, bias = checkpoint.network.spec, checkpoint.network.constant_bias
    datasets = {name: sum(row.dataset == name for row in rows) for name in sorted({row.dataset for row in rows})}
    return {
        "version": version,
        "architecture": spec.arch,
        "input_size": spec.size,
        "classes": [
            {"code": code, "name": code.replace("_", " ").capitalize(), "malignant": malignant}
            for code, malignant in zip(spec.classes, spec.malignant, strict=True)
        ],
        # Without this key, the graph has an output of the name.
        **({} if bias is None else {"bias": round(bias, 8)}),
        # What other people trained on is not known: only `distance` is fitted on these images.
        "training": {**checkpoint.provenance, "datasets" if checkpoint.trained_here else "distance_fitted_on": datasets},
        "licence": licence(rows) if checkpoint.trained_here else "that of the checkpoint, which its author knows",
        "intended_use": "Research and teaching: one dermoscopic photograph of one skin lesion, centred.",
        "limits_of_use": [
            "Not a medical device and not approved by any authority.",
            "Not tested on brown or black skin: nearly all training and test images show Fitzpatrick types I to III.",
            "Made for dermoscopic images; photographs by phone alone are another domain.",
            "Not for mucosa, nails, scalp under hair, wounds, or more than one lesion at once.",
            "It knows only the diagnoses listed; anything else is forced into one of them or refused.",
        ],
    }


def licence(rows: list[LabelledImage]) -> str:
    """Of weights trained on these images, by what the table says of theirs."""
    licences = sorted({row.licence for row in rows})
    if any("NC" in name for name in licences):
        return NON_COMMERCIAL
    return f"that of the training images ({', '.join(licences)})" if all(licences) else "not said by the training images"


def build(
    core: onnx.ModelProto,
    network: Network,
    familiarity: OodStatistics,
    fitted: Fitted,
    about: dict[str, Any],
    *,
    stored: Storage = as_it_is,
) -> bytes:
    """The whole model file as bytes, the network's numbers in float32 or as `stored` has them."""
    model = stored(assemble(core, network, fitted.calibration, familiarity))
    model.producer_name = "skin-lesion-classifier"
    write_metadata(model, about | fitted.metadata())
    return bytes(model.SerializeToString(deterministic=True))


def load(data: bytes) -> Model:
    """Load a model file that is not on disk yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesion.onnx"
        path.write_bytes(data)
        return Model(path)


def fit_numbers(one: Predictions, eight: Predictions) -> Fitted:
    """Choose every number that `val` chooses, from its answers with one view and with eight.

    Raises:
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: too few lesions.
    """
    logit = one.scalar("logit")
    order = bootstrap_interval(lambda weights: auc(logit, one.malignant, weights), one.groups)
    if order.high < 0.5:
        raise ClassesError(
            f"On `val`, malignant images score lower than benign ones (AUC {order}). Are the classes in the order of the "
            "network's outputs, and the right ones malignant? See --classes and --malignant."
        )
    losses = cross_validated_log_losses(logit, one.malignant, one.groups)
    calibration = select_calibration(logit, one.malignant, losses)
    score = calibration.apply(logit)
    return Fitted(
        calibration,
        losses,
        operating_threshold(score, one),
        prediction_set_limits(score, one.malignant),
        refusal_rules(one, eight),
    )


def parity_rows(rows: list[LabelledImage]) -> list[LabelledImage]:
    """`PARITY_IMAGES` of the images, spread over all."""
    return [rows[index] for index in np.linspace(0, len(rows) - 1, PARITY_IMAGES).astype(int)]


@torch.inference_mode()
def parity(model: Model, network: Network, rows: list[LabelledImage], calibration: Calibration) -> dict[str, float | int]:
    """Compare the model file with PyTorch on real images.

    PyTorch gets the same decoded pixels through training's own crop and resize.

    Raises:
        ParityError: a logit differs by more than `PARITY_LIMIT`, a decision differs, or the evidence does not add up.
    """
    spec, normalise = network.spec, Normalise(network.spec)
    logit_gap = evidence_gap = 0.0
    changed = 0
    for row in rows:
        pixels = read_pixels(row.path, at_least=2 * spec.size)
        square = torch.from_numpy(np.ascontiguousarray(crop_square(pixels).transpose(2, 0, 1)))[None].float()
        expected = float(network(normalise(resize(square, spec.size)))[0])
        outputs = model.run(pixels)
        logit_gap = max(logit_gap, abs(outputs.logit - expected))
        evidence_gap = max(evidence_gap, abs(float(outputs.evidence.mean()) + outputs.bias - outputs.logit))
        score = float(calibration.apply(np.array(expected)))
        other_side = (score >= model.card.threshold) != (outputs.probability >= model.card.threshold)
        # The threshold is the score of an image of `val`: which side that one is on is rounding.
        changed += other_side and abs(score - outputs.probability) > SCORE_ROUNDING
    found = {
        "images": len(rows),
        "max_logit_difference": logit_gap,
        "max_evidence_gap": evidence_gap,
        "changed_decisions": changed,
    }
    if logit_gap > PARITY_LIMIT or evidence_gap > PARITY_LIMIT or changed:
        raise ParityError(f"The graph does not answer what PyTorch does, so nothing was written: {found}")
    return found


def options() -> argparse.ArgumentParser:
    """The options of `python -m export convert`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+", help="of `python -m export train`, fastai, timm or torchvision")
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images; `val` is fitted on")
    parser.add_argument("--out", type=Path, default=Path("models/lesion.onnx"))
    parser.add_argument(
        "--numbers", choices=("int8", "float16", "float32"), default="int8", help="of the network, to try first"
    )
    parser.add_argument("--version", default="1.0.0", help="of the model, shown with every answer")
    add_reader_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export convert`."""
    checkpoint = read_checkpoints(args.checkpoint, reader_options(args))
    network = checkpoint.network
    check_model_folder(args.out)
    rows = read_table(args.data)
    train, val = (select_split(rows, split) for split in ("train", "val"))
    core = NetworkCore(network)
    exported, unknown = export_network(core), OodStatistics.placeholder(core.features)
    bare = assemble(exported, network, PLAIN.calibration, unknown)
    about = describe(checkpoint, args.version, train)

    ways: dict[str, Callable[[], Storage]] = {
        "int8": lambda: partial(replace_network, donor=quantise_network(bare, calibration_images(train, network.spec.size))),
        "float16": lambda: store_as_float16,
        "float32": lambda: as_it_is,
    }
    for numbers in list(ways)[list(ways).index(args.numbers) :]:
        about["numbers"] = numbers
        stored = ways[numbers]()
        familiarity = fit_ood_statistics(extract_features(stored(bare), sample_per_dataset(train)))
        plain = load(build(exported, network, familiarity, PLAIN, about, stored=stored))
        fitted = fit_numbers(predict(plain, val), predict(plain, val, views=8))
        full, data = (build(exported, network, familiarity, fitted, about, stored=way) for way in (as_it_is, stored))
        rounding = compare_precisions(predict(load(full), val), predict(load(data), val), fitted.threshold)
        print(f"{numbers}: {rounding}")
        if rounding["passes"]:
            break
    agreement = parity(load(full), network, parity_rows(val), fitted.calibration)

    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".part").write_bytes(data)
    args.out.with_suffix(".part").replace(args.out)
    summary = {"parity": agreement, "fitted": fitted.metadata()}
    (args.out.parent / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))
    print(f"{args.out}: {len(data) / 1e6:.1f} MB")
