"""How the numbers of the network are stored in a model file: float32, or float16 for half the size."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NETWORK_PREFIX = "network/"
"""How the names of the network's tensors begin: `export.graph.assemble`."""

FLOAT16_SUFFIX = "/half"
"""How the names of tensors that are stored as float16 end."""

MIN_ELEMENTS = 1024
"""Numbers that a tensor must have to be worth a node that widens it again."""


def store_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose network has its large float32 tensors stored as float16.

    Each is widened by a `Cast`, which ONNX Runtime folds when it loads the file: it calculates with float32 all the same.

    Raises:
        OverflowError: a number does not fit into float16.
    """
    small = onnx.ModelProto()
    small.CopyFrom(model)
    casts = []
    for tensor in small.graph.initializer:
        large = int(np.prod(tensor.dims)) >= MIN_ELEMENTS
        if tensor.data_type != TensorProto.FLOAT or not large or not tensor.name.startswith(NETWORK_PREFIX):
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > float(np.finfo(np.float16).max):
            raise OverflowError(f"{tensor.name} has numbers beyond float16.")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + FLOAT16_SUFFIX))
        casts.append(helper.make_node("Cast", [name + FLOAT16_SUFFIX], [name], name=f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    onnx.checker.check_model(small)
    return small


def replace_network(model: onnx.ModelProto, donor: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model file with the network of another, in its numbers; what goes in and out of both is the same."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    nodes = list(model.graph.node)
    place = next(index for index, node in enumerate(nodes) if node.name.startswith(NETWORK_PREFIX))
    after = [node for node in nodes[place:] if not node.name.startswith(NETWORK_PREFIX)]
    numbers = [tensor for tensor in model.graph.initializer if not tensor.name.startswith(NETWORK_PREFIX)]
    del whole.graph.node[:]
    whole.graph.node.extend(nodes[:place])
    whole.graph.node.extend(node for node in donor.graph.node if node.name.startswith(NETWORK_PREFIX))
    whole.graph.node.extend(after)
    del whole.graph.initializer[:]
    whole.graph.initializer.extend(numbers)
    whole.graph.initializer.extend(tensor for tensor in donor.graph.initializer if tensor.name.startswith(NETWORK_PREFIX))
    onnx.checker.check_model(whole)
    return whole
