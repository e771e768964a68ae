"""Classify one image: decode, run the model, decide, and build the answer in the API's schema."""

from time import perf_counter

import numpy as np

from lesion.imaging.decode import decode
from lesion.imaging.memory_limit import limit_memory
from lesion.inference.card import Card
from lesion.inference.decision import Decision, decide
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
)


def classify(data: bytes, model: Model, *, views: int = 1, evidence: bool = True) -> Classification:
    """Classify one image. Pure CPU work, safe in several threads at once.

    Args:
        data: the file's bytes in any of `lesion.imaging.formats.FORMATS`.
        model: the loaded model.
        views: 1, or 8 for test-time augmentation, see `Model.run`.
        evidence: whether to return the evidence map. A refusal never has one, because its mean is the logit.

    Raises:
        RequestError: the bytes are not an image that can be decoded (see `lesion.imaging.decode.decode`).
        InferenceError: the model returned NaN or infinity.
    """
    started = perf_counter()
    # Twice the network's input size, so that its own antialiased resize still has pixels to average.
    with limit_memory():
        image = decode(data, at_least=2 * model.card.input_size)
    decoded = perf_counter()
    outputs = model.run(image.pixels, views=views)
    inferred = perf_counter()
    decision = decide(outputs, model.card)
    accepted = isinstance(decision, Decision)
    return Classification(
        status="ok" if accepted else "refused",
        refusal=None if isinstance(decision, Decision) else Refusal(code=decision.code, message=decision.message),
        prediction=_prediction(outputs, model.card, decision) if isinstance(decision, Decision) else None,
        evidence=_evidence_map(outputs) if accepted and evidence else None,
        image=ImageInfo(width=image.width, height=image.height, format=image.format),
        images=None,
        agreement=None,
        model=ModelVersion(version=model.card.version, sha256=model.sha256),
        timing_ms=Timing(
            decode=_milliseconds(decoded - started),
            infer=_milliseconds(inferred - decoded),
            total=_milliseconds(perf_counter() - started),
        ),
        disclaimer=DISCLAIMER,
    )


def _prediction(outputs: Outputs, card: Card, decision: Decision) -> Prediction:
    order = np.argsort(-outputs.classes, kind="stable")
    return Prediction(
        decision="above_threshold" if decision.above else "below_threshold",
        malignant_probability=outputs.probability,
        threshold=card.threshold,
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
