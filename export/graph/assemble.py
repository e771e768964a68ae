"""The serving graph around a network: crop, resize, views, evidence, calibration, distance, quality.

The graph is written in ONNX's own text form (`export.graph.serving_graph`), because a tracer would bake in the size of the picture and
the number of views; the network comes from PyTorch's exporter and takes the place of the node `Network`. The numbers that
belong to one model (calibration, statistics of the training images) are initializers, so that `export.commands.convert` can fit
them on the answers of the same graph and write them in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from export.graph.calibration import Calibration
from export.graph.serving_graph import serving_graph_text
from export.graph.weight_storage import NETWORK_PREFIX
from export.nn.network import Network, Normalise

Floats = npt.NDArray[np.float32]

OPSET = 18


@dataclass(frozen=True)
class OodStatistics:
    """Probabilistic PCA of the training images' middle features; M features, D components.

    Attributes:
        mean, std: float32 (M,), standardise the features.
        components: float32 (M, D), orthonormal columns.
        component_std: float32 (D,), of the standardised features along the components.
        outside_variance: mean variance along what the components leave out.
    """

    mean: Floats
    std: Floats
    components: Floats
    component_std: Floats
    outside_variance: float

    @classmethod
    def placeholder(cls, features: int) -> "OodStatistics":
        """A placeholder with the right shapes, for a graph whose statistics are not fitted yet."""
        axis = np.eye(features, 1, dtype=np.float32)
        flat = np.ones(features, np.float32)
        return cls(np.zeros(features, np.float32), flat, axis, np.ones(1, np.float32), 1.0)


class NetworkCore(nn.Module):
    """What PyTorch exports: a batch of squares, 0..255 -> everything that the graph needs of each view."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.normalise = Normalise(network.spec)

    @property
    def features(self) -> int:
        """How many middle features there are: mean and standard deviation of every channel."""
        return 2 * self.network.middle_channels

    @property
    def outputs(self) -> list[str]:
        """Names of what `forward` gives, as the graph knows them."""
        own_bias = [] if self.network.constant_bias is not None else ["view_bias"]
        return ["cells", "class_logits", "pooled", "middle", *own_bias]

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, 3, S, S) float 0..255 -> cells (N, R, C), class logits (N, K), pooled (N, F), middle (N, M).

        The bias (N,) follows where it depends on the image.
        """
        last, middle = self.network.feature_maps(self.normalise(batch))
        cells, bias, class_logits, pooled = self.network.explain(last)
        centred = middle - middle.mean((2, 3), keepdim=True)
        statistics = torch.cat((middle.mean((2, 3)), (centred * centred).mean((2, 3)).sqrt()), 1)
        answer = (cells, class_logits, pooled, statistics)
        return answer if self.network.constant_bias is not None else (*answer, bias)


def export_network(core: NetworkCore) -> onnx.ModelProto:
    """Export the network alone, with a dynamic number of views."""
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
        raise RuntimeError("PyTorch's exporter gave no model.")
    model = program.model_proto
    for node in model.graph.node:
        # The exporter notes from which line of which file on this machine a node comes.
        del node.metadata_props[:]
    return model


def assemble(
    core: onnx.ModelProto, network: Network, calibration: Calibration, familiarity: OodStatistics
) -> onnx.ModelProto:
    """Put the network and its numbers into the graph of the design; metadata are not set yet."""
    size, malignant = network.spec.size, np.array(network.spec.malignant)
    # A large negative logit is a share of zero.
    hidden = np.float32(-1e9)
    numbers = {
        "network_size": np.array([size, size], np.int64),
        # ITU-R BT.601, as in JPEG.
        "luma": np.array([[0.299, 0.587, 0.114]], np.float32),
        **calibration.initializers(),
        "hide_benign": np.where(malignant, 0, hidden).astype(np.float32),
        "hide_malignant": np.where(malignant, hidden, 0).astype(np.float32),
        "middle_mean": familiarity.mean,
        "middle_std": familiarity.std,
        "components": familiarity.components,
        "component_std": familiarity.component_std,
        "outside_variance": np.float32(familiarity.outside_variance),
        # An initializer of an input's name is its default: callers that want one view need not say so.
        "views": np.int64(1),
    }
    if network.constant_bias is not None:
        numbers["bias"] = np.float32(network.constant_bias)
    model = onnx.parser.parse_model(serving_graph_text(calibration.nodes, own_bias=network.constant_bias is None))
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items())
    _insert(core, model)
    onnx.checker.check_model(model, full_check=True)
    return model


def restore_float32_network(model: onnx.ModelProto, core: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model file whose network, however its numbers are stored, is `core` as it was exported, in float32."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    outer = [node for node in whole.graph.node if not node.name.startswith(NETWORK_PREFIX)]
    numbers = [tensor for tensor in whole.graph.initializer if not tensor.name.startswith(NETWORK_PREFIX)]
    del whole.graph.initializer[:]
    whole.graph.initializer.extend(numbers)
    [batch] = core.graph.input
    place = next(index for index, node in enumerate(outer, 1) if batch.name in node.output)
    names = {value.name: value.name for value in (*core.graph.input, *core.graph.output)}
    _place(core, whole, outer[:place], outer[place:], names)
    onnx.checker.check_model(whole)
    return whole


def _insert(core: onnx.ModelProto, model: onnx.ModelProto) -> None:
    """Replace the node `Network` by the nodes of the exported network."""
    [(place, call)] = [(index, node) for index, node in enumerate(model.graph.node) if node.op_type == "Network"]
    own = [value.name for value in (*core.graph.input, *core.graph.output)]
    nodes = list(model.graph.node)
    _place(core, model, nodes[:place], nodes[place + 1 :], dict(zip(own, (*call.input, *call.output), strict=True)))


def _place(
    core: onnx.ModelProto,
    model: onnx.ModelProto,
    before: Sequence[onnx.NodeProto],
    after: Sequence[onnx.NodeProto],
    names: Mapping[str, str],
) -> None:
    """Put the nodes of the exported network between others; all its names get the prefix, but inputs and outputs `names`."""
    inner = onnx.compose.add_prefix(core, NETWORK_PREFIX).graph
    outer_name = {NETWORK_PREFIX + own: outer for own, outer in names.items()}
    for node in inner.node:
        # The exporter's own notes: stack traces with the paths of the machine that it ran on.
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for tensors in (node.input, node.output):
            tensors[:] = [outer_name.get(name, name) for name in tensors]
    nodes = [*before, *inner.node, *after]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(inner.initializer)
    del model.opset_import[:]
    model.opset_import.extend(core.opset_import)
