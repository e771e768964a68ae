"""The serving graph as ONNX text: everything around the network, for which the node `Network` is a placeholder.

Crop, resize, quality, views, evidence, image type, calibration, diagnoses, OOD distance. The parameters of one model
(`middle_mean` and others) are initializers that `export.graph.assemble` adds by name. Those that depend on the image type
have a row for each type, and those of the calibration one for each type with one and with eight views.
"""

from string import Template

_GRAPH = """
<ir_version: 10, opset_import: ["" : 18, "lesion" : 1]>
lesion (uint8[1, H, W, 3] image, int64 views, int64 image_type) =>
    (float probability, float logit, float[K] classes, float[R, C] evidence, float distance, float spread,
     float[3] quality, float[F] embedding, float clinical_probability, int64 used_type$bias_output)
<int64 none = {0}, int64 single = {1}, int64 pair = {2}, float half_certain = {0.5},
 int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
 int64[2] one_two = {1, 2}, int64[2] one_three = {1, 3}, int64[2] two_three = {2, 3}, int64 ten = {10},
 int64[2] halves = {4, 4}, int64[2] pairs = {2, 2}, int64[2] singles = {1, 1}, float eight_views = {8.0},
 int64[1] backwards = {-1}, int64[1] before_first = {-9223372036854775807},
 int64[2] three_rows = {3, -1}, int64[1] minus_one = {-1}, int64[1] minus_two = {-2},
 int64[1] after_last = {9223372036854775807}, float four = {4.0}, float certain = {1.0}, float[1] white = {255.0}>
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

    # Quality of the network's input: sharpness, brightness, size.
    # Sums instead of a convolution, because ONNX Runtime pads a convolution with one output channel to sixteen.
    colours = Reshape (upright, three_rows)
    grey_row = MatMul (luma, colours)
    grey = Reshape (grey_row, network_size)
    upper = Slice (grey, zero, minus_two, zero)
    lower = Slice (grey, two, after_last, zero)
    inner = Slice (grey, one, minus_one, zero)
    vertical = Add (upper, lower)
    sides = Slice (vertical, one, minus_one, one)
    left = Slice (inner, zero, minus_two, one)
    right = Slice (inner, two, after_last, one)
    centre = Slice (inner, one, minus_one, one)
    horizontal = Add (left, right)
    around = Add (sides, horizontal)
    four_centres = Mul (centre, four)
    # Laplacian of each pixel with four neighbours; its variance is the sharpness.
    edges = Sub (around, four_centres)
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

    # Eight views: four quarter turns of the square, and of its middle, enlarged.
    several = Greater (views, single)
    batch = If (several) <
        then_branch = eight () => (float[8, 3, S, S] all) {
            inner_margin = Div (shortest, ten)
            inner_start = Reshape (inner_margin, one)
            inner_end = Sub (shortest, inner_start)
            inner_starts = Concat <axis = 0> (inner_start, inner_start)
            inner_ends = Concat <axis = 0> (inner_end, inner_end)
            middle_pixels = Slice (pixels, inner_starts, inner_ends, two_three)
            closer =
                Resize <mode = "linear", antialias = 1, exclude_outside = 1, coordinate_transformation_mode = "half_pixel">
                (middle_pixels, , , sizes)
            both = Concat <axis = 0> (upright, closer)
            transposed = Transpose <perm = [0, 1, 3, 2]> (both)
            turned = Slice (transposed, backwards, before_first, two, backwards)
            half = Concat <axis = 0> (both, turned)
            opposite_rows = Slice (half, backwards, before_first, two, backwards)
            opposite = Slice (opposite_rows, backwards, before_first, three, backwards)
            all = Concat <axis = 0> (half, opposite)
        },
        else_branch = alone () => (float[1, 3, S, S] only) {
            only = Identity (upright)
        }
    >

    $network_outputs = lesion.Network (batch)

    # Image type: 1 dermoscopic, 2 clinical. Row of the calibration: both types with one and with eight views.
    mean_middle = ReduceMean <keepdims = 0> (middle, zero)
    embedding = ReduceMean <keepdims = 0> (pooled, zero)
    type_features = Concat <axis = 0> (mean_middle, embedding)
    $detection
    is_clinical = GreaterOrEqual (clinical_probability, half_certain)
    detected_type = Where (is_clinical, pair, single)
    is_unknown = Equal (image_type, none)
    used_type = Where (is_unknown, detected_type, image_type)
    type_row = Sub (used_type, single)
    first_setting = Mul (type_row, pair)
    further_setting = Cast <to = 7> (several)
    setting = Add (first_setting, further_setting)

    $heads_of_type
    # Mean evidence of the views, turned back and placed where they lie in the square; the order is that of `eight` above.
    evidence = If (several) <
        then_branch = eight_back () => (float[R, C] mean_back) {
            half_cells, opposite_cells = Split <axis = 0> (cells, halves)
            opposite_rows_back = Slice (opposite_cells, backwards, before_first, one, backwards)
            opposite_back = Slice (opposite_rows_back, backwards, before_first, two, backwards)
            half_sum = Add (half_cells, opposite_back)
            straight, turned_cells = Split <axis = 0> (half_sum, pairs)
            turned_rows_back = Slice (turned_cells, backwards, before_first, one, backwards)
            turned_back = Transpose <perm = [0, 2, 1]> (turned_rows_back)
            both_back = Add (straight, turned_back)
            whole, closer_cells = Split <axis = 0> (both_back, singles)
            placed_rows = MatMul (place_rows, closer_cells)
            placed = MatMul (placed_rows, place_columns)
            summed = Add (whole, placed)
            mean_of_eight = Div (summed, eight_views)
            mean_back = Squeeze (mean_of_eight, zero)
        },
        else_branch = alone_back () => (float[R, C] only_back) {
            only_back = Squeeze (cells, zero)
        }
    >

    # Logit, and its standard deviation between views.
    view_means = ReduceMean <keepdims = 0> (cells, one_two)
    view_logits = Add (view_means, $bias)
    logit = ReduceMean <keepdims = 0> (view_logits)
    view_offsets = Sub (view_logits, logit)
    view_squares = Mul (view_offsets, view_offsets)
    view_variance = ReduceMean <keepdims = 0> (view_squares)
    spread = Sqrt (view_variance)

    # Beta calibration (Kull et al. 2017); with equal slopes it is Platt scaling.
    own_below = Gather <axis = 0> (below, setting)
    own_above = Gather <axis = 0> (above, setting)
    own_intercept = Gather <axis = 0> (intercept, setting)
    softplus_up = Softplus (logit)
    negative_logit = Neg (logit)
    softplus_down = Softplus (negative_logit)
    rise = Mul (softplus_up, own_above)
    fall = Mul (softplus_down, own_below)
    bent = Sub (rise, fall)
    calibrated = Add (bent, own_intercept)
    probability = Sigmoid (calibrated)

    # Softmax within each side: the malignant diagnoses sum to `probability`, the benign ones to the rest.
    mean_class_logits = ReduceMean <keepdims = 0> (class_logits, zero)
    only_malignant = Add (mean_class_logits, hide_benign)
    only_benign = Add (mean_class_logits, hide_malignant)
    malignant_shares = Softmax <axis = 0> (only_malignant)
    benign_shares = Softmax <axis = 0> (only_benign)
    rest = Sub (certain, probability)
    malignant_classes = Mul (malignant_shares, probability)
    benign_classes = Mul (benign_shares, rest)
    classes = Add (malignant_classes, benign_classes)

    # OOD distance: Mahalanobis distance under probabilistic PCA (Tipping & Bishop 1999), within the components plus outside.
    # Of each view; the squares are averaged, because the mean of the features would hide what is unusual in a view.
    own_mean = Gather <axis = 0> (middle_mean, type_row)
    own_std = Gather <axis = 0> (middle_std, type_row)
    own_components = Gather <axis = 0> (components, type_row)
    own_component_std = Gather <axis = 0> (component_std, type_row)
    own_outside_variance = Gather <axis = 0> (outside_variance, type_row)
    offset = Sub (middle, own_mean)
    standard = Div (offset, own_std)
    inside = MatMul (standard, own_components)
    inside_scaled = Div (inside, own_component_std)
    inside_squares = Mul (inside_scaled, inside_scaled)
    inside_sum = ReduceSum <keepdims = 0> (inside_squares, one)
    total_squares = Mul (standard, standard)
    total = ReduceSum <keepdims = 0> (total_squares, one)
    covered_squares = Mul (inside, inside)
    covered = ReduceSum <keepdims = 0> (covered_squares, one)
    outside = Sub (total, covered)
    outside_scaled = Div (outside, own_outside_variance)
    squared_distances = Add (inside_sum, outside_scaled)
    squared_distance = ReduceMean <keepdims = 0> (squared_distances)
    dimensions = Size (mean_middle)
    dimensions_float = Cast <to = 1> (dimensions)
    mean_squared_distance = Div (squared_distance, dimensions_float)
    distance = Sqrt (mean_squared_distance)

    $mean_bias
}
"""

_CONSTANT_BIAS = {
    "network_outputs": "cells, class_logits, pooled, middle",
    "heads_of_type": "",
    "bias_output": "",
    "bias": "bias",
    "mean_bias": "",
}
_BIAS_PER_IMAGE = {
    **_CONSTANT_BIAS,
    "network_outputs": "cells, class_logits, pooled, middle, view_bias",
    "bias_output": ", float bias",
    "bias": "view_bias",
    "mean_bias": "bias = ReduceMean <keepdims = 0> (view_bias)",
}
_HEAD_PER_TYPE = {
    **_BIAS_PER_IMAGE,
    "network_outputs": "cells_by_type, class_logits_by_type, pooled, middle, bias_by_type",
    "heads_of_type": """
    cells = Gather <axis = 1> (cells_by_type, type_row)
    class_logits = Gather <axis = 1> (class_logits_by_type, type_row)
    view_bias = Gather <axis = 1> (bias_by_type, type_row)
""",
}


_DETECTION = """
    type_offset = Sub (type_features, type_mean)
    standard_type = Div (type_offset, type_std)
    type_sum = MatMul (standard_type, type_weights)
    type_logit = Add (type_sum, type_bias)
    clinical_probability = Sigmoid (type_logit)
"""
_ONLY_TYPE = "clinical_probability = Identity (only_type)"


def serving_graph_text(*, bias_per_image: bool, head_per_type: bool, detects_image_type: bool) -> str:
    """Return the graph as text for ONNX's parser.

    Args:
        bias_per_image: whether the network returns a bias for every view, and the graph an output `bias`; otherwise `bias`
            is an initializer.
        head_per_type: whether evidence, class logits and bias of the network have the image type as their second axis. It
            implies a bias for every view.
        detects_image_type: whether the initializers contain a detector; otherwise `only_type` is the constant probability
            that an image is clinical, 0 or 1.
    """
    lines = (line for line in _GRAPH.splitlines() if not line.strip().startswith("#"))
    outputs = _HEAD_PER_TYPE if head_per_type else _BIAS_PER_IMAGE if bias_per_image else _CONSTANT_BIAS
    return Template("\n".join(lines)).substitute(outputs, detection=_DETECTION if detects_image_type else _ONLY_TYPE)
