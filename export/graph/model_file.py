"""The bytes of a model file, and a model from such bytes."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
from lesion.inference.model import Model

from export.arrays import Figures
from export.graph.assemble import assemble
from export.graph.metadata import write_metadata
from export.graph.parameters import GraphParameters
from export.nn.network import Network

Storage = Callable[[onnx.ModelProto], onnx.ModelProto]
"""Converts a model file in float32 to one whose network is stored in another precision."""


def store_as_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model unchanged: the precision in which PyTorch exports a network."""
    return model


def build_model_file(
    exported: onnx.ModelProto,
    network: Network,
    fitted: GraphParameters,
    metadata: Figures,
    *,
    storage: Storage = store_as_float32,
) -> bytes:
    """Return a complete model file.

    Args:
        exported: the network as `export.graph.assemble.export_network` returns it.
        network: the same in PyTorch.
        fitted: calibrations, OOD statistics and detector of the image type.
        metadata: JSON values by key.
        storage: precision of the network.
    """
    model = storage(assemble(exported, network, fitted))
    model.producer_name = "skin-lesion-classifier"
    write_metadata(model, metadata)
    return bytes(model.SerializeToString(deterministic=True))


def load_model(data: bytes) -> Model:
    """Return the model of a model file that is not on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesion.onnx"
        path.write_bytes(data)
        return Model(path)
