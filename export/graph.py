"""The serving graph around a network: crop, resize, views, evidence, calibration, distance, quality.

`_GRAPH` below is written in ONNX's own text form, because a tracer would bake in the size of the picture and the number
of views; the network comes from PyTorch's exporter and takes the place of the node `Network`. The numbers that belong to
one model (calibration, statistics of the training images) are initializers, so that `export.convert` can fit them on the
answers of the same graph and write them in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from export.network import LesionNet

Floats = npt.NDArray[np.float32]

OPSET = 18

_GRAPH = """
<ir_version: 10, opset_import: ["" : 18, "lesion" : 1]>
lesion (uint8[1, H, W, 3] image, int64 views) =>
    (float probability, float logit, float[K] classes, float[R, C] evidence, float distance, float spread,
     float[3] quality, float[F] embedding)
<int64 single = {1}, int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
 int64[2] one_two = {1, 2}, int64[2] one_three = {1, 3}, int64[2] halves = {4, 4}, int64[4] quarters = {2, 2, 2, 2},
 int64[8] singles = {1, 1, 1, 1, 1, 1, 1, 1}, int64[1] backwards = {-1}, int64[1] before_first = {-9223372036854775807},
 float certain = {1.0}, float[1] white = {255.0}>
{
    # The largest centred square.
    shape = Shape <start = 1, end = 3> (image)
    shortest = ReduceMin (shape)
    margin = Sub (shape, shortest)
    start = Div (margin, two)
    end = Add (start, shortest)
    cut = Slice (image, start, end, one_two)
    colour_first = Transpose <perm = [0, 3, 1, 2]> (cut)
    pixels = Cast <to = 1> (colour_first)
    sizes = Concat <axis = 0> (one_three, network_size)
    # exclude_outside: at the border, weights are renormalised as PyTorch and Pillow do, instead of repeating the last pixel.
    upright = Resize <mode = "linear", antialias = 1, exclude_outside = 1, coordinate_transformation_mode = "half_pixel">
        (pixels, , , sizes)

    # Quality of what the network sees: sharpness, brightness, size.
    grey = Conv (upright, luma)
    edges = Conv (grey, laplacian)
    edges_mean = ReduceMean <keepdims = 1> (edges)
    edges_centred = Sub (edges, edges_mean)
    edges_squared = Mul (edges_centred, edges_centred)
    variance = ReduceMean <keepdims = 0> (edges_squared)
    sharpness = Reshape (variance, one)
    grey_mean = ReduceMean <keepdims = 0> (grey)
    grey_list = Reshape (grey_mean, one)
    brightness = Div (grey_list, white)
    side_list = Slice (network_size, zero, one)
    shortest_float = Cast <to = 1> (shortest)
    shortest_list = Reshape (shortest_float, one)
    side_float = Cast <to = 1> (side_list)
    size = Div (shortest_list, side_float)
    quality = Concat <axis = 0> (sharpness, brightness, size)

    # All eight flips and quarter turns: two flips of the picture, two of its transpose.
    several = Greater (views, single)
    batch = If (several) <
        then_branch = eight () => (float[8, 3, S, S] all) {
            turned = Transpose <perm = [0, 1, 3, 2]> (upright)
            both = Concat <axis = 0> (upright, turned)
            mirrored = Slice (both, backwards, before_first, three, backwards)
            half = Concat <axis = 0> (both, mirrored)
            flipped = Slice (half, backwards, before_first, two, backwards)
            all = Concat <axis = 0> (half, flipped)
        },
        else_branch = alone () => (float[1, 3, S, S] only) {
            only = Identity (upright)
        }
    >

    cells, class_logits, pooled, middle = lesion.Network (batch)

    # Evidence, every view turned back. `eight` above gives the order.
    turned_back = If (several) <
        then_branch = eight_back () => (float[8, R, C] all_back) {
            plain_rows, flipped_rows = Split <axis = 0> (cells, halves)
            unflipped = Slice (flipped_rows, backwards, before_first, one, backwards)
            straight = Concat <axis = 0> (plain_rows, unflipped)
            a, b, c, d = Split <axis = 0> (straight, quarters)
            b_mirrored = Slice (b, backwards, before_first, two, backwards)
            d_mirrored = Slice (d, backwards, before_first, two, backwards)
            pairs = Concat <axis = 0> (a, b_mirrored, c, d_mirrored)
            p, q, r, s, t, u, v, w = Split <axis = 0> (pairs, singles)
            q_back = Transpose <perm = [0, 2, 1]> (q)
            s_back = Transpose <perm = [0, 2, 1]> (s)
            u_back = Transpose <perm = [0, 2, 1]> (u)
            w_back = Transpose <perm = [0, 2, 1]> (w)
            all_back = Concat <axis = 0> (p, q_back, r, s_back, t, u_back, v, w_back)
        },
        else_branch = alone_back () => (float[1, R, C] only_back) {
            only_back = Identity (cells)
        }
    >
    evidence = ReduceMean <keepdims = 0> (turned_back, zero)

    # Logit, its spread between views, and its calibration (Platt 1999).
    view_means = ReduceMean <keepdims = 0> (cells, one_two)
    view_logits = Add (view_means, bias)
    logit = ReduceMean <keepdims = 0> (view_logits)
    view_offsets = Sub (view_logits, logit)
    view_squares = Mul (view_offsets, view_offsets)
    view_variance = ReduceMean <keepdims = 0> (view_squares)
    spread = Sqrt (view_variance)
    scaled = Mul (logit, slope)
    calibrated = Add (scaled, intercept)
    probability = Sigmoid (calibrated)

    # The malignant diagnoses share the probability, the benign ones the rest.
    mean_class_logits = ReduceMean <keepdims = 0> (class_logits, zero)
    only_malignant = Add (mean_class_logits, hide_benign)
    only_benign = Add (mean_class_logits, hide_malignant)
    malignant_shares = Softmax <axis = 0> (only_malignant)
    benign_shares = Softmax <axis = 0> (only_benign)
    rest = Sub (certain, probability)
    malignant_classes = Mul (malignant_shares, probability)
    benign_classes = Mul (benign_shares, rest)
    classes = Add (malignant_classes, benign_classes)

    # Mahalanobis distance under probabilistic PCA (Tipping & Bishop 1999): inside the components plus outside them.
    mean_middle = ReduceMean <keepdims = 0> (middle, zero)
    offset = Sub (mean_middle, middle_mean)
    standard = Div (offset, middle_std)
    inside = MatMul (standard, components)
    inside_scaled = Div (inside, component_std)
    inside_squares = Mul (inside_scaled, inside_scaled)
    inside_sum = ReduceSum <keepdims = 0> (inside_squares)
    total_squares = Mul (standard, standard)
    total = ReduceSum <keepdims = 0> (total_squares)
    covered_squares = Mul (inside, inside)
    covered = ReduceSum <keepdims = 0> (covered_squares)
    outside = Sub (total, covered)
    outside_scaled = Div (outside, outside_variance)
    squared_distance = Add (inside_sum, outside_scaled)
    dimensions = Size (mean_middle)
    dimensions_float = Cast <to = 1> (dimensions)
    mean_squared_distance = Div (squared_distance, dimensions_float)
    distance = Sqrt (mean_squared_distance)

    embedding = ReduceMean <keepdims = 0> (pooled, zero)
}
"""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling: probability = sigmoid(slope * logit + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Familiarity:
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
    def unknown(cls, features: int) -> "Familiarity":
        """A placeholder with the right shapes, for a graph whose statistics are not fitted yet."""
        axis = np.eye(features, 1, dtype=np.float32)
        flat = np.ones(features, np.float32)
        return cls(np.zeros(features, np.float32), flat, axis, np.ones(1, np.float32), 1.0)


class Core(nn.Module):
    """What PyTorch exports: a batch of squares, 0..255 -> everything that `_ANSWER` needs of each view."""

    def __init__(self, network: LesionNet) -> None:
        super().__init__()
        self.network = network
        self.mean = nn.Buffer(torch.tensor(network.spec.mean).view(1, 3, 1, 1) * 255)
        self.std = nn.Buffer(torch.tensor(network.spec.std).view(1, 3, 1, 1) * 255)

    @property
    def features(self) -> int:
        """How many middle features there are: mean and standard deviation of every channel."""
        body: Any = self.network.body
        return 2 * int(body.feature_info[-2]["num_chs"])

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """(N, 3, S, S) float 0..255 -> cells (N, R, C), class logits (N, K), pooled (N, F), middle (N, M)."""
        network = self.network
        body: Any = network.body
        last, [middle] = body.forward_intermediates((batch - self.mean) / self.std, indices=[-2])
        # The linear head on every cell: the mean over cells plus the bias is the logit, exactly.
        cells = nn.functional.conv2d(last, network.malignant.weight[:, :, None, None])[:, 0]
        pooled = last.mean((2, 3))
        centred = middle - middle.mean((2, 3), keepdim=True)
        statistics = torch.cat((middle.mean((2, 3)), (centred * centred).mean((2, 3)).sqrt()), 1)
        return cells, network.diagnosis(pooled), pooled, statistics


def export_core(core: Core) -> onnx.ModelProto:
    """Export the network alone, with a dynamic number of views."""
    size = core.network.spec.size
    program = torch.onnx.export(
        core.eval(),
        (torch.zeros(2, 3, size, size),),
        input_names=["batch"],
        output_names=["cells", "class_logits", "pooled", "middle"],
        dynamic_shapes={"batch": {0: torch.export.Dim("views", min=1, max=8)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("PyTorch's exporter gave no model.")
    return program.model_proto


def assemble(
    core: onnx.ModelProto, network: LesionNet, calibration: Calibration, familiarity: Familiarity
) -> onnx.ModelProto:
    """Put the network and its numbers into the graph of the design; metadata are not set yet."""
    size, malignant = network.spec.size, np.array(network.spec.malignant)
    # A large negative logit is a share of zero.
    hidden = np.float32(-1e9)
    numbers = {
        "network_size": np.array([size, size], np.int64),
        # ITU-R BT.601, as in JPEG.
        "luma": np.array([0.299, 0.587, 0.114], np.float32).reshape(1, 3, 1, 1),
        "laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32).reshape(1, 1, 3, 3),
        "bias": network.malignant.bias.detach().numpy()[0],
        "slope": np.float32(calibration.slope),
        "intercept": np.float32(calibration.intercept),
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
    model = onnx.parser.parse_model("\n".join(line for line in _GRAPH.splitlines() if not line.strip().startswith("#")))
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items())
    _insert(core, model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _insert(core: onnx.ModelProto, model: onnx.ModelProto) -> None:
    """Replace the node `Network` by the nodes of the exported network, their names prefixed with `network/`."""
    [(place, call)] = [(index, node) for index, node in enumerate(model.graph.node) if node.op_type == "Network"]
    inner = onnx.compose.add_prefix(core, "network/").graph
    outer_name = dict(zip((value.name for value in (*inner.input, *inner.output)), (*call.input, *call.output), strict=True))
    for node in inner.node:
        for names in (node.input, node.output):
            names[:] = [outer_name.get(name, name) for name in names]
    nodes = [*model.graph.node[:place], *inner.node, *model.graph.node[place + 1 :]]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(inner.initializer)
    del model.opset_import[:]
    model.opset_import.extend(core.opset_import)
