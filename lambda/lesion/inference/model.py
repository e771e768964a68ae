"""Load the model file, one ONNX graph from decoded pixels to calibrated outputs, and run it with ONNX Runtime.

Everything about a model, above all its thresholds, is read from its file. A file with the same inputs, outputs and metadata
replaces the model without a change of code.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lesion.errors import InferenceError, ModelFileError
from lesion.imaging.decode import Pixels
from lesion.inference.card import IMAGE_TYPES, ImageType, read_card

_INPUTS = ("image", "views")
_OUTPUTS = ("probability", "logit", "classes", "evidence", "distance", "spread", "quality")
_TYPE_INPUTS, _TYPE_OUTPUTS = ("image_type",), ("clinical_probability", "used_type")
"""Further inputs and outputs since format 2."""
MEASURES = ("sharpness", "brightness", "size", "distance", "spread")
"""Attributes of `Outputs` that a refusal rule may limit."""


@dataclass(frozen=True)
class Outputs:
    """The graph's outputs for one image; scalars as the shortest equal float (see `shortest_float`).

    Attributes:
        probability: calibrated probability of malignancy, 0 to 1.
        logit: malignant against benign before calibration; `evidence.mean() + bias`.
        classes: float32 (C,), probabilities of the diagnoses, sum 1.
        evidence: float32 (rows, columns), signed.
        bias: see `logit`.
        distance: out-of-distribution score.
        spread: standard deviation of the logit between views; 0 with one view.
        sharpness: of the centre square that the network sees.
        brightness: of the same, 0 to 1.
        size: side of the same, divided by the network's input size.
        image_type: type whose parameters the graph used: the given one, otherwise the detected one.
        views: number of views.
        clinical_probability: probability that the image is clinical; None if the model does not distinguish types.
        embedding: float32 (F,), input of the network's head, mean over the views; None unless it was asked for.
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
    image_type: ImageType = "dermoscopic"
    views: int = 1
    clinical_probability: float | None = None
    embedding: npt.NDArray[np.float32] | None = None


def create_session(data: bytes, threads: int = 1) -> ort.InferenceSession:
    """Return an ONNX Runtime session with the options that the service uses.

    Args:
        data: the serialised ONNX model.
        threads: threads that one run may use.

    Raises:
        Exception: the bytes are not a complete ONNX model; ONNX Runtime's exceptions have no common base class.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Model:
    """A loaded model file. `run` may be called from several threads at once.

    Attributes:
        card: metadata of the file.
        sha256: of the file, hexadecimal.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load a model file and run it once on a grey image.

        Args:
            path: the ONNX file.
            threads: threads that one run may use.

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
            self._session = create_session(data, threads)
        except Exception as error:
            raise ModelFileError(
                f"{path} is not a complete ONNX file. Copy it again, or write it again with `make export`."
            ) from error
        self.card = read_card(self._session.get_modelmeta().custom_metadata_map, str(path))
        self._has_types = self.card.format != "1"
        self._names = [*_OUTPUTS, *(_TYPE_OUTPUTS if self._has_types else ()), *(["bias"] if self.card.bias is None else [])]
        self._check(str(path))

    def _check(self, source: str) -> None:
        """Fail at the start instead of with the first image; the trial run also warms up the session."""
        inputs = {item.name for item in (*self._session.get_inputs(), *self._session.get_overridable_initializers())}
        expected = {*_INPUTS, *(_TYPE_INPUTS if self._has_types else ())}
        missing = expected - inputs | set(self._names) - {output.name for output in self._session.get_outputs()}
        points = [point for by_views in self.card.operating_points.values() for point in by_views.values()]
        missing |= {rule.measure for point in points for rule in point.refusal} - set(MEASURES)
        if missing:
            raise ModelFileError(f"{source} lacks {sorted(missing)}. Write it again with `make export`.")
        side = self.card.input_size
        try:
            trial = self.run(np.full((side, side, 3), 128, np.uint8))
        except Exception as error:
            raise ModelFileError(f"{source} fails on a trial image ({error}). Write it again with `make export`.") from error
        if trial.classes.shape != (len(self.card.classes),) or trial.evidence.ndim != 2:
            raise ModelFileError(
                f"{source} returns probabilities of shape {trial.classes.shape} and evidence of shape "
                f"{trial.evidence.shape} for {len(self.card.classes)} classes. Write it again with `make export`."
            )
        if trial.image_type not in self.card.operating_points:
            raise ModelFileError(
                f"{source} has no operating point for {trial.image_type} images, which it detects. Write it again with "
                "`make export`."
            )

    @property
    def detects_image_type(self) -> bool:
        """Whether the model distinguishes dermoscopic and clinical images."""
        return len(self.card.image_types) > 1

    def run(
        self, pixels: Pixels, *, views: int = 1, image_type: ImageType | None = None, embedding: bool = False
    ) -> Outputs:
        """Return the outputs for one image.

        Args:
            pixels: uint8, H x W x 3, RGB, upright, any H and W.
            views: 1, or 8 for test-time augmentation: the mean over quarter turns of the square and of its middle; in files
                of format 1, over flips and quarter turns.
            image_type: one of the card's, whose parameters are used; None to detect it.
            embedding: whether to return it.

        Raises:
            InferenceError: an output is NaN or infinite.
        """
        feed = {"image": pixels[np.newaxis], "views": np.array(views, np.int64)}
        if self._has_types:
            # 0 lets the graph detect the type.
            feed["image_type"] = np.array(0 if image_type is None else 1 + IMAGE_TYPES.index(image_type), np.int64)
        names = [*self._names, "embedding"] if embedding else self._names
        values = dict(zip(names, self._session.run(names, feed), strict=True))
        if not all(np.isfinite(values[name]).all() for name in ("probability", "logit", "classes", "evidence")):
            raise InferenceError("The model returned NaN or infinity.")
        used_type, clinical_probability = self.card.image_types[0], None
        if self._has_types:
            used_type = IMAGE_TYPES[int(values["used_type"]) - 1]
        if self.detects_image_type:
            clinical_probability = shortest_float(values["clinical_probability"])
        sharpness, brightness, size = (shortest_float(value) for value in values["quality"])
        return Outputs(
            probability=shortest_float(values["probability"]),
            logit=shortest_float(values["logit"]),
            classes=values["classes"],
            evidence=values["evidence"],
            bias=shortest_float(values["bias"]) if self.card.bias is None else self.card.bias,
            distance=shortest_float(values["distance"]),
            spread=shortest_float(values["spread"]),
            sharpness=sharpness,
            brightness=brightness,
            size=size,
            image_type=used_type,
            views=int(views),
            clinical_probability=clinical_probability,
            embedding=values.get("embedding"),
        )


def shortest_float(value: np.float32 | npt.NDArray[np.float32]) -> float:
    """Return the float with the fewest decimals that rounds to this float32: 0.48, not 0.4799999892711639.

    No information is lost, and the number that is compared with a threshold is the number that is shown.

    Args:
        value: float32 scalar.
    """
    return float(str(np.float32(value)))
