"""Rows of the results: one per image, the same for `lesion.batch.cli` (folders) and `lesion.batch.lambda_handler` (buckets).

Needs pyarrow besides the service's packages. Not in the service's image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lesion.batch.dicom import dicom_to_png, is_dicom
from lesion.errors import LesionError, RequestError
from lesion.inference.card import ImageType
from lesion.inference.classify import classify
from lesion.inference.model import Model

Row = dict[str, Any]

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is classified; the limits in pixels are those of the service."""


class StorageError(LesionError):
    """Raised when the storage of images or results is not available, which says nothing about an image."""


@dataclass(frozen=True)
class RunInfo:
    """What all rows of one results file have in common.

    Attributes:
        version: of the model.
        sha256: of the model file, hexadecimal.
        views: 1 or 8.
        classes: codes of the diagnoses.
        image_type: of all images, as given for the run; None to detect that of each.
    """

    version: str
    sha256: str
    views: int
    classes: tuple[str, ...]
    image_type: ImageType | None = None

    def schema(self) -> pa.Schema:
        """Return the columns of the results; members that a row lacks are null."""
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
                pa.field("image_type", pa.string()),
                pa.field("image_type_source", pa.string()),
                pa.field("decode_ms", pa.float64()),
                pa.field("infer_ms", pa.float64()),
            ],
            {
                "model_version": self.version,
                "model_sha256": self.sha256,
                "views": str(self.views),
                "image_type": self.image_type or "auto",
            },
        )


def describe_run(model: Model, views: int, image_type: ImageType | None = None) -> RunInfo:
    """Return what all rows have in common that a model writes.

    Args:
        model: the loaded model.
        views: 1 or 8.
        image_type: of all images; None to detect that of each.
    """
    classes = tuple(entry.code for entry in model.card.classes)
    return RunInfo(model.card.version, model.sha256, views, classes, image_type)


def classify_row(name: str, read: Callable[[], bytes], model: Model, views: int, image_type: ImageType | None = None) -> Row:
    """Return the row of one file: the service's answer, or why there is none.

    Args:
        name: of the file, for the row.
        read: returns the file's bytes; of files above `MAX_FILE_BYTES`, any larger number of bytes.
        model: the loaded model.
        views: 1 or 8.
        image_type: of the image; None to detect it.

    Raises:
        StorageError: from `read`.
    """
    row: Row = {"file": name}
    try:
        data = read()
        if len(data) > MAX_FILE_BYTES:
            return row | _error("too_large", f"The file has more than {MAX_FILE_BYTES} bytes.")
        is_from_dicom = is_dicom(data)
        if is_from_dicom:
            data = dicom_to_png(data)
        answer = classify(data, model, views=views, evidence=False, image_type=image_type)
    except StorageError:
        raise
    except RequestError as error:
        return row | _error(error.code, str(error))
    except OSError as error:
        return row | _error("unreadable", error.strerror or "The file cannot be read.")
    except Exception as error:
        # As in the service, an unhandled error becomes an answer without a prediction, and the next image is classified.
        return row | _error("fault", type(error).__name__)
    row |= {"status": answer.status, "width": answer.image.width, "height": answer.image.height}
    row |= {"image_type": answer.image.type, "image_type_source": answer.image.type_source}
    row |= {"format": "DICOM" if is_from_dicom else answer.image.format}
    row |= {"decode_ms": answer.timing_ms.decode, "infer_ms": answer.timing_ms.infer}
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


def crashed_row(name: str) -> Row:
    """Return the row of a file whose decoding crashed the process.

    Args:
        name: of the file.
    """
    return {"file": name} | _error("crashed", "Reading this file ended the process.")


def _error(code: str, message: str) -> Row:
    return {"status": "error", "code": code, "message": message}
