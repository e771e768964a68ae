"""Rows of the results: one per image, the same for `lesion.batch.cli` (folders) and `lesion.batch.lambda_handler` (buckets).

Needs pyarrow besides the service's packages. Not in the service's image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lesion.batch.dicom import dicom_to_png, is_dicom
from lesion.errors import LesionError, RequestError
from lesion.inference.card import ImageType
from lesion.inference.classify import analyse, answer_of
from lesion.inference.model import MEASURES, Model

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
        columns: of the caller's table, whose values are carried over as text.
        embedding: whether rows have the embedding of the image.
    """

    version: str
    sha256: str
    views: int
    classes: tuple[str, ...]
    image_type: ImageType | None = None
    columns: tuple[str, ...] = ()
    embedding: bool = False

    def carried(self, values: Mapping[str, str]) -> Row:
        """Return the caller's values for one file under their names in the results.

        A column that is called like one of the results' has `input_` before its name.

        Args:
            values: column of the table -> value.
        """
        return dict(zip(self._carried_names(), (values.get(name) for name in self.columns), strict=True))

    def _carried_names(self) -> list[str]:
        taken = {own.name for own in self._own_fields()}
        names: list[str] = []
        for name in self.columns:
            while name in taken:
                name = f"input_{name}"
            taken.add(name)
            names.append(name)
        return names

    def schema(self) -> pa.Schema:
        """Return the columns of the results; members that a row lacks are null."""
        return pa.schema(
            [*self._own_fields(), *(pa.field(name, pa.string()) for name in self._carried_names())],
            {
                "model_version": self.version,
                "model_sha256": self.sha256,
                "views": str(self.views),
                "image_type": self.image_type or "auto",
            },
        )

    def _own_fields(self) -> list[pa.Field]:
        return [
            pa.field("file", pa.string(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            pa.field("code", pa.string()),
            pa.field("message", pa.string()),
            pa.field("decision", pa.string()),
            pa.field("malignant_probability", pa.float64()),
            pa.field("threshold", pa.float64()),
            pa.field("prediction_set", pa.list_(pa.string())),
            pa.field("logit", pa.float64()),
            # Of images that the service would not answer for: only for the analysis of all images together.
            pa.field("refused_probability", pa.float64()),
            *(pa.field(f"probability_{code}", pa.float64()) for code in self.classes),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("format", pa.string()),
            pa.field("image_type", pa.string()),
            pa.field("image_type_source", pa.string()),
            pa.field("image_type_probability", pa.float64()),
            *(pa.field(name, pa.float64()) for name in MEASURES),
            pa.field("decode_ms", pa.float64()),
            pa.field("infer_ms", pa.float64()),
            *([pa.field("embedding", pa.list_(pa.float32()))] if self.embedding else []),
        ]


def describe_run(
    model: Model,
    views: int,
    image_type: ImageType | None = None,
    *,
    columns: tuple[str, ...] = (),
    embedding: bool = False,
) -> RunInfo:
    """Return what all rows have in common that a model writes.

    Args:
        model: the loaded model.
        views: 1 or 8.
        image_type: of all images; None to detect that of each.
        columns: of the caller's table.
        embedding: whether rows have the embedding of the image.
    """
    classes = tuple(entry.code for entry in model.card.classes)
    return RunInfo(model.card.version, model.sha256, views, classes, image_type, columns, embedding)


def classify_row(
    name: str,
    read: Callable[[], bytes],
    model: Model,
    views: int,
    image_type: ImageType | None = None,
    *,
    embedding: bool = False,
) -> Row:
    """Return the row of one file: the service's answer, or why there is none.

    Args:
        name: of the file, for the row.
        read: returns the file's bytes; of files above `MAX_FILE_BYTES`, any larger number of bytes.
        model: the loaded model.
        views: 1 or 8.
        image_type: of the image; None to detect it.
        embedding: whether the row has the embedding of the image.

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
        analysis = analyse(data, model, views=views, image_type=image_type, embedding=embedding)
    except StorageError:
        raise
    except RequestError as error:
        return row | _error(error.code, str(error))
    except OSError as error:
        return row | _error("unreadable", error.strerror or "The file cannot be read.")
    except Exception as error:
        # As in the service, an unhandled error becomes an answer without a prediction, and the next image is classified.
        return row | _error("fault", type(error).__name__)
    answer, outputs = answer_of(analysis, model, evidence=False), analysis.outputs
    row |= {"status": answer.status, "width": answer.image.width, "height": answer.image.height}
    row |= {"image_type": answer.image.type, "image_type_source": answer.image.type_source}
    row |= {"image_type_probability": answer.image.type_probability}
    row |= {name: getattr(outputs, name) for name in MEASURES}
    if outputs.embedding is not None:
        row |= {"embedding": outputs.embedding.tolist()}
    row |= {"format": "DICOM" if is_from_dicom else answer.image.format}
    row |= {"decode_ms": answer.timing_ms.decode, "infer_ms": answer.timing_ms.infer}
    if answer.refusal is not None:
        row |= {"code": answer.refusal.code, "message": answer.refusal.message}
        row |= {"refused_probability": outputs.probability}
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
    return error_row(name, "crashed", "Reading this file ended the process.")


def error_row(name: str, code: str, message: str) -> Row:
    """Return the row of a file that could not be classified.

    Args:
        name: of the file.
        code: in snake case.
        message: a sentence.
    """
    return {"file": name} | _error(code, message)


def _error(code: str, message: str) -> Row:
    return {"status": "error", "code": code, "message": message}
