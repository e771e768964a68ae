"""The model file: one ONNX graph from decoded pixels to the answer, run by ONNX Runtime.

Everything about a model, its numbers above all, is read from the file. Another file with the same inputs, outputs and
metadata is another model, and nothing here changes.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lesion.errors import ModelFault, ModelFileError
from lesion.imaging.decode import Pixels

FORMAT = "1"
"""Value of the metadata key `lesion_format` in the files that this code understands."""

_INPUTS = ("image", "views")
_OUTPUTS = ("probability", "logit", "classes", "evidence", "distance", "spread", "quality")


@dataclass(frozen=True)
class DiagnosisClass:
    """One diagnosis that the model tells apart, and whether it counts as malignant."""

    code: str
    name: str
    malignant: bool


@dataclass(frozen=True)
class RefusalRule:
    """Refuse with `code` where `measure` is below or above a limit.

    `measure` names a scalar of `Outputs`: sharpness, brightness, size, distance or spread.
    """

    code: str
    measure: str
    below: float | None = None
    above: float | None = None


@dataclass(frozen=True)
class Card:
    """What the model file says of itself.

    Attributes:
        version: of the model, not of the code.
        architecture: the network's name in timm.
        input_size: side in pixels of the square that the network sees.
        classes: diagnoses, in the order of the output `classes`.
        bias: what the evidence map's mean lacks to the logit; None where the graph has an output `bias`.
        threshold: calibrated probability from which the decision is "above_threshold".
        coverage: of the prediction sets, per class.
        set_limits: "malignant" and "benign" -> probability of that side from which it joins the prediction set.
        refusal: rules in order of precedence.
        about: everything else, as JSON values: training, metrics, licence, intended use, limits.
    """

    version: str
    architecture: str
    input_size: int
    classes: tuple[DiagnosisClass, ...]
    bias: float | None
    threshold: float
    coverage: float
    set_limits: dict[str, float]
    refusal: tuple[RefusalRule, ...]
    about: dict[str, Any]


@dataclass(frozen=True)
class Outputs:
    """One answer of the graph, every number a plain float (see `plain`).

    Attributes:
        probability: calibrated probability of malignancy, 0..1.
        logit: malignant against benign before calibration; `evidence.mean() + bias`.
        classes: float32 (C,), probabilities of the diagnoses, sum 1.
        evidence: float32 (rows, columns), signed.
        bias: see `logit`.
        distance: how far from the training images.
        spread: standard deviation of the logit between views; 0 with one view.
        sharpness, brightness, size: of the square that the network sees; size in units of its side.
    """

    probability: float
    logit: float
    classes: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.float32]
    bias: float
    distance: float
    spread: float
    sharpness: float
    brightness: float
    size: float


def session(data: bytes, threads: int = 1) -> ort.InferenceSession:
    """A graph in memory, run as the service runs it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Model:
    """A loaded model file. `run` may be called from several threads at once."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load `path`.

        Args:
            path: the ONNX file.
            threads: how many threads one run may use.

        Raises:
            ModelFileError: the file is missing, is not ONNX, or was not written by `export.commands.convert`.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"The model file {path} cannot be read. Put a model there, or set LESION_MODEL to where it is."
            ) from error
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            self._session = session(data, threads)
        except Exception as error:
            # ONNX Runtime's exceptions share no base class of their own.
            raise ModelFileError(
                f"{path} is not a complete ONNX file. Copy it again, or make it anew with `make export`."
            ) from error
        self.card = read_card(self._session.get_modelmeta().custom_metadata_map, str(path))
        self._names = [*_OUTPUTS, "bias"] if self.card.bias is None else list(_OUTPUTS)
        self._check(str(path))

    def _check(self, source: str) -> None:
        """Find now what would otherwise fail with the first photograph; the trial run also warms the session up."""
        inputs = {item.name for item in (*self._session.get_inputs(), *self._session.get_overridable_initializers())}
        missing = set(_INPUTS) - inputs | set(self._names) - {output.name for output in self._session.get_outputs()}
        missing |= {rule.measure for rule in self.card.refusal} - Outputs.__dataclass_fields__.keys()
        if missing:
            raise ModelFileError(f"{source} lacks {sorted(missing)}. Make it anew with `make export`.")
        side = self.card.input_size
        try:
            trial = self.run(np.full((side, side, 3), 128, np.uint8))
        except Exception as error:
            raise ModelFileError(f"{source} fails on a trial picture ({error}). Make it anew with `make export`.") from error
        if trial.classes.shape != (len(self.card.classes),) or trial.evidence.ndim != 2:
            raise ModelFileError(
                f"{source} gives probabilities of shape {trial.classes.shape} and evidence of shape {trial.evidence.shape} "
                f"for {len(self.card.classes)} classes. Make it anew with `make export`."
            )

    def run(self, pixels: Pixels, *, views: int = 1) -> Outputs:
        """Classify one photograph.

        Args:
            pixels: uint8, H x W x 3, RGB, upright, any H and W.
            views: 1, or 8 to average over flips and quarter turns.

        Raises:
            ModelFault: the answer is not made of numbers.
        """
        feed = {"image": pixels[np.newaxis], "views": np.array(views, np.int64)}
        values = dict(zip(self._names, self._session.run(self._names, feed), strict=True))
        if not all(np.isfinite(values[name]).all() for name in ("probability", "logit", "classes", "evidence")):
            raise ModelFault("The model's answer is not a number.")
        sharpness, brightness, size = (plain(value) for value in values["quality"])
        return Outputs(
            probability=plain(values["probability"]),
            logit=plain(values["logit"]),
            classes=values["classes"],
            evidence=values["evidence"],
            bias=plain(values["bias"]) if self.card.bias is None else self.card.bias,
            distance=plain(values["distance"]),
            spread=plain(values["spread"]),
            sharpness=sharpness,
            brightness=brightness,
            size=size,
        )


def plain(value: np.float32 | npt.NDArray[np.float32]) -> float:
    """The shortest decimal number that is this float32: 0.48, not 0.4799999892711639.

    Nothing is lost, and what is compared with a limit is the number that is shown.
    """
    return float(str(np.float32(value)))


def read_card(metadata: dict[str, str], source: str) -> Card:
    """Read the metadata of a model file; `source` names it in errors.

    Raises:
        ModelFileError: the metadata are not ours, or something that serving needs is missing or malformed.
    """
    if metadata.get("lesion_format") != FORMAT:
        raise ModelFileError(
            f"{source} is not a model of this project (metadata lesion_format is {metadata.get('lesion_format')!r}, "
            f"not {FORMAT!r}). Convert a checkpoint with `make export`."
        )
    try:
        values = {key: json.loads(text) for key, text in metadata.items()}
        sets = values.pop("prediction_sets")
        return Card(
            version=str(values.pop("version")),
            architecture=str(values.pop("architecture")),
            input_size=int(values.pop("input_size")),
            classes=tuple(DiagnosisClass(**entry) for entry in values.pop("classes")),
            bias=values.pop("bias", None),
            threshold=float(values.pop("threshold")),
            coverage=float(sets["coverage"]),
            set_limits={side: float(sets[side]) for side in ("malignant", "benign")},
            refusal=tuple(RefusalRule(**entry) for entry in values.pop("refusal")),
            about=values,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{source} has metadata that cannot be used ({error}). Make it anew with `make export`."
        ) from error
