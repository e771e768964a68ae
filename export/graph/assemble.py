"""Assembly of the model file: the network that PyTorch exports, inserted into the serving graph.

The serving graph is ONNX text (`export.graph.serving_graph`), because a tracer would fix the size of the image and the
number of views; the exported network replaces its node `Network`. The parameters of one model (calibration, OOD statistics)
are initializers, so that `export.commands.convert` can fit them to the outputs of the same graph.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from export.arrays import Floats
from export.errors import CheckpointError
from export.graph.parameters import GraphParameters
from export.graph.serving_graph import serving_graph_text
from export.graph.weight_storage import NETWORK_PREFIX
from export.nn.network import Network, Normalise

OPSET = 18

INNER_SHARE = 0.8
"""Side of the middle in the eight views, relative to the square: the graph cuts a tenth of the side, rounded down, from each
border. With a second scale, images of other cameras are classified better (`models/experiments.md`)."""


class NetworkCore(nn.Module):
    """The module that PyTorch exports: normalisation and network, with every output that the serving graph reads."""

    def __init__(self, network: Network) -> None:
        """Wrap a network; its weights are shared."""
        super().__init__()
        self.network = network
        self.normalise = Normalise(network.spec)
        # Read before `forward` is traced: the tracer cannot follow a weight that becomes a Python number.
        self.has_constant_bias = network.constant_bias is not None

    @property
    def features(self) -> int:
        """Number of middle features: mean and standard deviation of every channel of the middle maps."""
        return 2 * self.network.middle_channels

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs of `forward` in the graph."""
        if self.network.has_head_per_type:
            return ["cells_by_type", "class_logits_by_type", "pooled", "middle", "bias_by_type"]
        own_bias = [] if self.has_constant_bias else ["view_bias"]
        return ["cells", "class_logits", "pooled", "middle", *own_bias]

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs for one batch of views.

        Args:
            batch: float32 (N, 3, S, S), 0..255.

        Returns:
            Evidence cells (N, R, C), class logits (N, K), pooled features (N, F), middle features (N, M), and the bias (N,)
            where it depends on the image. With a head per image type, cells, class logits and bias have the type as their
            second axis.
        """
        last, middle = self.network.feature_maps(self.normalise(batch))
        cells, bias, class_logits, pooled = self.network.explain(last)
        statistics = torch.cat([one for channels in middle for one in _mean_and_deviation(channels)], 1)
        outputs = (cells, class_logits, pooled, statistics)
        return outputs if self.has_constant_bias else (*outputs, bias)


def _mean_and_deviation(channels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation (N, M) of each channel of a map (N, M, P, Q)."""
    mean = channels.mean((2, 3), keepdim=True)
    centred = channels - mean
    return mean[:, :, 0, 0], (centred * centred).mean((2, 3)).sqrt()


def export_network(core: NetworkCore) -> onnx.ModelProto:
    """Return the network as an ONNX model with a dynamic number of views.

    Raises:
        RuntimeError: PyTorch's exporter returned no model.
    """
    size = core.network.spec.size
    program = torch.onnx.export(
        core.eval(),
        (torch.zeros(2, 3, size, size),),
        input_names=["batch"],
        output_names=core.outputs,
        dynamic_shapes={"batch": {0: torch.export.Dim("views", min=1, max=8)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("PyTorch's exporter returned no model.")
    model = program.model_proto
    for node in model.graph.node:
        # The exporter records source files and lines of the machine on which it ran.
        del node.metadata_props[:]
    return model


def assemble(exported: onnx.ModelProto, network: Network, fitted: GraphParameters) -> onnx.ModelProto:
    """Return the model file without metadata: the serving graph with a network and its parameters.

    Args:
        exported: the network as `export_network` returns it.
        network: the same network in PyTorch.
        fitted: calibrations, OOD statistics and detector of the image type.
    """
    size, malignant = network.spec.size, np.array(network.spec.malignant)
    # A softmax gives a class with this logit a share of zero.
    masked = np.float32(-1e9)
    rows, columns = (dimension.dim_value for dimension in exported.graph.output[0].type.tensor_type.shape.dim[-2:])
    parameters = {
        "place_rows": placement(rows),
        "place_columns": placement(columns).T,
        "network_size": np.array([size, size], np.int64),
        # ITU-R BT.601, as in JPEG.
        "luma": np.array([[0.299, 0.587, 0.114]], np.float32),
        **fitted.initializers(),
        "hide_benign": np.where(malignant, 0, masked).astype(np.float32),
        "hide_malignant": np.where(malignant, masked, 0).astype(np.float32),
        # An initializer with the name of an input is its default value. 0: the image type is detected.
        "views": np.int64(1),
        "image_type": np.int64(0),
    }
    if network.constant_bias is not None:
        parameters["bias"] = np.float32(network.constant_bias)
    text = serving_graph_text(
        bias_per_image=network.constant_bias is None,
        head_per_type=network.has_head_per_type,
        detects_image_type=fitted.detector is not None,
    )
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in parameters.items())
    _replace_network_node(exported, model)
    onnx.checker.check_model(model, full_check=True)
    return model


def placement(cells: int) -> Floats:
    """Return the matrix that places the cells of the middle of an axis on the cells of the whole axis, float32 (N, N).

    Column j has the shares of cell j of the middle that lie in each cell of the whole: the sum of the evidence stays.

    Args:
        cells: their number N along the axis.
    """
    edges = np.arange(cells + 1) / cells
    inner = (1 - INNER_SHARE) / 2 + INNER_SHARE * edges
    overlap = np.minimum(edges[1:, np.newaxis], inner[1:]) - np.maximum(edges[:-1, np.newaxis], inner[:-1])
    return np.asarray(np.maximum(overlap, 0) * cells / INNER_SHARE, np.float32)


def restore_float32_network(model: onnx.ModelProto, exported: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a model file, whatever the precision of its network, with the exported float32 network.

    Args:
        model: the model file.
        exported: its network as `export_network` returns it.

    Raises:
        CheckpointError: the exported network is of another kind than that of the file.
    """
    own = {name for node in model.graph.node if node.name.startswith(NETWORK_PREFIX) for name in node.output}
    if not {value.name for value in exported.graph.output} <= own:
        raise CheckpointError(
            "The model file was converted from another checkpoint: one of the two has a head for each image type. Give the "
            "checkpoint from which the file was converted."
        )
    result = onnx.ModelProto()
    result.CopyFrom(model)
    outer = [node for node in result.graph.node if not node.name.startswith(NETWORK_PREFIX)]
    tensors = [tensor for tensor in result.graph.initializer if not tensor.name.startswith(NETWORK_PREFIX)]
    del result.graph.initializer[:]
    result.graph.initializer.extend(tensors)
    [batch] = exported.graph.input
    position = next(index for index, node in enumerate(outer, 1) if batch.name in node.output)
    names = {value.name: value.name for value in (*exported.graph.input, *exported.graph.output)}
    _insert_network(exported, result, outer[:position], outer[position:], names)
    onnx.checker.check_model(result)
    return result


def _replace_network_node(exported: onnx.ModelProto, model: onnx.ModelProto) -> None:
    [(position, call)] = [(index, node) for index, node in enumerate(model.graph.node) if node.op_type == "Network"]
    inner = [value.name for value in (*exported.graph.input, *exported.graph.output)]
    names = dict(zip(inner, (*call.input, *call.output), strict=True))
    nodes = list(model.graph.node)
    _insert_network(exported, model, nodes[:position], nodes[position + 1 :], names)


def _insert_network(
    exported: onnx.ModelProto,
    model: onnx.ModelProto,
    before: Sequence[onnx.NodeProto],
    after: Sequence[onnx.NodeProto],
    names: Mapping[str, str],
) -> None:
    """Insert the exported network between nodes, in place; rename its inputs and outputs to `names`, prefix the rest."""
    inner = onnx.compose.add_prefix(exported, NETWORK_PREFIX).graph
    outer_name = {NETWORK_PREFIX + own: outer for own, outer in names.items()}
    for node in inner.node:
        # Stack traces with paths of the machine on which the exporter ran.
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for tensors in (node.input, node.output):
            tensors[:] = [outer_name.get(name, name) for name in tensors]
    nodes = [*before, *inner.node, *after]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(inner.initializer)
    del model.opset_import[:]
    model.opset_import.extend(exported.opset_import)
