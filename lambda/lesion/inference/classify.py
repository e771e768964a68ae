"""Classify one image: decode, run the model, decide, and build the answer in the API's schema."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from lesion.errors import UnsupportedImageType
from lesion.imaging.decode import DecodedImage, decode
from lesion.imaging.memory_limit import limit_memory
from lesion.inference.card import Card, ImageType
from lesion.inference.decision import Decision, decide
from lesion.inference.decision import Refusal as DecidedRefusal
from lesion.inference.messages import DISCLAIMER
from lesion.inference.model import Model, Outputs, shortest_float
from lesion.inference.schemas import (
    Classification,
    ClassProbability,
    EvidenceMap,
    ImageInfo,
    ModelVersion,
    Prediction,
    Refusal,
    Timing,
    TypeSource,
)


@dataclass(frozen=True)
class Analysis:
    """What is known about one image before the answer is built.

    Attributes:
        image: the decoded image.
        outputs: of the model.
        decision: the decision, or the refusal.
        is_type_given: whether the caller gave the image type.
        timing: milliseconds.
    """

    image: DecodedImage
    outputs: Outputs
    decision: Decision | DecidedRefusal
    is_type_given: bool
    timing: Timing


def classify(
    data: bytes, model: Model, *, views: int = 1, evidence: bool = True, image_type: ImageType | None = None
) -> Classification:
    """Classify one image. Pure CPU work, safe in several threads at once.

    Args:
        data: the file's bytes in any of `lesion.imaging.formats.FORMATS`.
        model: the loaded model.
        views: 1, or 8 for test-time augmentation, see `Model.run`.
        evidence: whether to return the evidence map, if the model has one. A refusal never has one, because its mean is the
            logit.
        image_type: whose calibration, threshold and limits are applied; None to let the model detect it.

    Raises:
        UnsupportedImageType: see `require_image_type`.
        RequestError: the bytes are not an image that can be decoded (see `lesion.imaging.decode.decode`).
        InferenceError: the model returned NaN or infinity.
    """
    return answer_of(analyse(data, model, views=views, image_type=image_type), model, evidence=evidence)


def analyse(
    data: bytes, model: Model, *, views: int = 1, image_type: ImageType | None = None, embedding: bool = False
) -> Analysis:
    """Decode one image, run the model and decide.

    Args:
        data: see `classify`.
        model: see `classify`.
        views: see `classify`.
        image_type: see `classify`.
        embedding: whether the outputs contain the embedding.

    Raises:
        UnsupportedImageType, RequestError, InferenceError: see `classify`.
    """
    started = perf_counter()
    # Before the image is decoded.
    require_image_type(model.card, image_type)
    # Twice the network's input size, so that its own antialiased resize still has pixels to average.
    with limit_memory():
        image = decode(data, at_least=2 * model.card.input_size)
    return analyse_pixels(image, model, views=views, image_type=image_type, embedding=embedding, started=started)


def analyse_pixels(
    image: DecodedImage,
    model: Model,
    *,
    views: int = 1,
    image_type: ImageType | None = None,
    embedding: bool = False,
    started: float | None = None,
) -> Analysis:
    """Run the model on a decoded image and decide.

    Args:
        image: the decoded image.
        model: see `classify`.
        views: see `classify`.
        image_type: see `classify`.
        embedding: see `analyse`.
        started: when decoding began, by `time.perf_counter`; None if that does not count.

    Raises:
        UnsupportedImageType, InferenceError: see `classify`.
    """
    require_image_type(model.card, image_type)
    decoded = perf_counter()
    started = decoded if started is None else started
    outputs = model.run(image.pixels, views=views, image_type=image_type, embedding=embedding)
    inferred = perf_counter()
    decision = decide(outputs, model.card)
    timing = Timing(
        decode=_milliseconds(decoded - started),
        infer=_milliseconds(inferred - decoded),
        total=_milliseconds(perf_counter() - started),
    )
    return Analysis(image, outputs, decision, image_type is not None, timing)


def answer_of(analysis: Analysis, model: Model, *, evidence: bool = True) -> Classification:
    """Return the answer in the API's schema.

    Args:
        analysis: of one image.
        model: that analysed it.
        evidence: see `classify`.
    """
    outputs, decision = analysis.outputs, analysis.decision
    accepted = isinstance(decision, Decision)
    return Classification(
        status="ok" if accepted else "refused",
        refusal=None if isinstance(decision, Decision) else Refusal(code=decision.code, message=decision.message),
        prediction=_prediction(outputs, model.card, decision) if isinstance(decision, Decision) else None,
        evidence=_evidence_map(outputs) if accepted and evidence and model.card.has_evidence else None,
        image=_image_info(analysis.image, outputs, is_given=analysis.is_type_given),
        images=None,
        agreement=None,
        model=ModelVersion(version=model.card.version, sha256=model.sha256),
        timing_ms=analysis.timing,
        disclaimer=DISCLAIMER,
    )


def require_image_type(card: Card, image_type: ImageType | None) -> None:
    """Check that a model has operating points for an image type.

    Args:
        card: of the model file.
        image_type: as given by the caller; None is always supported.

    Raises:
        UnsupportedImageType: the model has none; the message names the types that it has.
    """
    if image_type is not None and image_type not in card.image_types:
        raise UnsupportedImageType(
            f"This model does not classify {image_type} images, only {' and '.join(card.image_types)} ones. "
            "Leave image_type out, or send another image."
        )


def _image_info(image: DecodedImage, outputs: Outputs, *, is_given: bool) -> ImageInfo:
    clinical = outputs.clinical_probability
    own_source: TypeSource = "assumed" if clinical is None else "detected"
    if clinical is None or outputs.image_type == "clinical":
        probability = clinical
    else:
        # In float32, so that private mode computes the same decimals.
        probability = shortest_float(np.float32(1) - np.float32(clinical))
    return ImageInfo(
        width=image.width,
        height=image.height,
        format=image.format,
        type=outputs.image_type,
        type_source="given" if is_given else own_source,
        type_probability=probability,
    )


def _prediction(outputs: Outputs, card: Card, decision: Decision) -> Prediction:
    order = np.argsort(-outputs.classes, kind="stable")
    return Prediction(
        decision="above_threshold" if decision.above else "below_threshold",
        malignant_probability=outputs.probability,
        threshold=card.point(outputs.image_type, outputs.views).threshold,
        prediction_set=list(decision.prediction_set),
        logit=outputs.logit,
        classes=[
            ClassProbability(
                code=card.classes[index].code,
                malignant=card.classes[index].malignant,
                probability=shortest_float(outputs.classes[index]),
            )
            for index in order
        ],
    )


def _evidence_map(outputs: Outputs) -> EvidenceMap:
    rows, columns = outputs.evidence.shape
    values = [[shortest_float(value) for value in row] for row in outputs.evidence]
    return EvidenceMap(rows=rows, columns=columns, bias=outputs.bias, values=values)


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)
