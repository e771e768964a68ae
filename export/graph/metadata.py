"""Metadata of a model file."""

import json

import onnx
from lesion.inference.card import FORMAT

from export.arrays import Figures


def write_metadata(model: onnx.ModelProto, metadata: Figures) -> None:
    """Write metadata into a model in place, every value as JSON; other keys and the format of a file stay as they are.

    Args:
        model: the model.
        metadata: key -> JSON value.
    """
    merged = {prop.key: prop.value for prop in model.metadata_props}
    merged |= {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    merged.setdefault("lesion_format", FORMAT)
    onnx.helper.set_model_props(model, merged)
