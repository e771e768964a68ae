"""predictions.csv and predictions.parquet: one row for each labelled image, with its label and the model's answer."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lesion.inference.card import Card
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Outputs

from export.data.labels import LabelledImage
from export.evaluation.predictions import Predictions

_TEXTS = ("id", "file", "dataset", "recorded_image_type", "split", "group", "diagnosis", "status", "reason", "decision")
_TEXTS_OF_ANSWER = ("prediction_set", "image_type")
_NUMBERS = ("probability", "threshold", "logit", "image_type_probability", "distance", "spread", "sharpness", "brightness")


def prediction_schema(card: Card) -> pa.Schema:
    """Return the columns: `malignant` is the label, 1 or 0; `class_CODE` are the probabilities of the diagnoses."""
    classes = [(f"class_{entry.code}", pa.float64()) for entry in card.classes]
    texts, further = ([(name, pa.string()) for name in names] for names in (_TEXTS, _TEXTS_OF_ANSWER))
    numbers = [(name, pa.float64()) for name in (*_NUMBERS, "size")]
    return pa.schema([*texts, ("malignant", pa.int8()), *numbers, *further, *classes])


def write_predictions(folder: Path, predictions: Predictions, failed: Mapping[LabelledImage, str], card: Card) -> None:
    """Write predictions.csv and predictions.parquet.

    Args:
        folder: output folder.
        predictions: of the images that the model answered; refused ones have a probability too.
        failed: image -> why it could not be read.
        card: of the model file.
    """
    schema = prediction_schema(card)
    rows = [*_answered(predictions, card), *(_labels(row, "failed", reason) for row, reason in failed.items())]
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "predictions.parquet")
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, schema.names, restval="")
        table.writeheader()
        table.writerows(rows)


def _labels(row: LabelledImage, status: str, reason: str) -> dict[str, Any]:
    return {
        "id": row.isic_id,
        "file": str(row.path),
        "dataset": row.dataset,
        "recorded_image_type": row.image_type,
        "split": row.split,
        "group": row.group,
        "diagnosis": row.diagnosis,
        "malignant": int(row.malignant),
        "status": status,
        "reason": reason,
    }


def _answered(predictions: Predictions, card: Card) -> Iterator[dict[str, Any]]:
    for row, output, own in zip(predictions.rows, predictions.outputs, predictions.cards_of(card), strict=True):
        decision = decide(output, own)
        refused = isinstance(decision, Refusal)
        values = _labels(row, "refused" if refused else "ok", decision.code if isinstance(decision, Refusal) else "")
        if not isinstance(decision, Refusal):
            values["decision"] = "above_threshold" if decision.above else "below_threshold"
            values["prediction_set"] = "+".join(decision.prediction_set)
        yield values | _answer(output, own)


def _answer(output: Outputs, card: Card) -> dict[str, Any]:
    return {
        "threshold": card.point(output.image_type, output.views).threshold,
        "image_type": output.image_type,
        "image_type_probability": output.clinical_probability,
        **{name: getattr(output, name) for name in ("probability", "logit", "distance", "spread")},
        **{name: getattr(output, name) for name in ("sharpness", "brightness", "size")},
        **{f"class_{entry.code}": float(value) for entry, value in zip(card.classes, output.classes, strict=True)},
    }
