"""Bytes -> the answer that is sent: decode, run, decide, and put it into the contract's words."""

from time import perf_counter

import numpy as np

from lesion.imaging.decode import decode
from lesion.imaging.memory_limit import headroom
from lesion.inference.decision import Decision, decide
from lesion.inference.messages import DISCLAIMER
from lesion.inference.model import Card, Model, Outputs, plain
from lesion.inference.schemas import (
    Classification,
    ClassProbability,
    EvidenceMap,
    ImageFacts,
    ModelVersion,
    Prediction,
    Refusal,
    Timing,
)

NO_STORE = {"Cache-Control": "no-store"}
"""Header of every answer: one about a person's skin belongs in no cache, and the others are too small to be worth one."""


def classify(data: bytes, model: Model, *, views: int = 1, evidence: bool = True) -> Classification:
    """Judge one photograph. Pure CPU work, safe in several threads at once.

    Args:
        data: the file's bytes, any of `lesion.imaging.decode.FORMATS`.
        model: the loaded model.
        views: 1 or 8, see `Model.run`.
        evidence: whether the map is wanted; a refusal never has one, because its mean is the answer.

    Raises:
        RequestError: the bytes are no image that can be read (see `lesion.imaging.decode.decode`).
        ModelFault: the model gave something that is not a number.
    """
    started = perf_counter()
    # Twice the network's size, so that its own antialiased resize still has something to average.
    with headroom():
        photo = decode(data, at_least=2 * model.card.input_size)
    decoded = perf_counter()
    outputs = model.run(photo.pixels, views=views)
    inferred = perf_counter()
    decision = decide(outputs, model.card)
    judged = isinstance(decision, Decision)
    return Classification(
        status="ok" if judged else "refused",
        refusal=None if isinstance(decision, Decision) else Refusal(code=decision.code, message=decision.message),
        prediction=_prediction(outputs, model.card, decision) if isinstance(decision, Decision) else None,
        evidence=_evidence(outputs) if judged and evidence else None,
        image=ImageFacts(width=photo.width, height=photo.height, format=photo.format),
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
                probability=plain(outputs.classes[index]),
            )
            for index in order
        ],
    )


def _evidence(outputs: Outputs) -> EvidenceMap:
    rows, columns = outputs.evidence.shape
    values = [[plain(value) for value in row] for row in outputs.evidence]
    return EvidenceMap(rows=rows, columns=columns, bias=outputs.bias, values=values)


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)
