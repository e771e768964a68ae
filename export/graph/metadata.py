"""Metadata of a model file."""

import json
from typing import Any

import onnx
from lesion.inference.card import FORMAT


def write_metadata(model: onnx.ModelProto, metadata: dict[str, Any]) -> None:
    """Write metadata into a model, every value as JSON; other keys stay."""
    merged = {prop.key: prop.value for prop in model.metadata_props}
    merged |= {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()} | {"lesion_format": FORMAT}
    onnx.helper.set_model_props(model, merged)
