"""How the numbers of the network are stored in a model file: float32, or float16 for half the size."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NETWORK = "network/"
"""How the names of the network's tensors begin: `export.graph`."""

HALF = "/half"
"""How the names of tensors that are stored as float16 end."""

SMALLEST = 1024
"""Numbers that a tensor must have to be worth a node that widens it again."""


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose network has its large float32 tensors stored as float16.

    Each is widened by a `Cast`, which ONNX Runtime folds when it loads the file: it calculates with float32 all the same.

    Raises:
        OverflowError: a number does not fit into float16.
    """
    small = onnx.ModelProto()
    small.CopyFrom(model)
    casts = []
    for tensor in small.graph.initializer:
        large = int(np.prod(tensor.dims)) >= SMALLEST
        if tensor.data_type != TensorProto.FLOAT or not large or not tensor.name.startswith(NETWORK):
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > float(np.finfo(np.float16).max):
            raise OverflowError(f"{tensor.name} has numbers beyond float16.")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + HALF))
        casts.append(helper.make_node("Cast", [name + HALF], [name], name=f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    onnx.checker.check_model(small)
    return small
