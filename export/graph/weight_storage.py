"""Precision of the network's weights in a model file: float32, or float16 for half the size."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NETWORK_PREFIX = "network/"
"""Prefix of the names of the network's nodes and tensors (`export.graph.assemble`)."""

FLOAT16_SUFFIX = "/half"
"""Suffix of the names of tensors that are stored as float16."""

MIN_ELEMENTS = 1024
"""Smaller tensors stay float32: their `Cast` nodes would take more bytes than they save."""


def store_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose network has its large float32 tensors stored as float16.

    A `Cast` node converts each tensor back. ONNX Runtime folds these nodes when it loads the file, so inference still
    computes in float32.

    Args:
        model: model file with a float32 network.

    Raises:
        OverflowError: a weight is outside the range of float16.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for tensor in result.graph.initializer:
        large = int(np.prod(tensor.dims)) >= MIN_ELEMENTS
        if tensor.data_type != TensorProto.FLOAT or not large or not tensor.name.startswith(NETWORK_PREFIX):
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > float(np.finfo(np.float16).max):
            raise OverflowError(f"{tensor.name} has numbers beyond float16.")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + FLOAT16_SUFFIX))
        casts.append(helper.make_node("Cast", [name + FLOAT16_SUFFIX], [name], name=f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def replace_network(model: onnx.ModelProto, donor: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a model file with the network of another one.

    Args:
        model: model file that keeps everything around its network.
        donor: model file with the same network in another precision; inputs and outputs of both have the same names.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    nodes = list(model.graph.node)
    first = next(index for index, node in enumerate(nodes) if node.name.startswith(NETWORK_PREFIX))
    after = [node for node in nodes[first:] if not node.name.startswith(NETWORK_PREFIX)]
    tensors = [tensor for tensor in model.graph.initializer if not tensor.name.startswith(NETWORK_PREFIX)]
    del result.graph.node[:]
    result.graph.node.extend(nodes[:first])
    result.graph.node.extend(node for node in donor.graph.node if node.name.startswith(NETWORK_PREFIX))
    result.graph.node.extend(after)
    del result.graph.initializer[:]
    result.graph.initializer.extend(tensors)
    result.graph.initializer.extend(tensor for tensor in donor.graph.initializer if tensor.name.startswith(NETWORK_PREFIX))
    onnx.checker.check_model(result)
    return result
