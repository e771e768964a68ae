"""One row of results for one photograph, whoever reads it: a folder's file for `lesion.batch`, a bucket's for `lesion.batch.lambda_handler`.

Needs pyarrow beside the runtime's packages. Not in the service's image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lesion.errors import LesionError, RequestError
from lesion.inference.classify import classify
from lesion.inference.model import Model

Row = dict[str, Any]

LARGEST = 256 * 2**20
"""Bytes of a file that is still read; the limit in pixels is that of the service."""


class StorageError(LesionError):
    """Raised when the place where photographs lie, or results go, does not answer: that says nothing about a photograph."""


@dataclass(frozen=True)
class Run:
    """What all rows of one file of results have in common.

    Attributes:
        version, sha256: of the model.
        views: 1 or 8.
        classes: codes of the diagnoses.
    """

    version: str
    sha256: str
    views: int
    classes: tuple[str, ...]

    def schema(self) -> pa.Schema:
        """Columns of the results; what a row lacks is null."""
        return pa.schema(
            [
                pa.field("file", pa.string(), nullable=False),
                pa.field("status", pa.string(), nullable=False),
                pa.field("code", pa.string()),
                pa.field("message", pa.string()),
                pa.field("decision", pa.string()),
                pa.field("malignant_probability", pa.float64()),
                pa.field("threshold", pa.float64()),
                pa.field("prediction_set", pa.list_(pa.string())),
                pa.field("logit", pa.float64()),
                *(pa.field(f"probability_{code}", pa.float64()) for code in self.classes),
                pa.field("width", pa.int32()),
                pa.field("height", pa.int32()),
                pa.field("format", pa.string()),
                pa.field("decode_ms", pa.float64()),
                pa.field("infer_ms", pa.float64()),
            ],
            {"model_version": self.version, "model_sha256": self.sha256, "views": str(self.views)},
        )


def judge(name: str, read: Callable[[], bytes], model: Model, views: int) -> Row:
    """One row: what the service would answer to this file, or why it would not.

    Args:
        name: of the file, in the row.
        read: gives its bytes; more than `LARGEST` of them need not be all.
        model: the loaded model.
        views: 1 or 8.

    Raises:
        StorageError: from `read`.
    """
    row: Row = {"file": name}
    try:
        data = read()
        if len(data) > LARGEST:
            return row | {"status": "error", "code": "too_large", "message": f"The file has more than {LARGEST} bytes."}
        answer = classify(data, model, views=views, evidence=False)
    except StorageError:
        raise
    except RequestError as error:
        return row | {"status": "error", "code": error.code, "message": str(error)}
    except OSError as error:
        return row | {"status": "error", "code": "unreadable", "message": error.strerror or "The file cannot be read."}
    except Exception as error:
        # As in the service: a fault is an answer without a number, and the next photograph is judged all the same.
        return row | {"status": "error", "code": "fault", "message": type(error).__name__}
    row |= {"status": answer.status, "width": answer.image.width, "height": answer.image.height}
    row |= {"format": answer.image.format, "decode_ms": answer.timing_ms.decode, "infer_ms": answer.timing_ms.infer}
    if answer.refusal is not None:
        row |= {"code": answer.refusal.code, "message": answer.refusal.message}
    if (prediction := answer.prediction) is not None:
        row |= {
            "decision": prediction.decision,
            "malignant_probability": prediction.malignant_probability,
            "threshold": prediction.threshold,
            "prediction_set": prediction.prediction_set,
            "logit": prediction.logit,
            **{f"probability_{entry.code}": entry.probability for entry in prediction.classes},
        }
    return row


def crashed(name: str) -> Row:
    """The row of a file that ended the process which read it."""
    return {"file": name, "status": "error", "code": "crashed", "message": "Reading this file ended the process."}


def about(model: Model, views: int) -> Run:
    """What all rows that this model gives have in common."""
    return Run(model.card.version, model.sha256, views, tuple(entry.code for entry in model.card.classes))
